"""A client that we have not written: RxDB 17.6, unmodified, through the adapter in tests/rxdb."""
