from typing import Any

from django.db import migrations, models

_STATES = [
    ("active", "active"),
    ("lost", "lost"),
    ("compromised", "compromised"),
    ("retired", "retired"),
]


def widen(apps: Any, schema_editor: Any) -> None:
    """A longer varchar: PostgreSQL rewrites and reads no row for it."""
    schema_editor.execute("alter table accounts_tablet alter column state type varchar(12)")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="tablet",
            name="accounts_tablet_state",
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(widen, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="tablet",
                    name="state",
                    field=models.CharField(choices=_STATES, default="active", max_length=12),
                )
            ],
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", [value for value, _ in _STATES])),
                name="accounts_tablet_state",
            ),
        ),
    ]
