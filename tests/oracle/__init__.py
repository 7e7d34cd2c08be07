"""The oracle of offline sync: random days of several tablets, and what must be true in the evening.

`world`    people, tablets with local databases (`held`), bad radio, servers: everything real
`typed`    what fingers did: every word (`words`), and who must still have it
`rights`   what supervisors did: a model of who may hold what that asks nothing of the feed
`day`      a day, as a state machine (hypothesis); what can happen in it wherever it is played, as
           rules: `office`, `contact`, `herd`. Which of them, to whom and in which order, is drawn,
           by numbers that mean "the n-th of those there are", so that every step fits every state
`faults`   what goes wrong on a day, counted where it took effect
`evening`  everything comes to rest, and is compared: with every text that was ever typed, with what
           each person may see, with what a new local database would be given; `traces`: and unseen
`play`     days from a seed; `soak` one after the other for as long as is wanted (`make soak`)

There are two sorts of days, each with fingers, office and rights of its own:

`pages`    with the rooms of `tests.probe`: what synchronisation does to any document, photos, an
           app of last year
`field`    with the product's rooms: calls, persons, encounters, notes and their signatures, doses,
           first aid, stock; consents, referrals and the partners that answer them, follow-ups, what
           people said to them and what was tried

Every day has its loss of access by somebody who is away with an unsent edit; before its evening all
sockets killed at once, and then neither pokes nor frames; after it a compromised tablet. Every
fourth may have another compromised tablet in its midst, every third a restore, an eighth of those
of a soak 200 sockets more.
"""
