"""A reference tablet in plain Python: what any client of the sync protocol has to do, in small
modules to be read and ported.

`database`     its one SQLite file, and what it remembers by name
`ledger`       what it tells of itself: counts, ids, a digest
`store`        documents, checkpoints, the outbox
`device`       its clock, which may be hours off, and what it tells the server about it
`wire`         one request, one answer: headers, errors, answers that are too old
`replication`  pull until a page is short, push what is unsent, follow another history
`roundtrip`    pushes and pulls of all collections in one request, for a bad radio
`socket`       the live connection: frames that continue what the tablet has, or a pull
`emergency`    what the screen says after a call for help
`ringing`      when it rings for follow-ups by itself
`media`        photos and signatures, beside the records
`directory`    where somebody can go: open now, takes this person, near here
`tablet`       all of it running together, taps, and what the screen shows

It imports nothing of the server, and is installable by itself: see README.md.
"""
