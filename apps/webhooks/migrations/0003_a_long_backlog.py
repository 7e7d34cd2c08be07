from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

_SUBJECT = ["endpoint", "subject", "sequence"]


def _add(name: str, fields: list[str], **condition: object) -> AddIndexConcurrently:
    return AddIndexConcurrently(
        model_name="delivery",
        index=models.Index(
            condition=models.Q(*sorted(condition.items())), fields=fields, name=name
        ),
    )


class Migration(migrations.Migration):
    atomic = False  # the indexes are built while others write
    dependencies = [("webhooks", "0002_under_way")]

    operations = [
        _add("webhooks_delivery_waiting", _SUBJECT, state="pending", lane=1, replay=False),
        _add("webhooks_delivery_replays", ["endpoint", "sequence"], state="pending", replay=True),
        _add("webhooks_delivery_refused", _SUBJECT, state="parked"),
        _add("webhooks_delivery_taken", _SUBJECT, state="accepted", lane=1),
        RemoveIndexConcurrently(model_name="delivery", name="webhooks_delivery_in_order"),
    ]
