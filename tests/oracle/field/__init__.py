"""Days in the product's own rooms: crews of two, calls, whom they meet, what they write and give,
whom they ask for help, and whom they look for again.

`world`    two units on duty with their kits, the CAD, the `partners`, and what each was told
`rights`   the model of who may hold what: a record is visible while a call leads there;
           `afterwards`: of what is asked for people, and of looking for them again
`fingers`  what is tapped and typed, `referring` and `looking` of these two; `course`: what every
           day begins with
`office`   what dispatchers, supervisors and time do; `outside`: what partners do, and the desk with
           what is asked of them and with follow-ups
`records`  what must be true of notes, signatures, doses and stock in the evening; `referred` of
           referrals and consents, `looked_for` of follow-ups; `told`: what a partner may read
"""
