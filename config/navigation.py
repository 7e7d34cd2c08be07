"""The sidebar of the admin: its groups as a supervisor works, and what each page is called there.

A page of a model is named by its model; who may open it, its admin says. Another page is named by
its address's name, and its roles stand here. What is not listed has no link of its own.
"""

from __future__ import annotations

from typing import Final

from apps.core.admin.navigation import Place

GROUPS: Final[tuple[tuple[str, tuple[Place, ...]], ...]] = (
    (
        "Now",
        (
            Place("Live board", "cockpit_home", frozenset({"supervisor", "dispatcher"})),
            Place("Dispatch desk", "cockpit_desk", frozenset({"supervisor", "dispatcher"})),
            Place("Alerts", "assignments.alert"),
            Place("Calls given to units", "assignments.assignment"),
            Place("Unfinished records", "casenotes.encounterrecord"),
            Place("Reports owed by law", "casenotes.owedreport"),
            Place("Notes to review", "casenotes.review"),
            Place("Peer support owed", "assignments.supportoffer"),
        ),
    ),
    (
        "Calls and crews",
        (
            Place("Calls", "dispatch.incident"),
            Place("Messages held back", "dispatch.heldmessage"),
            Place("Units", "dispatch.unit"),
            Place("Shifts", "dispatch.shift"),
            Place("What happened on calls", "assignments.fact"),
        ),
    ),
    (
        "People and notes",
        (
            Place("Persons", "people.person"),
            Place("Encounters", "people.encounter"),
            Place("Notes", "casenotes.casenote"),
            Place("Break-glass looks", "people.brokenglass"),
        ),
    ),
    (
        "Follow-ups and referrals",
        (
            Place("Follow-ups", "followups.followup"),
            Place("Agreements", "followups.followupagreement"),
            Place("Agreements that are missing", "followups.missingagreement"),
            Place("Referrals", "referrals.referral"),
            Place("Questions to partners", "referrals.referraltask"),
            Place("Consents", "referrals.consent"),
            Place("Recipients of a consent", "referrals.consentrecipient"),
            Place("Disclosures", "referrals.disclosure"),
            Place("Reminders that fail", "followups.clockattempt"),
        ),
    ),
    (
        "Stock",
        (
            Place("Kits", "firstaid.kit"),
            Place("Lots", "firstaid.lot"),
            Place("Products", "firstaid.product"),
            Place("Movements of stock", "firstaid.stockmovement"),
            Place("Naloxone doses", "firstaid.naloxonedose"),
            Place("First aid given", "firstaid.firstaidlog"),
            Place("Certificates", "firstaid.certification"),
        ),
    ),
    (
        "Tablets and sync",
        (
            Place("Tablets", "accounts.tablet"),
            Place("Quarantined writes", "sync.quarantinedwrite"),
            Place("Conflicts", "sync.conflict"),
            Place("Documents that wait", "sync.earlydocument"),
            Place("Versions", "sync.version"),
            Place("Purge receipts", "sync.purgereceipt"),
            Place("Parked reactions", "changes.parkedreaction"),
            Place("Recoveries", "sync.history"),
            Place("Claims of later commits", "sync.setbackclaim"),
        ),
    ),
    (
        "Partners",
        (
            Place("Organizations", "referrals.organization"),
            Place("Services", "referrals.service"),
            Place("Places", "referrals.location"),
            Place("Services at places", "referrals.serviceatlocation"),
            Place("Capacity", "referrals.capacity"),
            Place("Tasks of the directory", "referrals.directorytask"),
            Place("What was seen on site", "referrals.facilityfact"),
            Place("Partners in the directory", "referrals.partneragency"),
            Place("Partners' contacts", "referrals.partnercontact"),
            Place("Links sent", "referrals.referrallink"),
            Place("Endpoints", "webhooks.endpoint"),
            Place("Deliveries", "webhooks.delivery"),
            Place("Events not told", "webhooks.untoldevent"),
            Place("Notices", "webhooks.notice"),
            Place("Allowances", "webhooks.allowance"),
        ),
    ),
    (
        "Figures",
        (
            Place("Figures as of now", "admin:metrics_figures", frozenset({"supervisor"})),
            Place("Figures of dispatches", "metrics.dispatchfigures"),
            Place("Packets", "metrics.packet"),
            Place("Eligible, not sent", "admin:metrics_not_sent", frozenset({"supervisor"})),
            Place("Declined by", "admin:metrics_declined", frozenset({"supervisor"})),
            Place("Files taken away", "metrics.figureexport"),
        ),
    ),
    (
        "Rules",
        (
            Place("Dispatch rules", "dispatch.dispatchrule"),
            Place("Call types", "dispatch.calltype"),
            Place("Note policies", "casenotes.notepolicy"),
            Place("Follow-up plans", "followups.followupplan"),
            Place("Overdose protocols", "firstaid.overdoseprotocol"),
            Place("Team hours", "notify.teamhours"),
        ),
    ),
    (
        "Accounts",
        (
            Place("People", "accounts.user"),
            Place("Teams", "accounts.team"),
            Place("Machine clients", "accounts.client"),
            Place("Partners that sign in", "accounts.partner"),
            Place("Contact points", "notify.contactpoint"),
            Place("Messages", "notify.message"),
            Place("Notifications", "notify.notification"),
            Place("Audit log", "audit.entry"),
            Place("Failed sign-ins", "axes.accessattempt"),
            Place("Sign-ins", "axes.accesslog"),
            Place("Failures of sign-ins", "axes.accessfailurelog"),
        ),
    ),
)
