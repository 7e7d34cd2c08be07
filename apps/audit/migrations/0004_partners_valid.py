from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_partners")]

    operations = [ValidateConstraint("entry", "audit_actor_kind")]
