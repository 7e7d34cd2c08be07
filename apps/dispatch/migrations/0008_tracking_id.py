from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0007_withheld_of_held_messages"),
    ]

    operations = [
        # Empty for what is here already: the next message tells it.
        migrations.AddField(
            model_name="incident",
            name="tracking_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
    ]
