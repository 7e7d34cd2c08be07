"""Found at start-up, as every room's `sync.py` is."""

from tests.probe.rooms import install

install()
