"""Laws of timing two precisions, on a clock that the calls themselves move."""

import pytest
import torch

from vocoder.precision import bfloat16_gain, processor_name


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


X86 = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: {}\nmodel name\t: AMD EPYC\n\n"
ARM = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: {}\n\n"


@pytest.mark.parametrize(("cpuinfo", "models"), [(X86, ("1", "17")), (ARM, ("0xd0c", "0xd40"))])
def test_processors_of_one_name_are_told_apart_by_their_model(tmp_path, cpuinfo, models):
    names = []
    for model in models:
        (tmp_path / "cpuinfo").write_text(2 * cpuinfo.format(model))
        names.append(processor_name(torch.device("cpu"), tmp_path / "cpuinfo"))
        assert names[-1].endswith(f" {model})")
    assert names[0] != names[1]


def test_a_processor_has_a_name_where_the_system_tells_no_more(tmp_path):
    assert processor_name(torch.device("cpu"), tmp_path / "none")
