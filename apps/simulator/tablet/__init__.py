"""A reference tablet in plain Python: what any client of the sync protocol has to do, in small
modules to be read and ported.

`store`        what the tablet remembers: documents, checkpoints, the outbox
`device`       its clock, which may be hours off, and what it tells the server about it
`wire`         one request, one answer: headers, errors, answers that are too old
`replication`  pull until a page is short, push what is unsent, follow another history
`socket`       the live connection: frames that continue what the tablet has, or a pull
`tablet`       the three running together, taps, and what the screen shows
"""
