"""The verbs of dispatch. Nothing else writes its rows."""

from apps.dispatch.services.beats import load_beats
from apps.dispatch.services.crews import (
    crew_of,
    end_shift,
    extend_shift,
    hand_over,
    join_crew,
    leave_crew,
    start_shift,
)
from apps.dispatch.services.held import content_of, expire_held, hold_message, replay_held
from apps.dispatch.services.incidents import (
    NotPlausible,
    attach_unit,
    detach_unit,
    link_to_cad,
    open_incident,
    unlink_from_cad,
)
from apps.dispatch.services.intake import Received, receive
from apps.dispatch.services.reference import load_reference, publish_reference
from apps.dispatch.services.rulebook import (
    as_rule,
    check_rule,
    new_version,
    save_call_type,
    save_rule,
)
from apps.dispatch.services.units import check_team, save_unit

__all__ = [
    "NotPlausible",
    "Received",
    "as_rule",
    "attach_unit",
    "check_rule",
    "check_team",
    "content_of",
    "crew_of",
    "detach_unit",
    "end_shift",
    "expire_held",
    "extend_shift",
    "hand_over",
    "hold_message",
    "join_crew",
    "leave_crew",
    "link_to_cad",
    "load_beats",
    "load_reference",
    "new_version",
    "open_incident",
    "publish_reference",
    "receive",
    "replay_held",
    "save_call_type",
    "save_rule",
    "save_unit",
    "start_shift",
    "unlink_from_cad",
]
