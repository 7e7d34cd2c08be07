"""Notes: what was written, signed, added, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.assignments.admin.links import OfCallAdmin
from apps.casenotes import codes, documents
from apps.casenotes.content.words import in_words
from apps.casenotes.models import CaseNote
from apps.casenotes.records import NoteRecord, read
from apps.core import clock
from apps.core.admin import NOTHING, moment, readable, table, when
from apps.people.parts import parts_of

RESTRICTED: Final = "restricted: a mandated report is in it. It is not spoken of outside the team."


def restricted(row: CaseNote) -> SafeString | str:
    """The mark of a note that is its authors' and their supervisors' alone."""
    return format_html("<strong>{}</strong>", "restricted") if row.restricted else NOTHING


def note_link(row: CaseNote) -> SafeString:
    """A link to a note's page."""
    address = reverse("admin:casenotes_casenote_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, str(row))


def flag(code: str) -> str:
    """A flag of a note in words, with the field that it is about."""
    name, _, field = code.partition(":")
    label = codes.FLAGS.get(name, name.replace("_", " "))
    return f"{field}: {label}" if field else label


def words(record: NoteRecord) -> SafeString:
    """The note's text, field by field."""
    return readable(in_words(record.content))


@admin.register(CaseNote)
class CaseNoteAdmin(OfCallAdmin[CaseNote]):
    """Lists show codes; what was written is on the page of each note alone."""

    VIEW = frozenset({"supervisor"})
    list_display = (
        *("short_name", "state", "restricted_mark", "left", moment("begun_at", "begun")),
        *(moment("signed_at", "signed"), "signed_by", moment("locked_at", "locked"), "assignment"),
    )
    list_filter = ("state", "restricted")
    list_select_related = ("signed_by",)
    WHEN = "begun_at"
    ordering = ("-begun_at",)
    fieldsets = (
        (None, {"fields": ("restricted_words", "state", "left", "assignment", "history")}),
        ("What was written", {"fields": ("text", "doubts", "authors")}),
        ("Signed", {"fields": ("signatures", moment("lock_due_at"), moment("locked_at"))}),
        ("Afterwards", {"fields": ("reviews", "addenda")}),
        ("Recorded of the same encounter", {"fields": ("others",)}),
    )

    @admin.display(description="note")
    def short_name(self, row: CaseNote) -> str:
        return str(row)

    @admin.display(description="seen by", ordering="restricted")
    def restricted_mark(self, row: CaseNote) -> SafeString | str:
        return restricted(row)

    @admin.display(description="seen by")
    def restricted_words(self, row: CaseNote) -> SafeString:
        if row.restricted:
            return format_html("<strong>{}</strong>", RESTRICTED)
        return format_html("{}", "the crew while they have the call, and their supervisors")

    @admin.display(description="left")
    def left(self, row: CaseNote) -> str:
        return f"{row.missing} of {row.asked}"

    @admin.display(description="every save of it")
    def history(self, row: CaseNote) -> SafeString:
        address = f"{reverse('admin:sync_version_changelist')}?q={row.pk}"
        return format_html('<a href="{}">history</a>', address)

    @admin.display(description="text")
    def text(self, row: CaseNote) -> SafeString:
        return words(_known(row))

    @admin.display(description="doubts")
    def doubts(self, row: CaseNote) -> str:
        return "; ".join(flag(one) for one in row.flags) or NOTHING

    @admin.display(description="who wrote what")
    def authors(self, row: CaseNote) -> SafeString:
        known = _known(row)
        last = {str(one.author_id): one.last_at for one in known.authors}
        rows = (
            (one["name"], ", ".join(one["parts"]), when(last.get(one["id"]))) for one in known.wrote
        )
        return table(("who", "fields", "last"), rows)

    @admin.display(description="signatures")
    def signatures(self, row: CaseNote) -> SafeString:
        rows = (
            (when(one.told_at), one.author, format_html("<code>{}</code>", one.content_hash))
            for one in _known(row).signatures
        )
        return table(("time", "who", "for the text"), rows)

    @admin.display(description="reviews")
    def reviews(self, row: CaseNote) -> SafeString:
        rows = (
            (
                when(one.asked_at),
                documents.why_reviewed(one),
                one.get_state_display(),
                one.reviewer or NOTHING,
                one.comment or NOTHING,
            )
            for one in _known(row).reviews
        )
        return table(("asked", "why", "state", "by", "comment"), rows)

    @admin.display(description="addenda")
    def addenda(self, row: CaseNote) -> SafeString:
        rows = (
            (
                when(one.told_at),
                one.author,
                one.text,
                readable(in_words(one.changes)) if isinstance(one.changes, Mapping) else "",
            )
            for one in _known(row).addenda
        )
        return table(("time", "who", "words", "as typed after the signature"), rows)

    @admin.display(description="")
    def others(self, row: CaseNote) -> SafeString:
        parts = parts_of(row.encounter_id)
        parts.pop("note", None)
        return readable(parts)


def _known(row: CaseNote) -> NoteRecord:
    """The note's record, read once for its page."""
    known: Any = row.__dict__.get("_known")
    if known is None:
        known = row.__dict__["_known"] = read(row, now=clock.now())
    assert isinstance(known, NoteRecord)
    return known
