"""What partners do, and what the desk does with referrals, consents and follow-ups."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from apps.accounts.services import user_actor
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.services import desk
from apps.followups.services.agreements import Word, record_agreement
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    Outcome,
    Referral,
    ReferralTask,
    TaskStatus,
    Way,
)
from apps.referrals.services import answers, consents
from tests.oracle.day import busy_rule, which
from tests.oracle.field import told
from tests.oracle.field.day import Field
from tests.oracle.field.partners import ASKED

VERBS = ("accept", "accept", "decline", "ask", "hold", "attended", "served", "served", "not_served")
WHY = {"reason_code": "full", "reason": "Full."}
ACTS = (
    *("hand over", "give back", "acknowledge", "snooze", "pause", "resume", "try", "move", "end"),
    *("take back", "reason"),
)


class Outside(Field):
    """Rules for what does not happen on tablets."""

    def _supervise(self, n: int) -> None:
        """Or the desk does something with whoever is looked for, or asked for."""
        if n < 8:
            super()._supervise(n)
        elif n % 2:
            self._decide_on_a_follow_up(n, n, ACTS[n % len(ACTS)])
        else:
            self._decide_on_a_referral(n, "cancel")

    # --- partners ---

    @busy_rule(n=which)
    def be_read(self, n: int) -> None:
        self._be_read(n)

    @busy_rule(n=which, m=which, verbs=st.lists(st.sampled_from(VERBS), min_size=1, max_size=4))
    def be_answered(self, n: int, m: int, verbs: list[str]) -> None:
        for place, verb in enumerate(verbs, m):
            self._be_answered(n, place // 2, verb)

    @busy_rule(n=which, m=which)
    def know_of_a_revocation(self, n: int, m: int) -> None:
        world, asked = self.world, self.world.partners[n % 3]
        if recipient := _nth(ConsentRecipient.objects.to(asked.partner), m):
            at = f"{world.urls[0]}/api/v1/partner/revocations/{recipient.pk}/acknowledge"
            known = world.run(asked.system.post(at, json={"by": "Kim"}))
            assert known.is_success, known.text

    def _be_answered(self, n: int, m: int, verb: str) -> None:
        """By a partner's own system, whatever state it is in."""
        world, asked = self.world, self.world.partners[n % 3]
        if task := _nth(ReferralTask.objects.to(asked.partner), m):
            said: dict[str, Any] = {"key": str(uuid7()), "verb": verb, "said_by": "Kim", **WHY}
            at = f"{world.urls[0]}{ASKED}/{task.pk}/answers"
            answer = world.run(asked.system.post(at, json={**said, "text": "And so on."}))
            assert answer.status_code in {200, 409}, answer.text

    def _be_read(self, n: int) -> None:
        """A partner reads all that it was ever asked: no more than it may be told, and that is on
        record."""
        world, asked = self.world, self.world.partners[n % 3]
        world.quiet()
        for task in list(ReferralTask.objects.to(asked.partner)):
            answer = world.run(asked.system.get(f"{world.urls[0]}{ASKED}/{task.pk}"))
            assert answer.is_success, answer.text
            wrong = told.wrong(world.typed.words, task.pk, answer.json(), at=timezone.now())
            assert not wrong, "\n".join(wrong)

    # --- the desk ---

    @busy_rule(n=which, how=st.sampled_from(("revoke", "renew")))
    def decide_on_a_consent(self, n: int, how: str) -> None:
        """The person says at a desk that they take it back, or that it holds longer."""
        consent = _nth(Consent.objects.filter(pk__in=self.world.typed.uuids), n)
        if consent is None:
            return
        by, now = self.world.supervisor, timezone.now()
        with contextlib.suppress(ProblemError):
            if how == "revoke":
                actor = user_actor(by)
                consents.revoke_consent(consent=consent, by=by, actor=actor, now=now)
            else:
                until = now + timedelta(days=90)
                consents.renew_consent(
                    consent=consent, witness="the desk", note="", expires_at=until, by=by, now=now
                )

    @busy_rule(n=which, how=st.sampled_from(("close", "withdraw", "send", "cancel", "error")))
    def decide_on_a_referral(self, n: int, how: str) -> None:
        self._decide_on_a_referral(n, how)

    @busy_rule(n=which, acts=st.lists(st.sampled_from(ACTS), min_size=1, max_size=4))
    def decide_on_follow_ups(self, n: int, acts: list[str]) -> None:
        for place, act in enumerate(acts, n):
            self._decide_on_a_follow_up(place // 2, place, act)

    @busy_rule(days=st.integers(1, 3))
    def let_days_go(self, days: int) -> None:
        self.world.let_days_go(days)

    def _decide_on_a_referral(self, n: int, how: str) -> None:
        rows = Referral.objects.filter(pk__in=self.world.typed.uuids)
        referral, by, now = _nth(rows, n), self.world.supervisor, timezone.now()
        if referral is None:
            return
        said = answers.Said(
            verb=how,
            key=str(uuid7()),
            way=Way.DESK,
            actor=user_actor(by),
            said_at=now,
            told=WHY,
            recorded_by=by,
        )
        with contextlib.suppress(ProblemError):
            if how in {"close", "withdraw"}:
                outcome = Outcome.SERVED if how == "close" else None
                answers.close_referral(referral=referral, outcome=outcome, said=said, now=now)
                return
            tasks = ReferralTask.objects.filter(referral=referral)
            drafts = tasks.filter(status=TaskStatus.DRAFT)
            if task := _nth(drafts if how == "send" else tasks, n):
                answers.answer(task=task, said=said, now=now)

    def _decide_on_a_follow_up(self, n: int, m: int, how: str) -> None:
        row = _nth(FollowUp.objects.filter(team=self.world.team), n)
        if row is None:
            return
        by, now = self.world.supervisor, timezone.now()
        of: dict[str, Any] = {"follow_up": row, "by": by, "now": now}
        later = now + timedelta(hours=m + 1)
        ends, results = desk.ENDS, ("not_reached", "reached", "declined", "deceased")
        acts: dict[str, Callable[[], object]] = {
            "hand over": lambda: desk.hand_over(**of, to=self._person(m)),
            "give back": lambda: desk.give_back(**of),
            "acknowledge": lambda: desk.acknowledge(**of),
            "snooze": lambda: desk.snooze(**of, until=later),
            "pause": lambda: desk.pause(**of, reason="hospital"),
            "resume": lambda: desk.resume(**of),
            "try": lambda: desk.record_try(**of, result=results[m % len(results)]),
            "move": lambda: desk.move(**of, due_from=later, note="They asked for it."),
            "end": lambda: desk.end(**of, outcome=ends[m % len(ends)], note="It is over."),
            "take back": lambda: self._take_back(row, m),
            "reason": lambda: self._write_a_reason(row),
        }
        with contextlib.suppress(ProblemError):
            acts[how]()

    def _take_back(self, row: FollowUp, n: int) -> None:
        event = _nth(FollowUpEvent.objects.filter(follow_up_id=row.pk), n)
        if event is not None:
            by, now = self.world.supervisor, timezone.now()
            desk.take_back(event=event, note="A slip.", by=by, now=now)

    def _write_a_reason(self, row: FollowUp) -> None:
        """Why somebody is looked for whatever they said, for some weeks."""
        by, now = self.world.supervisor, timezone.now()
        word = Word(
            id=uuid7(),
            assignment_id=row.assignment_id,
            encounter_id=row.encounter_id,
            basis="clinician",
            said_at=now,
            ends_on=(now + timedelta(days=60)).date(),
            content={"reason": "They are ill."},
        )
        record_agreement(word=word, by=by, actor=user_actor(by), now=now)


def _nth(rows: Any, n: int) -> Any:
    """The n-th of these rows, the oldest first; None: there are none."""
    found = list(rows.order_by("pk"))
    return found[n % len(found)] if found else None
