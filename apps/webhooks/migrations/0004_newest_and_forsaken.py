from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_WHY = [
    ("refused", "the receiver refused it for good"),
    ("gone", "the receiver says that it is gone"),
    ("unproven", "the receiver did not repeat the challenge"),
    ("disabled", "its endpoint was disabled, and nobody opened it again"),
]


class Migration(migrations.Migration):
    atomic = False  # the index is built while others write
    dependencies = [("webhooks", "0003_a_long_backlog")]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="parked_why",
            field=models.CharField(blank=True, choices=_WHY, max_length=10),
        ),
        migrations.RemoveConstraint(model_name="delivery", name="webhooks_delivery_choices"),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["pending", "accepted", "parked"]),
                    ("lane__in", [0, 1]),
                    ("parked_why__in", ["", *(code for code, _ in _WHY)]),
                ),
                name="webhooks_delivery_choices",
            ),
        ),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(fields=["made_at", "id"], name="webhooks_delivery_newest"),
        ),
    ]
