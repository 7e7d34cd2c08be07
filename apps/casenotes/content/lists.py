"""What tablets show of the rules: the screener's questions, the local protocol and the legal
intervals, as lists of the kind `code_list` of `reference`. Lists of codes with nothing but labels
are in `codes.CODE_LISTS`.
"""

from __future__ import annotations

from typing import Final

from apps.casenotes.content import cssrs, grave
from apps.dispatch.codelists import CodeList

REFERENCE_LISTS: Final = (
    CodeList("note_screen", cssrs.SOURCE, cssrs.question_items),
    CodeList("note_screen_protocol", "The citation of each", cssrs.protocol_items),
    CodeList("note_legal_intervals", "The citation of each", grave.interval_items),
)
