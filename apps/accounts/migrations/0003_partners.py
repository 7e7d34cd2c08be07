import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import apps.core.ids

_ROLES = [
    ("responder", "responder"),
    ("supervisor", "supervisor"),
    ("dispatcher", "dispatcher"),
    ("administrator", "administrator (accounts and rules, no records)"),
    ("partner", "partner's own (pages for partners, nothing of ours)"),
]


def _id():
    return models.UUIDField(
        default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_lost_and_compromised")]

    operations = [
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", _id()),
                ("name", models.CharField(max_length=120, unique=True)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="PartnerToken",
            fields=[
                ("id", _id()),
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                ("made_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="accounts.partner",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.AddField(
            "user",
            "partner",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="users",
                to="accounts.partner",
            ),
        ),
        migrations.AlterField("user", "role", models.CharField(choices=_ROLES, max_length=20)),
        migrations.RemoveConstraint("user", "accounts_user_role"),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(
                condition=Q(role__in=[role for role, _ in _ROLES]), name="accounts_user_role"
            ),
        ),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(
                condition=Q(role="partner", partner__isnull=False)
                | (~Q(role="partner") & Q(partner=None)),
                name="accounts_user_partner_by_role",
            ),
        ),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(
                condition=~Q(role="partner") | Q(team=None, is_staff=False, is_superuser=False),
                name="accounts_partner_is_no_staff",
            ),
        ),
    ]
