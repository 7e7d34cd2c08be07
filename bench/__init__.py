"""Measurements of the product as it runs, each beside a floor that was measured in the same run.

    python -m bench [push] [pull] [flat] [memory] [rows] [herd] [handler] [exports]
        [reminders] [--quick] [--json]

Machines differ and are noisy, so a figure alone says little: the floor is what the same machine
needs, at the same moment, for the least that would do the job. Samples of both take turns.
"""
