"""Says in which scaling mels are, beside the recordings' own in the checkpoint's front end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocoder.audio.reading import Clip
from vocoder.dialects.dialect import FrontEnd
from vocoder.front_end_check.general_mel import GeneralMel, general
from vocoder.front_end_check.setups import Setup, Variant
from vocoder.front_end_check.variants import variants

CHANNELS, FRAMES = 5, 9  # that are averaged before mels are compared: a TTS predicts an average, which is smooth
CLEAR = 0.7  # of the distance of the recordings' own mel: what is so much nearer is named
NEAR = 0.1  # distance; below it nothing is named, for other filters are no nearer to a TTS's mel
EXACT = 0.02  # distance; a factor and an offset turn one mel into the other, but for rounding
ALMOST = 0.15  # distance; they come near, as from amplitude to power
LIKE = 0.4  # distance; mels farther from everything look like none that is known
OTHER_DEVIATION, OTHER_MEAN = 1.8, 1.0  # as a factor, and in deviations: recordings differ less among themselves
FACTOR, OFFSET = 0.03, 0.03  # of 1, and of the mel's mean deviation; smaller ones are not said


@dataclass(frozen=True)
class _Match:
    """A mel that the given ones may be, and how far they are from it."""

    distance: float
    name: str  # what they look like, and what the checkpoint takes
    way_out: str


def fault_of_scaling(mels: Sequence[Tensor], audio: Sequence[Tensor], front_end: FrontEnd) -> str | None:
    """Says so if mels [n_mels, frames] look like another front end's than those of the audio [samples]; else None.

    Each is compared with the checkpoint's front end, then with some fifty others, then with any factor and offset. A
    distance is the mean absolute difference of the smoothed mels over their mean absolute deviation.
    """
    given = _smooth(mels)
    own = _smooth(_mels(front_end, audio))
    distance = _distance(given, own)
    if distance < NEAR:
        return None
    best = min(_candidates(given, own, audio, front_end), key=lambda match: match.distance, default=None)
    scaled = _scaled(given, own)
    if best is None or scaled.distance < CLEAR * best.distance - EXACT:
        best = scaled
    if best.distance < min(CLEAR * distance, LIKE):
        return f"{best.name}: {best.way_out}"
    if scaled.distance > LIKE and (bare := _without_logarithm(mels, own)) is not None:
        return bare
    if distance > LIKE and scaled.distance > LIKE:
        return (
            f"look like no known mel of these recordings (distance {distance:.2f}, with any factor and offset "
            f"{scaled.distance:.2f}; 0 is equal): give teacher-forced mels of these recordings"
        )
    return None


def distance_between(mels: Sequence[Tensor], audio: Sequence[Tensor], front_end: FrontEnd) -> float:
    """Returns the distance between mels and those of the audio."""
    return _distance(_smooth(mels), _smooth(_mels(front_end, audio)))


def unlike_values(mel: Tensor, clips: Sequence[Clip], front_end: FrontEnd) -> str | None:
    """Says so if a mel's values lie elsewhere than those of other recordings: mean or deviation; None otherwise."""
    own = torch.cat([each.flatten() for each in _mels(front_end, [clip.audio for clip in clips])])
    ratio, shift = float(mel.std() / own.std()), float((mel.mean() - own.mean()) / own.std())
    if 1 / OTHER_DEVIATION < ratio < OTHER_DEVIATION and abs(shift) < OTHER_MEAN:
        return None
    return (
        f"its values are {float(mel.mean()):.3g} ± {float(mel.std()):.3g}, and those of the voice's recordings "
        f"{float(own.mean()):.3g} ± {float(own.std()):.3g}: is it in the checkpoint's scaling? --wav RECORDING beside "
        "--mel says what it looks like"
    )


def _without_logarithm(mels: Sequence[Tensor], own: Tensor) -> str | None:
    """Says so if the logarithm of positive mels looks like the checkpoint's in some scaling; None otherwise."""
    if min(float(mel.min()) for mel in mels) < 0:
        return None
    match = _scaled(_smooth([mel.clamp(min=1e-10).log() for mel in mels]), own)
    if match.distance > LIKE:
        return None
    return f"look like mels without a logarithm: take their natural logarithm, then {match.way_out}"


def _candidates(given: Tensor, own: Tensor, audio: Sequence[Tensor], front_end: FrontEnd) -> Iterator[_Match]:
    for variant in variants(Setup(front_end), None):
        if set(variant.changes) != {"front_end"}:
            continue
        theirs = variant.of(Setup(front_end)).front_end
        mel = _smooth(_mels(theirs, audio))
        logarithm = theirs.logarithm if isinstance(theirs, GeneralMel) else True
        yield _Match(
            _distance(given, mel),
            f"look like {variant.name} where the checkpoint takes {_own_value(variant, front_end)}",
            _conversion(mel, own) if logarithm else "take the logarithm that the checkpoint takes",
        )


def _own_value(variant: Variant, front_end: FrontEnd) -> str:
    """Returns what the checkpoint has in the place of a variant, as that setting's value."""
    own = general(front_end)
    theirs = variant.of(Setup(front_end)).front_end
    if isinstance(theirs, GeneralMel) and own is not None:
        back = (other for other in variants(Setup(theirs), None) if other.changes.get("front_end") == own)
        if (other := next(back, None)) is not None:
            return other.value if other.setting == variant.setting else other.name
    return "its own"


def _scaled(given: Tensor, own: Tensor) -> _Match:
    factor, offset = _line(given, own)
    name = "look like the checkpoint's mel in another scaling"
    return _Match(_distance(factor * given + offset, own), name, _spelt(factor, offset, own))


def _conversion(theirs: Tensor, own: Tensor) -> str:
    """Says how one mel becomes the other, or that no factor and offset can do it."""
    factor, offset = _line(theirs, own)
    distance, spelt = _distance(factor * theirs + offset, own), _spelt(factor, offset, own)
    if distance < EXACT:
        return spelt
    near = f" ({spelt} comes near)" if distance < ALMOST else ""
    return f"no factor turns one into the other{near}, so let the TTS learn the checkpoint's own mel"


def _line(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Returns factor and offset that give one the other's mean and deviation."""
    factor = float(other.std() / one.std().clamp(min=1e-12))
    return factor, float(other.mean() - factor * one.mean())


def _spelt(factor: float, offset: float, own: Tensor) -> str:
    deviation = float((own - own.mean()).abs().mean())
    parts = [f"times {factor:.3g}"] if abs(factor - 1) > FACTOR else []
    parts += [f"{'plus' if offset > 0 else 'minus'} {abs(offset):.3g}"] if abs(offset) > OFFSET * deviation else []
    return ", then ".join(parts) or "as they are"


def _mels(front_end: FrontEnd, audio: Sequence[Tensor]) -> list[Tensor]:
    with torch.inference_mode():
        return [front_end(samples[None])[0] for samples in audio]


def _smooth(mels: Sequence[Tensor]) -> Tensor:
    """Returns averages over neighbours in frequency and time of all mels, as one vector."""
    padding = (CHANNELS // 2, FRAMES // 2)
    size, stride = (CHANNELS, FRAMES), (2, 4)
    pooled = [F.avg_pool2d(m.double()[None, None], size, stride, padding, count_include_pad=False) for m in mels]
    return torch.cat([each.flatten() for each in pooled])


def _distance(given: Tensor, mel: Tensor) -> float:
    return float((given - mel).abs().mean() / (mel - mel.mean()).abs().mean().clamp(min=1e-12))
