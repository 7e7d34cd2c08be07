"""The supervisors' home, the live board, the dispatch desk, and what a record tells on one page."""
