"""The verbs of metrics. Nothing else writes these rows."""

from apps.metrics.services.exporting import (
    export_declined,
    export_dispatches,
    export_not_sent,
)
from apps.metrics.services.following import follow_log, rebuild
from apps.metrics.services.packets import make_packet

__all__ = [
    "export_declined",
    "export_dispatches",
    "export_not_sent",
    "follow_log",
    "make_packet",
    "rebuild",
]
