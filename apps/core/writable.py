"""Whether what this server is told would be kept. A database that can be read proves nothing.

Three things go wrong while every read is answered: the database takes no writes (a standby, after a
failover that the address did not follow; `default_transaction_read_only`), the disk is full, or a
commit never ends (a stalled disk, a synchronous standby that is gone). So a row is written and
committed now and then, for all servers together:

1. Whoever asks looks how old that row is, and whether its own connection may write: one statement.
   A row that is young enough was written by somebody just now, and so could we.
2. Otherwise one tries, whoever is first (an advisory lock that nobody waits for).
3. The others go by the row as long as it is not too old: one that tries and comes to no end makes
   it so.

A row alone does not show a full disk: it fits where an older version of it was. So whoever writes
first has PostgreSQL spill some 280 kB into a temporary file (5 to 10 ms), which needs room in the
tablespace of the database and leaves nothing behind. Where the log (WAL) has a disk of its own and
that is full, PostgreSQL ends by itself.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import connection, transaction

#: So many periods without a write that ended are too many.
_MISSED: Final = 3
_NAME: Final = "writes"
# Class of advisory locks; see apps.changes.services.
_LOCK: Final = 7341
# By the database's clock: the servers' own may differ.
_STANDING: Final = """
select current_setting('transaction_read_only')::boolean or pg_is_in_recovery(),
       coalesce((select extract(epoch from clock_timestamp() - at)::float
                 from core_heartbeat where name = %s), 'infinity'::float)
"""
_SPILL: Final = "select count(*) from generate_series(1, 20000)"
_BEAT: Final = """
insert into core_heartbeat (name, at) values (%s, clock_timestamp())
on conflict (name) do update set at = excluded.at
"""


def can_write() -> bool:
    """Whether a write was committed within the last moments, by this server or by another one, and
    this one's connection takes writes too. Raises what the database says where it does not."""
    every: float = settings.WRITE_PROBE_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [_NAME])
        read_only, age = cursor.fetchone()
    if read_only:
        return False
    return age < every or _write() or age < _MISSED * every


def _write() -> bool:
    """Writes the row. False: somebody else is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, 0)", [_LOCK])
        (mine,) = cursor.fetchone()
        if mine:
            cursor.execute("set local work_mem = '64kB'")
            cursor.execute(_SPILL)
            cursor.execute(_BEAT, [_NAME])
    return bool(mine)
