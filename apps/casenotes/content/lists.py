"""What tablets show of the screener: its questions, as a list of the kind `code_list` of
`reference`. Lists of codes with nothing but labels are in `codes.CODE_LISTS`, what is asked for by
a policy in the policy (kind `note_policy`).
"""

from __future__ import annotations

from typing import Final

from apps.casenotes.content import cssrs
from apps.dispatch.codelists import CodeList

REFERENCE_LISTS: Final = (CodeList("note_screen", cssrs.SOURCE, cssrs.question_items),)
