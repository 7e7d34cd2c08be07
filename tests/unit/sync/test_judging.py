"""The verdict on a pushed version, case by case in the order of judgement."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sync.canonical import covers, same
from apps.sync.judging import Fate, Present, Sent, State, Taken, Verdict, judge
from apps.sync.policies import Policy, append_only, text, union

ME, OTHER = "me", "other"
POLICIES: dict[str, Policy] = {"text": text, "tags": union, "log": append_only}


def judged(
    sent: Sent, present: Present | None, last: Taken | None = None, *, told_before: bool = False
) -> Verdict:
    return judge(sent, present, last, told_before=told_before, policies=POLICIES)


def of_me(content: dict[str, Any], edit_no: int, **more: Any) -> Sent:
    return Sent(content, editor=ME, edit_no=edit_no, **more)


class TestOnce:
    def test_the_first_version(self) -> None:
        assert judged(of_me({"a": 1}, 1), None) == Verdict(Fate.NEW, {"a": 1})

    @pytest.mark.parametrize("edit_no", [3, 2])
    def test_a_save_that_is_known_does_nothing(self, edit_no: int) -> None:
        last = Taken({"a": 1}, rev=5, edit_no=3)
        present = Present({"a": 9}, rev=7)
        found = judged(of_me({"a": 1}, edit_no), present, last, told_before=True)
        assert found == Verdict(Fate.REPEAT)

    def test_the_same_number_with_another_text_changes_nothing_and_is_kept(self) -> None:
        """A tablet that was put back in time counts its saves anew."""
        last = Taken({"a": "first"}, rev=5, edit_no=3)
        found = judged(of_me({"a": "second", "b": 1}, 3), Present({"a": "first"}, rev=5), last)
        assert found == Verdict(Fate.KEPT, None, {"a": "second", "b": 1}, {"a": "first", "b": None})

    def test_an_older_save_that_comes_late_is_kept_without_its_known_parts(self) -> None:
        last = Taken({"a": "new", "b": 2}, rev=5, edit_no=3)
        found = judged(of_me({"a": "old", "b": 2}, 2), Present({"a": "new", "b": 2}, rev=5), last)
        assert found.fate == Fate.KEPT
        assert found.lost == {"a": "old"}


class TestAsSent:
    def test_typed_on_the_present_state(self) -> None:
        sent = of_me({"a": 2}, 4, assumed=State({"a": 1}, rev=3))
        assert judged(sent, Present({"a": 1}, rev=3)) == Verdict(Fate.APPLIED, {"a": 2})

    def test_the_assumed_state_counts_by_content_not_by_its_revision(self) -> None:
        """After a push a client believes that the server holds what it sent, with the old rev."""
        sent = of_me({"a": 3}, 5, assumed=State({"a": 2}, rev=3))
        assert judged(sent, Present({"a": 2}, rev=4)).fate == Fate.APPLIED

    def test_a_lost_answer_then_typed_on(self) -> None:
        last = Taken({"a": "one"}, rev=4, edit_no=4)
        sent = of_me({"a": "two"}, 5, assumed=State({"a": "zero"}, rev=3))
        found = judged(sent, Present({"a": "one"}, rev=4), last)
        assert found == Verdict(Fate.APPLIED, {"a": "two"})

    def test_a_lost_answer_then_gone_back(self) -> None:
        last = Taken({"a": "B"}, rev=4, edit_no=4)
        sent = of_me({"a": "A"}, 5, assumed=State({"a": "A"}, rev=3))
        found = judged(sent, Present({"a": "B"}, rev=4), last)
        assert found == Verdict(Fate.APPLIED, {"a": "A"})

    def test_a_field_that_is_not_named_stays(self) -> None:
        sent = of_me({"a": 2}, 4, assumed=State({"a": 1}, rev=3))
        found = judged(sent, Present({"a": 1, "newer": "x"}, rev=3))
        assert found.content == {"a": 2, "newer": "x"}

    def test_an_emptied_field_is_emptied(self) -> None:
        sent = of_me({"a": None}, 4, assumed=State({"a": 1}, rev=3))
        assert judged(sent, Present({"a": 1}, rev=3)).content == {"a": None}

    def test_what_holds_already(self) -> None:
        assert judged(Sent({"a": 1.0}), Present({"a": 1, "b": 2}, rev=3)).fate == Fate.SAME


class TestMerged:
    def test_different_fields(self) -> None:
        sent = of_me({"a": 2, "b": 1}, 4, assumed=State({"a": 1, "b": 1}, rev=3))
        found = judged(sent, Present({"a": 1, "b": 7}, rev=4))
        assert found == Verdict(Fate.MERGED, {"a": 2, "b": 7})

    def test_two_who_fill_the_same_empty_field(self) -> None:
        sent = of_me({"a": 1, "photos": "mine"}, 4, assumed=State({"a": 1}, rev=3))
        found = judged(sent, Present({"a": 1, "photos": "theirs"}, rev=4))
        assert found.fate == Fate.MERGED
        assert found.lost == {"photos": "mine"}

    def test_one_field_keeps_both(self) -> None:
        sent = of_me({"a": "mine"}, 4, assumed=State({"a": "base"}, rev=3))
        found = judged(sent, Present({"a": "theirs"}, rev=4))
        assert found == Verdict(Fate.MERGED, {"a": "theirs"}, {"a": "mine"}, {"a": "theirs"})

    def test_the_later_of_assumed_and_last_sent_is_the_base(self) -> None:
        """The answer to save 4 was lost, and another merged on it: only what was typed since 4 is
        new."""
        last = Taken({"a": "four", "b": 0}, rev=4, edit_no=4)
        sent = of_me({"a": "five", "b": 0}, 5, assumed=State({"a": "zero", "b": 0}, rev=3))
        found = judged(sent, Present({"a": "four", "b": "theirs"}, rev=5), last)
        assert found == Verdict(Fate.MERGED, {"a": "five", "b": "theirs"})

    def test_what_was_pulled_since_is_later_than_what_was_sent(self) -> None:
        last = Taken({"a": "mine", "b": 0}, rev=4, edit_no=4)
        sent = of_me({"a": "theirs", "b": 1}, 5, assumed=State({"a": "theirs", "b": 0}, rev=6))
        found = judged(sent, Present({"a": "theirs", "b": 0, "c": 1}, rev=7), last)
        assert found.content == {"a": "theirs", "b": 1, "c": 1}

    def test_an_old_client_does_not_empty_what_it_does_not_know(self) -> None:
        sent = of_me({"a": 2}, 4, assumed=State({"a": 1}, rev=3))
        found = judged(sent, Present({"a": 1, "b": "theirs", "newer": "x"}, rev=4))
        assert found.content == {"a": 2, "b": "theirs", "newer": "x"}


class TestWithoutABase:
    def test_the_higher_revision_wins_and_what_it_covers_is_kept(self) -> None:
        sent = of_me({"a": "acked", "b": 1}, 9, rev=8)
        found = judged(sent, Present({"a": "restored", "b": 1}, rev=3))
        assert found == Verdict(
            Fate.APPLIED, {"a": "acked", "b": 1}, {"a": "restored"}, {"a": "acked"}
        )

    def test_an_older_save_of_its_editor_is_no_base_of_what_was_typed_on_a_later_revision(
        self,
    ) -> None:
        """I saved 1, another 2, and I went on from theirs to 3; then the server was put back to 2.
        What I hand over names 3, and my save of 1 says nothing about what it was typed on."""
        last = Taken({"a": "one", "text": "one"}, rev=1, edit_no=1)
        present = Present({"a": "two", "text": "two"}, rev=2, editor=OTHER, edit_no=1)
        found = judged(of_me({"a": "three", "text": "three"}, 2, rev=3), present, last)
        assert found.content == {"a": "three", "text": "three"}
        assert found.lost == {"a": "two", "text": "two"}

    def test_the_last_save_is_the_base_of_what_names_no_later_revision(self) -> None:
        """The answers to a new document were lost; its client knows of no revision yet."""
        last = Taken({"a": "one", "b": 0}, rev=1, edit_no=1)
        found = judged(of_me({"a": "two", "b": 0}, 2), Present({"a": "one", "b": 9}, rev=2), last)
        assert found == Verdict(Fate.MERGED, {"a": "two", "b": 9})

    def test_the_higher_save_of_the_same_editor_wins(self) -> None:
        present = Present({"a": "old"}, rev=3, editor=ME, edit_no=2)
        assert judged(of_me({"a": "new"}, 3, rev=3), present).content == {"a": "new"}
        assert judged(of_me({"a": "new"}, 1, rev=3), present).content == {"a": "old"}

    def test_a_base_that_is_later_than_the_document_counts_for_nothing(self) -> None:
        """The server was put back in time: what it has now is what the tablet had long before, and
        must not take back what came since."""
        base = State({"a": "newer", "b": 2}, rev=5)
        sent = of_me({"a": "newer", "b": 3}, 7, assumed=base)
        found = judged(sent, Present({"a": "older", "b": 1}, rev=3))
        assert found.content == {"a": "newer", "b": 3}
        assert found.lost == {"a": "older", "b": 1}

    def test_otherwise_fields_are_put_together_and_both_are_kept(self) -> None:
        sent = Sent({"a": "mine", "b": None, "tags": ["x"]}, editor=OTHER, edit_no=1)
        found = judged(sent, Present({"a": "theirs", "b": 2, "tags": ["y"]}, rev=1))
        assert found.content == {"a": "theirs", "b": 2, "tags": ["y", "x"]}
        assert found.lost == {"a": "mine"}


_CONTENT = st.dictionaries(
    st.sampled_from(["a", "b", "c", "text", "tags"]), st.sampled_from([None, "x", "y", "z"])
)
_STATES = st.none() | st.builds(State, _CONTENT, st.integers(0, 9))
_PRESENT = st.builds(Present, _CONTENT, st.integers(1, 9))
_LAST = st.none() | st.builds(Taken, _CONTENT, st.integers(0, 9), st.integers(1, 9))


_SENT = st.builds(
    Sent, _CONTENT, st.just(ME), st.integers(1, 9), assumed=_STATES, rev=st.integers(0, 9)
)


@given(_SENT, _PRESENT, _LAST)
def test_nothing_that_was_typed_is_ever_lost(
    sent: Sent, present: Present, last: Taken | None
) -> None:
    """Each text of the pushed version stands in the document, or is handed back to be kept, or is
    what its author started from. And the same for what stood there."""
    found = judged(sent, present, last)
    whole = present.content if found.content is None else found.content
    bases = [state.content for state in (sent.assumed, last) if state is not None]
    for name, value in sent.content.items():
        known = any(same(base.get(name), value) for base in bases)
        # A text may have been put into the other one.
        stands = value is None or value in str(whole.get(name))
        assert stands or name in found.lost or known
    if found.fate == Fate.APPLIED:
        assert covers(whole, sent.content)
    if found.fate == Fate.MERGED:
        for name, value in present.content.items():
            untouched = name not in sent.content or any(same(b.get(name), value) for b in bases)
            assert untouched or value is None or value in str(whole[name])
