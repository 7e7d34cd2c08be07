"""A Task that a partner sends by FHIR: what it says of the referral, taken as one.

Two who change one version:

1. Each names the version that it has changed (`If-Match`). The lock of the referral is taken before
   the version is looked up.
2. The second finds another version, and is told so (STALE): it reads again.
3. The same body on the same version again is the first one, whose answer was lost: the keys of its
   answers are made of both, so that it finds them, and changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.services import partner_actor
from apps.core.problems import STALE, ProblemError
from apps.referrals import records
from apps.referrals.fhir.changes import Stands, changes
from apps.referrals.models import ReferralAnswer, ReferralTask, Way
from apps.referrals.payload import digest
from apps.referrals.services.answers import Said, answer


@transaction.atomic
def update_task(
    *,
    task: ReferralTask,
    body: Any,
    version: int,
    token_id: UUID | None = None,
    now: datetime,
) -> None:
    """Takes what a Task says that is not so yet, as answers of its partner; all of it or nothing.

    ProblemError: INVALID with the element, STALE where the task is not at this version, CONFLICT
    where the state does not allow it. The edge has found the task among the partner's own.
    """
    records.lock([task.referral_id])
    row: Any = ReferralTask.objects.with_version().select_related("partner").get(pk=task.pk)
    name = f"fhir-{version}-{digest({'body': body}).hex()[:32]}"
    if ReferralAnswer.objects.filter(task=row, key=f"{name}-0").exists():
        return
    if row.version != version:
        raise ProblemError(STALE)
    stands = Stands(
        id=row.pk,
        referral_id=row.referral_id,
        partner_id=row.partner_id,
        status=row.status,
        attended=row.attended,
        case_number=row.case_number,
        said=row.said,
    )
    for number, change in enumerate(changes(body, stands)):
        said = Said(
            verb=change.verb,
            key=f"{name}-{number}",
            way=Way.FHIR,
            actor=partner_actor(row.partner),
            said_at=now,
            said_by=row.partner.name,
            told=change.told,
            token_id=token_id,
        )
        answer(task=row, said=said, now=now)
