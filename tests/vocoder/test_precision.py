"""Laws of timing two precisions, on a clock that the calls themselves move."""

import pytest
import torch

from vocoder.precision import bfloat16_gain


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

    def gain(self):
        return bfloat16_gain(self.call, clock=lambda: self.now)


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.8])
def test_the_gain_is_how_many_times_as_fast_bfloat16_is(gain):
    assert Machine(1.0, 1.0 / gain).gain() == pytest.approx(gain)


def test_both_precisions_take_turns():
    machine = Machine(1.0, 0.5)
    machine.gain()
    assert machine.calls == [None, torch.bfloat16] * 4


def test_one_slow_call_does_not_decide():
    machine = Machine(1.0, 0.5)
    real, slow = machine.call, iter([False, False, False, True])  # another program ran beside the second bfloat16 call

    def call(precision):
        real(precision)
        machine.now += 10.0 if next(slow, False) else 0.0

    assert bfloat16_gain(call, clock=lambda: machine.now) == pytest.approx(2.0)
