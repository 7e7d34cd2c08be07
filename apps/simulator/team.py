"""Who plays: units, responders, desks. Plain names, so that seed and simulator mean the same."""

from __future__ import annotations

from typing import Final

TEAM: Final = "CARE Downtown"
# A CARE unit's call sign, and the account names of its two responders.
CREWS: Final = {
    f"CARE{20 + number}": (f"responder{2 * number - 1:02}", f"responder{2 * number:02}")
    for number in range(1, 7)
}
SUPERVISORS: Final = ("supervisor1", "supervisor2")
# Where they are told what their team has missed.
MAILBOXES: Final = {name: f"{name}@care.example" for name in SUPERVISORS}
DISPATCHER: Final = "dispatcher1"
ADMINISTRATOR: Final = "administrator"
CAD_CLIENT: Final = "911 centre (simulated)"
POLICE: Final = ("1K11", "1K12", "1M21", "1M22", "2G13", "2O11", "2D14", "3K12")

# Agencies of the made-up directory that the crews ask: those that answer by systems of their own,
# and those that are sent links, with the address of their front desk.
AGENCIES: Final = ("Example Night Shelters",)
FRONT_DESKS: Final = {"Example Recovery Services": "front.desk@recovery.example"}

# Files of the run's folder that seed and simulator share.
PASSWORD_FILE: Final = "password"  # noqa: S105  (a file's name)
CAD_TOKEN_FILE: Final = "cad_token"  # noqa: S105
AGENCY_TOKENS_FILE: Final = "agency_tokens"
