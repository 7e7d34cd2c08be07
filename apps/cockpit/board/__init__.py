"""The supervisors' home with its live board and tiles, the map, and the dispatch desk."""
