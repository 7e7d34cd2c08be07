"""The oracle of offline sync: random days of several tablets, and what must be true in the evening.

`world`    people, tablets with local databases, bad radio, servers: everything real
`machine`  what can happen, as rules of a state machine (hypothesis)
`evening`  everything comes to rest, and is compared: with every text that was ever typed, with what
           each person may see, with what a new local database would be given
`soak`     the same for as long as is wanted (`make soak`)
"""
