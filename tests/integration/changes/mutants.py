"""The feed with one rule broken: what each line is for, and that the histories would notice."""

from __future__ import annotations

# name -> (text of feed.sql, what replaces it)
MUTANTS = {
    "a gained scope brings nothing": (
        "    where x.held\n    on conflict",
        "    where false\n    on conflict",
    ),
    "a lost scope takes nothing": (
        "  where not x.held and i.holder = x.holder\n",
        "  where false and i.holder = x.holder\n",
    ),
    "a lost scope is still held": (
        "  where not x.held and h.holder = x.holder",
        "  where false and h.holder = x.holder",
    ),
    "lost through one scope though held through another": (
        """ and i.visible
    and not exists (
      select from feed_member other join feed_holding h using (scope)
      where h.holder = x.holder and other.collection = m.collection and other.doc_id = m.doc_id);
""",
        " and i.visible;\n",
    ),
    "exits are not sent": (
        "  where i.collection = d.collection and i.doc_id = d.doc_id and i.visible\n",
        "  where i.collection = d.collection and i.doc_id = d.doc_id and i.visible and false\n",
    ),
    "everyone who is not new exits": (
        """
    and not exists (
      select from feed_holding h where h.holder = i.holder and h.scope = any (d.scopes));
""",
        "\n    and i.seq <> s;\n",
    ),
    "changes are not sent": (
        "    on conflict (holder, collection, doc_id) do update set seq = s, visible = true\n  )",
        "    on conflict (holder, collection, doc_id) do nothing\n  )",
    ),
    "a left scope still has its member": (
        "and m.scope <> all (d.scopes)",
        "and false",
    ),
    "the first hold counts, not the last": (
        "order by holder, scope, n desc",
        "order by holder, scope, n",
    ),
    "the first scopes count, not the last": (
        "order by collection, doc_id, scopes is null, n desc",
        "order by collection, doc_id, scopes is null, n",
    ),
    "an early apply keeps the commit row": (
        "  perform set_config('carefield.commit', '', true);\n",
        "",
    ),
    "a commit row outlives its transaction": (
        "perform set_config('carefield.commit', mine, true);",
        "perform set_config('carefield.commit', mine, false);",
    ),
    "a checkpoint is a number alone": (
        "(i.seq, i.doc_id) > (after_seq, after_id)",
        "i.seq > after_seq",
    ),
    "publishing a record without content sends it": (
        "select d.* from last d join feed_document b using (collection, doc_id)",
        "select d.* from last d",
    ),
    "a gained scope sends records without content": (
        " join feed_document b using (collection, doc_id)\n    where x.held",
        "\n    where x.held",
    ),
    "content changes under one rev": (
        "do update set rev = present.rev + 1,",
        "do update set",
    ),
    "tombstones go while a page may still carry them": (
        "seq < before_seq and not visible",
        "seq <= before_seq and not visible",
    ),
    "the end of a full page counts as carried out": (
        "select p.short and (p.seq, p.doc_id) = (at_seq, at_id)",
        "select (p.seq, p.doc_id) = (at_seq, at_id)",
    ),
    "what is held is forgotten with the tombstones": (
        "seq < before_seq and not visible",
        "seq < before_seq",
    ),
}


def broken(sql: str, name: str) -> str:
    """feed.sql without the rule that the mutant is named for."""
    text, replacement = MUTANTS[name]
    if text not in sql:
        raise LookupError(f"feed.sql no longer has the text of {name!r}")
    return sql.replace(text, replacement)
