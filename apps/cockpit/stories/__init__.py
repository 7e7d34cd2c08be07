"""What became of a person, an encounter, an assignment, told on one page in the order of happening.

`moments` says what a moment is and how moments stand in order; each `of_*` turns rows of one room
into moments; `reading` says which rows, as far as their reader may see them; `nextsteps` says what
is left to do; `views` shows all of it and writes down that it was read.
"""
