"""The verbs of synchronisation. Nothing else writes these rows.

`taking`       the ledger of facts
`versions`     history and conflicts of documents that people change together
`quarantine`   what could not be taken
"""
