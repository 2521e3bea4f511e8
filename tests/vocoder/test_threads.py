"""What the set-up of threads is for: libgomp finds it when torch loads it, and a user's own choice stands."""

import os
import subprocess
import sys

import pytest

from vocoder import threads


def libgomps_own(**variables: str) -> dict[str, str]:
    """Returns what libgomp says that it took from the environment."""
    plain = {k: v for k, v in os.environ.items() if k not in threads.USERS}
    command = [sys.executable, "-c", "import vocoder, torch; torch.ones(1000, 1000).sum()"]
    environment = plain | variables | {"OMP_DISPLAY_ENV": "verbose"}
    said = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stderr
    if "GOMP_SPINCOUNT" not in said:
        pytest.skip("torch's threads are not libgomp's here")
    lines = (line.rpartition("]")[2].strip().split(" = ") for line in said.splitlines() if " = " in line)
    return {name: value.strip("'") for name, value in lines}


@pytest.mark.slow
def test_torchs_threads_sleep_soon():
    assert libgomps_own()["GOMP_SPINCOUNT"] == threads.COUNT


@pytest.mark.slow
def test_a_users_own_choice_stands():
    assert libgomps_own(OMP_WAIT_POLICY="active")["GOMP_SPINCOUNT"] != threads.COUNT
    assert libgomps_own(GOMP_SPINCOUNT="77")["GOMP_SPINCOUNT"] == "77"
