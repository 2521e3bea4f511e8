"""Laws of the choice of a precision, on a clock that the calls themselves move."""

import pytest
import torch

from vocoder.precision import LEAST_GAIN, faster_precision


class Machine:
    """Calls that last as long as they are said to: the first of each twice as long, as a cold one."""

    def __init__(self, float32: float, bfloat16: float) -> None:
        self.now = 0.0
        self.calls: list[torch.dtype | None] = []
        self._lasts = {None: float32, torch.bfloat16: bfloat16}

    def call(self, precision):
        cold = precision not in self.calls
        self.calls.append(precision)
        self.now += self._lasts[precision] * (2 if cold else 1)

    def choice(self):
        return faster_precision(self.call, clock=lambda: self.now)


@pytest.mark.parametrize(
    ("gain", "chosen"), [(0.5, None), (1.0, None), (LEAST_GAIN - 0.01, None), (LEAST_GAIN + 0.01, torch.bfloat16)]
)
def test_bfloat16_is_chosen_where_it_gains_enough(gain, chosen):
    assert Machine(1.0, 1.0 / gain).choice() is chosen


def test_both_precisions_take_turns():
    machine = Machine(1.0, 0.5)
    machine.choice()
    assert machine.calls == [None, torch.bfloat16] * 4


def test_one_slow_call_does_not_decide():
    machine = Machine(1.0, 0.5)
    real, slow = machine.call, iter([False, False, False, True])  # another program ran beside the second bfloat16 call

    def call(precision):
        real(precision)
        machine.now += 10.0 if next(slow, False) else 0.0

    assert faster_precision(call, clock=lambda: machine.now) is torch.bfloat16
