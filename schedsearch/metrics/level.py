"""Compares the loudness of estimate and reference."""

from torch import Tensor

from schedsearch.metrics.offset import without_offset


def level(reference: Tensor, estimate: Tensor) -> Tensor:
    """Returns 20 log10(rms(estimate) / rms(reference)) in dB, [..., samples] each -> [...].

    0 is the same level; below 0 the estimate is too quiet, the usual fault of an undertrained network. Neither
    direction is better. A pure gain g moves it by 20 log10 g, a delay only by the samples that it pushes out.
    Unweighted and ungated over the whole clip, so it is not the loudness of ITU-R BS.1770.
    -inf for a silent estimate, inf or NaN for a silent reference.
    """
    power = without_offset(estimate).square().mean(-1) / without_offset(reference).square().mean(-1)
    return 10 * power.log10()
