from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("dispatch", "0005_lists_by_time"),
        ("referrals", "0004_first_of_month"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="capacity",
            index=models.Index(fields=["set_at", "id"], name="referrals_capacity_by_time"),
        ),
        AddIndexConcurrently(
            model_name="consent",
            index=models.Index(fields=["given_at", "id"], name="referrals_consent_by_time"),
        ),
        AddIndexConcurrently(
            model_name="consentrecipient",
            index=models.Index(fields=["told_at", "id"], name="referrals_recipient_by_time"),
        ),
        AddIndexConcurrently(
            model_name="directorytask",
            index=models.Index(fields=["opened_at", "id"], name="referrals_dirtask_by_time"),
        ),
        AddIndexConcurrently(
            model_name="facilityfact",
            index=models.Index(fields=["received_at", "id"], name="referrals_fact_by_time"),
        ),
        AddIndexConcurrently(
            model_name="referrallink",
            index=models.Index(fields=["made_at", "id"], name="referrals_link_by_time"),
        ),
        AddIndexConcurrently(
            model_name="referraltask",
            index=models.Index(fields=["asked_at", "id"], name="referrals_task_by_time"),
        ),
    ]
