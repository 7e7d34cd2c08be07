from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assignments", "0001_initial"),
        ("dispatch", "0002_incidents_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="alert",
            name="assignments_alert_kind",
        ),
        migrations.AddField(
            model_name="alert",
            name="counted",
            field=models.JSONField(
                help_text="what was counted, where it is about more than one call: numbers alone",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("emergency", "emergency"),
                    ("assist", "assistance requested"),
                    ("scene_unsafe", "scene no longer safe"),
                    ("unacknowledged", "call not acknowledged"),
                    ("overdose_spike", "overdoses near each other"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["emergency", "assist", "scene_unsafe", "unacknowledged", "overdose_spike"],
                    )
                ),
                name="assignments_alert_kind",
            ),
        ),
    ]
