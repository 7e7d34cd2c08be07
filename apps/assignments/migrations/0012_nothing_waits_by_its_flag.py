from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [("assignments", "0011_links_that_wait")]

    operations = [
        RemoveIndexConcurrently(model_name="fact", name="assignments_fact_came_early"),
    ]
