"""Has torch's threads sleep soon while they wait for each other; set up when vocoder is imported.

By default libgomp's threads spin: with another busy program on the machine they take the time of the one they wait for.
Network calls of demo on two cores, one of which trained: 0.4 to 1.0 s by default, 0.2 s with COUNT; alone 0.09 s in
both (8 x 0.8 s in float32, AMD EPYC).
"""

import os

COUNT = "1000"  # turns of the loop before a thread sleeps, microseconds; by default they may take milliseconds
# A user who sets one of them has chosen how threads wait.
USERS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def wait_briefly() -> None:
    """Sets libgomp's variable, unless the user has chosen. libgomp reads it once, when torch is imported."""
    if not any(name in os.environ for name in USERS):
        os.environ["GOMP_SPINCOUNT"] = COUNT
