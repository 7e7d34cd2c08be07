"""The statement by which a process with sockets follows the feed, on a connection of our choice."""

from __future__ import annotations

import psycopg

from apps.live import news
from apps.live.news import News, Piece


def news_since(db: psycopg.Connection, seq: int, limit: int) -> News:
    """What `apps.live.news.since` returns, without events and not on Django's connection."""
    cursor = psycopg.ClientCursor(db)  # as Django's
    rows = cursor.execute(news._NEWS, [seq, limit + 1, seq, []]).fetchall()
    found = News(nonces={row[0]: row[1] for row in rows})
    for at, _, collection, doc_id, visible, holders, rev, body, _, _ in rows:
        if collection is not None:
            found.pieces.append(Piece(at, collection, doc_id, visible, tuple(holders), rev, body))
    found.complete = sum(len(piece.holders) for piece in found.pieces) <= limit
    return found
