"""Sockets of tablets and desks. A package, so that one server does for all its modules."""
