"""Days with the rooms of `tests.probe`: pages that are changed together, marks, facts, photos."""
