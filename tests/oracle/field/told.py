"""What a partner may be told of a referral, by brute force: word by word, from what was typed.

A word gets out where the task is not over and a consent in force names the partner and the category
under which the word was typed, and the need asks for that category. Besides there is only what was
said for the partner itself. Nothing that decides it in the product is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.people.models import Encounter, Person
from apps.referrals.models import Consent, Disclosure, ReferralAnswer, ReferralTask
from apps.sync.canonical import canonical
from tests.oracle.words import Words

# Of each need that is typed what it asks for, of what is typed of people.
_ASKS = {
    "homelessness": {"needs", "identity", "helps", "safety"},
    "food-insecurity": {"needs"},
}
_OVER = {"rejected", "cancelled", "failed", "completed", "entered-in-error"}
_OF_PERSONS = {"aliases": "identity", "helps": "helps", "safety_notes": "safety"}


def wrong(words: Words, task_id: UUID, read: Mapping[str, Any], *, at: datetime) -> list[str]:
    """What is wrong with what a partner has read just now, one line each."""
    task = ReferralTask.objects.select_related("referral").get(pk=task_id)
    found = words.found_in(read)
    may, must = _allowed(task, words, at)
    own = words.found_in(
        [row.content for row in ReferralAnswer.objects.filter(task=task, by_partner=True)]
    )
    lines = [f"{task_id}: its partner was told {word}" for word in sorted(found - may - own)]
    lines += [f"{task_id}: its partner was not told {word}" for word in sorted(must - found)]
    if found - own:
        digest = hashlib.sha256(canonical(read)).digest()
        if not Disclosure.objects.filter(task=task, payload_sha256=digest).exists():
            lines.append(f"{task_id}: what its partner was told is on no record")
    return lines


def _allowed(task: ReferralTask, words: Words, at: datetime) -> tuple[set[str], set[str]]:
    """The words that it may be told now, and those of them that it is told for certain."""
    if task.status in _OVER:
        return set(), set()
    referral = task.referral
    asked = set().union(*(_ASKS[need] for need in referral.content.get("needs") or ()))
    opened: set[str] = set()
    for consent in consents_of(referral.encounter_id):
        if holds(consent, at) and str(task.partner_id) in consent.content["partner_ids"]:
            opened |= asked & set(consent.content["categories"])
    must = words.found_in(referral.content.get("note")) if "needs" in opened else set()
    may = must | (words.found_in(task.said.get("reply")) if "needs" in opened else set())
    for one in referral.content.get("details") or ():
        # A spoken consent opens nothing that a programme may have told.
        if one["category"] in opened and one["source"] != "partner":
            may |= words.found_in(one["text"])
    for person in Person.objects.filter(pk__in=_persons_of(referral.encounter_id)):
        for name, category in _OF_PERSONS.items():
            if category in opened:
                may |= words.found_in(person.content.get(name))
    return may, must


def holds(consent: Consent, at: datetime) -> bool:
    """Whether a consent is whole, not taken back and not over."""
    if consent.revoked_at is not None or not consent.content.get("witness"):
        return False
    return consent.expires_at is not None and at < consent.expires_at


def consents_of(encounter_id: UUID) -> list[Consent]:
    """Those of whoever an encounter is with, as far as that is for certain."""
    same = encounters_with(encounter_id)
    return list(Consent.objects.filter(encounter_id__in=same))


def encounters_with(encounter_id: UUID) -> set[UUID]:
    """The encounters with the same person, as far as that is for certain."""
    rows = Encounter.objects.filter(person_id__in=_persons_of(encounter_id), match="confirmed")
    return {encounter_id, *rows.values_list("pk", flat=True)}


def _persons_of(encounter_id: UUID) -> set[UUID]:
    """The ids under which the person of an encounter is known."""
    row = Encounter.objects.filter(pk=encounter_id, match="confirmed").first()
    if row is None or row.person_id is None:
        return set()
    rows = {one.pk: one for one in Person.objects.defer("content")}
    root = root_of(row.person_id, rows)
    return {row.person_id, *(pk for pk in rows if root_of(pk, rows) == root)}


def root_of(pk: UUID, rows: Mapping[UUID, Person]) -> UUID:
    """The record with which a person goes on."""
    while (into := rows[pk].merged_into_id if pk in rows else None) is not None:
        pk = into
    return pk
