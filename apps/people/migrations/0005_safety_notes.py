from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0004_glass_questions")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="let_go_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="person",
            name="safety_unread",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="person",
            name="safety_until",
            field=models.DateField(null=True),
        ),
    ]
