"""Two values of one field, put together where that is possible."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sync.policies import UNKNOWN, Merged, append_only, by_field, scalar, text, union, within


class TestScalar:
    def test_what_is_there_stays_and_the_other_is_a_clash(self) -> None:
        assert scalar("a", "mine", "theirs") == Merged("theirs", clash=True)

    @pytest.mark.parametrize("blank", [None, "", [], {}])
    def test_without_a_base_something_stands_against_nothing(self, blank: object) -> None:
        assert scalar(UNKNOWN, "mine", blank) == Merged("mine")
        assert scalar(UNKNOWN, blank, "theirs") == Merged("theirs")

    def test_a_value_that_was_emptied_is_no_accident(self) -> None:
        assert scalar("a", None, "theirs") == Merged("theirs", clash=True)
        assert scalar(UNKNOWN, 0, False) == Merged(False, clash=True)


class TestUnion:
    def test_what_either_added_is_in_it_and_what_either_took_out_is_not(self) -> None:
        assert union(["a", "b"], ["a", "mine"], ["b", "theirs"]) == Merged(["theirs", "mine"])

    def test_without_a_base_everything_is_in_it(self) -> None:
        assert union(UNKNOWN, ["a", "b"], ["b", "c"]) == Merged(["b", "c", "a"])

    def test_what_one_has_added_twice_is_in_it_once(self) -> None:
        assert union([], ["a", "a"], ["b"]) == Merged(["b", "a"])

    def test_what_is_no_list_is_a_single_value(self) -> None:
        assert union(["a"], "x", ["a", "b"]) == Merged(["a", "b"], clash=True)


class TestAppendOnly:
    def test_both_ends_are_kept_in_the_order_of_arrival(self) -> None:
        assert append_only([1], [1, 3], [1, 2]) == Merged([1, 2, 3])

    def test_nothing_is_ever_taken_out(self) -> None:
        assert append_only([1, 2], [2], [1, 2, 3]) == Merged([1, 2, 3])

    def test_one_id_with_two_contents_is_a_clash(self) -> None:
        mine, theirs = {"id": "a", "v": 1}, {"id": "a", "v": 2}
        assert append_only([], [mine], [theirs]) == Merged([theirs], clash=True)

    def test_who_corrects_an_item_does_not_contend_with_who_adds_another(self) -> None:
        """A telephone that must not be used any more is not used because somebody adds another."""
        known, other = {"id": "a", "value": "1", "safe": True}, {"id": "b", "value": "2"}
        unsafe = {**known, "safe": False}
        assert append_only([known], [unsafe], [known, other]) == Merged([unsafe, other])
        assert append_only([known], [known, other], [unsafe]) == Merged([unsafe, other])

    def test_each_field_of_an_item_is_a_value_of_its_own(self) -> None:
        known = {"id": "a", "value": "1", "safe": True, "note": "old"}
        mine, theirs = {**known, "safe": False, "note": "m"}, {**known, "value": "2", "note": "t"}
        both = {**known, "safe": False, "value": "2", "note": "t"}
        assert append_only([known], [mine], [theirs]) == Merged([both], clash=True)

    def test_an_item_that_is_no_object_is_not_taken_for_one_that_has_its_name(self) -> None:
        assert append_only([], ["a"], [{"id": "a"}]) == Merged([{"id": "a"}], clash=True)


class TestByField:
    merge = staticmethod(by_field({"said": text, "seen": union}))

    def test_two_who_change_different_fields(self) -> None:
        base = {"at": 1, "by": "a"}
        assert self.merge(base, {"at": 2, "by": "a"}, {"at": 1, "by": "b"}) == Merged(
            {"at": 2, "by": "b"}
        )

    def test_each_field_has_its_policy(self) -> None:
        base = {"seen": ["dog"], "said": "No."}
        mine = {"seen": ["dog", "cat"], "said": "No. Never."}
        theirs = {"seen": ["dog", "bird"], "said": "No."}
        assert self.merge(base, mine, theirs) == Merged(
            {"seen": ["dog", "bird", "cat"], "said": "No. Never."}
        )

    def test_one_field_with_two_values_is_a_clash_and_the_rest_is_put_together(self) -> None:
        assert self.merge({}, {"at": 1, "by": "a"}, {"at": 2}) == Merged(
            {"at": 2, "by": "a"}, clash=True
        )

    @pytest.mark.parametrize("base", [UNKNOWN, None, "no object"])
    def test_what_one_has_not_told_the_other_may(self, base: object) -> None:
        assert self.merge(base, {"at": 1}, {"by": "a"}) == Merged({"at": 1, "by": "a"})

    def test_a_field_that_is_not_named_stays_and_one_that_is_emptied_goes(self) -> None:
        base = {"at": 1, "by": "a"}
        theirs = {**base, "seen": ["dog"]}
        assert self.merge(base, {"by": None}, theirs) == Merged(
            {"at": 1, "by": None, "seen": ["dog"]}
        )

    def test_without_a_base_two_values_are_a_clash(self) -> None:
        assert self.merge(UNKNOWN, {"at": 1}, {"at": 2}) == Merged({"at": 2}, clash=True)

    def test_what_is_no_object_is_a_single_value(self) -> None:
        assert self.merge({"at": 1}, None, {"at": 2}) == Merged({"at": 2}, clash=True)
        assert self.merge(UNKNOWN, {"at": 1}, None) == Merged({"at": 1})


# Texts that have little in common.
ODD = (("w", 4999), ("w", 7919), ("w", 6007))


class TestText:
    def test_two_places_of_one_text(self) -> None:
        base = "He sat on the kerb. He did not want to talk. He had a grey dog with him."
        mine = base.replace("on the kerb", "on the wet kerb")
        theirs = base + " The dog is called Mia."
        merged = text(base, mine, theirs)
        assert not merged.clash
        assert merged.value == mine + " The dog is called Mia."

    def test_both_have_gone_on_writing(self) -> None:
        merged = text("Note: ", "Note: from me.", "Note: from them.")
        assert not merged.clash
        assert "from me." in merged.value
        assert "from them." in merged.value

    def test_one_word_changed_by_both_is_a_clash_and_what_stands_stays(self) -> None:
        assert text("He sat there.", "He stood there.", "He ran there.") == Merged(
            "He ran there.", clash=True
        )

    def test_what_the_other_took_out_does_not_come_back_by_a_change_in_it(self) -> None:
        base = "First sentence here. Second sentence to go. Third sentence stays."
        mine = base.replace("Second sentence to go", "Second sentence, changed")
        theirs = base.replace("Second sentence to go. ", "")
        assert text(base, mine, theirs) == Merged(theirs, clash=True)

    def test_the_same_change_by_both_is_made_once(self) -> None:
        merged = text("He sat there alone.", "He stood there alone.", "He stood there all alone.")
        assert merged == Merged("He stood there all alone.")

    def test_words_are_not_mixed_letter_by_letter(self) -> None:
        assert text("sat", "stood", "ran") == Merged("ran", clash=True)

    @given(st.text("ab \n.é", max_size=40), st.text("ab \n.é", max_size=40))
    def test_a_change_of_one_side_alone_is_that_side(self, base: str, mine: str) -> None:
        assert text(base, mine, base) == Merged(mine)
        assert text(base, base, mine) == Merged(mine)

    @given(st.text("ab \n.", max_size=30), st.text("ab \n.", max_size=30))
    def test_what_both_add_is_all_there(self, mine: str, theirs: str) -> None:
        base = "a text; both began: with it,"
        merged = text(base, f"#{mine}{base}", f"{base}@{theirs}")
        assert merged == Merged(f"#{mine}{base}@{theirs}")

    @given(
        st.lists(st.sampled_from(["one ", "two ", "three ", "\n"]), max_size=12).map("".join),
        st.lists(st.sampled_from(["one ", "two ", "mine ", "\n"]), max_size=12).map("".join),
        st.lists(st.sampled_from(["one ", "two ", "theirs ", "\n"]), max_size=12).map("".join),
    )
    def test_nothing_that_was_added_is_missing(self, base: str, mine: str, theirs: str) -> None:
        merged = text(base, mine, theirs)
        if not merged.clash:
            assert merged.value.count("mine ") >= mine.count("mine ")
            assert merged.value.count("theirs ") >= theirs.count("theirs ")

    def test_a_long_text_takes_no_long_time(self) -> None:
        base = "ab " * 20_000
        began = time.thread_time()
        text(base, base.replace("ab", "ba"), base.replace("b a", "b  a"))
        assert time.thread_time() - began < 10

    def test_many_long_texts_have_so_long_together(self) -> None:
        base, mine, theirs = (" ".join(f"{a}{n * n % m}" for n in range(8_000)) for a, m in ODD)
        began = time.thread_time()
        with within(0.3):
            for _ in range(20):
                assert text(base, mine, theirs) == Merged(theirs, clash=True)
        assert time.thread_time() - began < 2

    def test_a_base_that_no_document_can_have_is_not_looked_at(self) -> None:
        began = time.thread_time()
        merged = text("x y " * 1_000_000, "of mine", "of theirs")
        assert time.thread_time() - began < 0.1
        assert merged == Merged("of theirs", clash=True)

    def test_a_long_text_that_says_the_same_again_and_again_takes_no_longer(self) -> None:
        base = "a " * 20_000
        began = time.thread_time()
        text(base, f"x {base[:9_000]}y {base[9_000:]}", f"q {base[:7_000]}z {base[7_000:]}w")
        assert time.thread_time() - began < 0.6
