"""The admin in a real browser. A package, so that one server does for all its modules."""
