"""The oracle of offline sync: random days of several tablets, and what must be true in the evening.

`world`    people, tablets with local databases (`held`), bad radio, servers: everything real
`typed`    what fingers did: every word (`words`), and who must still have it
`rights`   what supervisors did: a model of who may hold what that asks nothing of the feed
`day`      a day, as a state machine (hypothesis); what can happen in it, as rules: `fingers`,
           `office`, `contact`, `herd`. Which of them, to whom and in which order, is drawn, by
           numbers that mean "the n-th of those there are", so that every step fits every state
`evening`  everything comes to rest, and is compared: with every text that was ever typed, with what
           each person may see, with what a new local database would be given; and `photos`
`play`     days from a seed; `soak` one after the other for as long as is wanted (`make soak`)

Every day has its revocation of somebody who is away with an unsent edit; before its evening all
sockets killed at once, and then neither pokes nor frames; after it a compromised tablet. Every
third may have a restore, every fourth another compromised tablet in its midst; an eighth of those
of a soak 200 sockets more.
"""
