"""Days in the product's own rooms: crews of two, calls, whom they meet, what they write and give.

`world`    two units on duty with their kits, the CAD, and what each was told
`rights`   the model of who may hold what: a record is visible while a call leads there
`fingers`  what is tapped and typed; `office` what dispatchers, supervisors and time do
`records`  what must be true of notes, signatures, doses and stock in the evening
"""
