from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch.html import to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("MALE DOWN ON SIDEWALK", "MALE DOWN ON SIDEWALK"),
        ("<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<b>KNIFE</b> seen", "KNIFE seen"),
        ("R&amp;B &lt;quoted&gt;", "R&B <quoted>"),
        ("a < b and 3 > 2", "a < b and 3 > 2"),
        ("<script>alert('x')</script>calm", "calm"),
        ("<style>p{}</style>calm", "calm"),
        ('<a href="javascript:alert(1)" title="a>b">link</a>', "link"),
        ('<img src=x onerror="alert(1)">calm', "calm"),
        ("one<!-- hidden -->two", "onetwo"),
        # What is no HTML is a word of the note: a hazard must not vanish as a tag.
        ("<knife in hand> and <WIFE> outside", "<knife in hand> and <WIFE> outside"),
        ("<b>HAS</b> <gun", "HAS <gun"),
        ("calm <i think he has a knife", "calm <i think he has a knife"),
        ("<b has knife> ok", "<b has knife> ok"),
        ("calm <!-- has a knife", "calm <!-- has a knife"),
        ("<!DOCTYPE html><p class=x>calm</p\n>", "calm"),
    ],
)
def test_notes_become_plain_text(html: str, text: str) -> None:
    assert to_text(html) == text


@given(st.text(alphabet=st.sampled_from("ab<>&;/\"'=! \n"), max_size=60))
def test_any_text_is_read_without_error(html: str) -> None:
    assert isinstance(to_text(html), str)


@given(st.text(alphabet="abc XYZ.,0123", max_size=60))
def test_text_without_markup_is_left_alone(text: str) -> None:
    assert to_text(text) == text.strip()


@pytest.mark.parametrize("unit", ["<!--", "<a a=", "<b ", "<!", "<p>", "&#", "<script>", "\u2003"])
def test_a_long_note_is_read_in_reasonable_time(unit: str) -> None:
    start = time.thread_time()
    to_text("<p>" + (unit * 100_000)[:100_000])
    assert time.thread_time() - start < 5
