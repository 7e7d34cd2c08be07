from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

_KINDS = [
    ("user", "person"),
    ("tablet", "person on a tablet"),
    ("cad", "CAD system"),
    ("partner", "partner's system"),
    ("system", "Carefield itself"),
]


class Migration(migrations.Migration):
    """The rows that are there held the narrower rule: they are looked at by the next migration,
    while others write."""

    dependencies = [("audit", "0002_find_by_record")]

    operations = [
        migrations.AlterField(
            "entry", "actor_kind", models.CharField(choices=_KINDS, max_length=10)
        ),
        migrations.RemoveConstraint("entry", "audit_actor_kind"),
        AddConstraintNotValid(
            "entry",
            models.CheckConstraint(
                condition=models.Q(actor_kind__in=[kind for kind, _ in _KINDS]),
                name="audit_actor_kind",
            ),
        ),
    ]
