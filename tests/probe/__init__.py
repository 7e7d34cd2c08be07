"""A small room of its own, registered like any domain app, for tests of synchronisation.

`notes` is pull-only and read by tablets and desks, `marks` is append-only, `pages` are changed
together, `signs` is shared, and `probe` is a kind of fact.
"""
