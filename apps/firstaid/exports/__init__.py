"""What leaves Carefield about doses and first aid, for the people who review or count it.

- `nemsis`: encounters as NEMSIS 3.5.1 EMSDataSet XML, for the fire department's medical review.
  CARE is no licensed EMS agency: it is a file to be read, not a submission to a state.
- `odmap`: overdose events in ODMAP's terms as CSV. The adapter to ODMAP's API is not built: its
  specification and a key are given to agencies that have signed its participation agreement.
- `improved`: the report "naloxone given, response improved".

These three and `care`, the plain values they are made from, know no database. `records` reads the
rows, `services` writes page by page and audits each page, `api`, `admin` and the commands are the
edges.
"""
