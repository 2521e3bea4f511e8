"""How loud the estimate is beside the reference."""

from torch import Tensor


def level(reference: Tensor, estimate: Tensor) -> Tensor:
    """20 log10(rms(estimate) / rms(reference)) in dB: [..., samples] each -> [...].

    0 is the same level, below it the estimate is too quiet (an undertrained network's usual fault); neither
    direction is better. A pure gain g moves it by 20 log10 g, a delay by nothing but what it pushes out.
    Unweighted and ungated, over the whole clip: our own, not ITU-R BS.1770's loudness.
    -inf for a silent estimate, inf or NaN for a silent reference.
    """
    power = estimate.square().mean(-1) / reference.square().mean(-1)
    return 10 * power.log10()
