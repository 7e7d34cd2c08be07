"""The board and the desk in a real browser. A package, so that one server does for all of it."""
