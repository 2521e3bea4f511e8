"""Times the precisions that a network may run in on this machine.

No list of processors says which is faster: bfloat16 is 1.8 times as fast on an AMD EPYC with AVX-512 BF16, and no
faster on a Xeon with the same instructions.
"""

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

LEAST_GAIN = 1.2  # below this, bfloat16 is not worth its rounding
ROUNDS = 3
CPUINFO = Path("/proc/cpuinfo")
_NUMBERS = ("cpu family", "model", "CPU implementer", "CPU part")  # of x86 and ARM in Linux's cpuinfo


def bfloat16_gain(
    call: Callable[[torch.dtype | None], object], *, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Returns how many times as fast `call` runs in bfloat16 as in float32.

    `call` runs the network once in the given precision and waits for the result. One call of each is a warm-up. Then
    both take turns, and the fastest of ROUNDS counts: other programs only ever slow a call down.
    """
    plain, reduced = None, torch.bfloat16
    best = {plain: float("inf"), reduced: float("inf")}
    for round_number in range(1 + ROUNDS):
        for precision in (plain, reduced):
            began = clock()
            call(precision)
            if round_number:
                best[precision] = min(best[precision], clock() - began)
    return best[plain] / best[reduced]


def processor_name(device: torch.device, cpuinfo: Path = CPUINFO) -> str:
    """Returns the name of the GPU, or of this machine's processor with the numbers of its model where Linux tells them.

    Rented machines give processors with and without bfloat16 one name, such as "AMD EPYC": the numbers tell them apart.
    """
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    facts = {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    name = facts.get("model name") or platform.processor() or platform.machine()
    numbers = ", ".join(f"{number} {facts[number]}" for number in _NUMBERS if number in facts)
    return f"{name} ({numbers})" if numbers else name
