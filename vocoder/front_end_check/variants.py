"""Lists the variants of a setup: one setting changed at a time, and other implementations' whole front ends."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import chain

from vocoder.front_end_check.general_mel import GeneralMel, general, of_coqui, of_lmnt
from vocoder.front_end_check.setups import NOISE_LEVELS, MelStatistics, Setup, Treatment, Variant
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_normalisation import RangeNormalisation
from vocoder.front_ends.lmnt import LmntMel
from vocoder.network import NetworkConfig

RATES = (8000, 16000, 22050, 24000, 44100, 48000)  # Hz
N_FFTS = (512, 1024, 2048)
WIN_LENGTHS = (400, 512, 600, 800, 1024, 1100, 1200)
F_MINS = (0.0, 20.0, 40.0, 50.0, 80.0, 95.0, 125.0)  # Hz
F_MAXES = (4000.0, 7000.0, 7600.0, 8000.0, 11025.0, 12000.0)  # Hz, and half the rate
PREEMPHASES = (0.0, 0.97)
FLOORS = (1e-5, 1e-8)  # of the amplitude, coqui's two
INT16 = 32768.0
WHOLE = "front end"  # the setting that means another implementation's whole front end
AFFINE, SLOPE = "scale and offset of the mel", "slope of the logarithm"
CHANNELS = "normalisation of each channel"
_ALONE = {"n_fft": "", "win_length": "", "f_min": " Hz", "f_max": " Hz", "preemphasis": ""}  # units
DB = 10 / math.log(10)
LOGARITHMS = {  # power of the amplitude, factor of the natural logarithm; 0: none
    "log10 of power": (2.0, 1 / math.log(10)),
    "natural logarithm of power": (2.0, 1.0),
    "decibels of power": (2.0, DB),
    "log10 of magnitude": (1.0, 1 / math.log(10)),
    "natural logarithm of magnitude": (1.0, 1.0),
    "decibels of magnitude": (1.0, 2 * DB),
    "none, of power": (2.0, 0.0),
    "none, of magnitude": (1.0, 0.0),
}
RANGES = {  # coqui's settings; lmnt's range is the last one
    "-4..4": RangeNormalisation(),
    "-4..4, unclipped": RangeNormalisation(clip=False),
    "-4..4 of ref_level_db 0": RangeNormalisation(ref_level_db=0.0),
    "0..4": RangeNormalisation(symmetric=False),
    "-1..1": RangeNormalisation(max_norm=1.0),
    "0..1": RangeNormalisation(symmetric=False, max_norm=1.0),
}
FACTORS = (  # of public configurations, by hop: 160, 200, 240, 256, 256, 300, 320, 512; then of four blocks
    *((5, 4, 2, 2, 2), (5, 5, 2, 2, 2), (5, 4, 3, 2, 2), (4, 4, 4, 2, 2)),
    *((8, 4, 2, 2, 2), (5, 5, 3, 2, 2), (5, 4, 4, 2, 2), (8, 4, 4, 2, 2)),
    *((5, 4, 4, 2), (5, 5, 4, 2), (4, 4, 4, 4), (8, 4, 4, 2), (8, 8, 2, 2), (5, 5, 4, 3), (5, 4, 4, 4)),
)
UP_DILATIONS = ((1, 2, 1, 2), (1, 2, 4, 8))  # of a block; public configurations have blocks of the first kind first
DOWN_DILATIONS = (1, 2, 4)


def variants(
    given: Setup, network: NetworkConfig | None, *, mel_statistics: MelStatistics | None = None
) -> list[Variant]:
    """Returns all variants of a setup.

    `network` are the sizes of the network; None for a denoiser without one. `mel_statistics` are those of the given mel
    on the clips.
    """
    mel = general(given.front_end)
    groups: list[Iterator[Variant]] = [_clips(given), _noise_levels(given)]
    groups += [] if mel_statistics is None else [_normalised_mel(given, mel_statistics)]
    if mel is not None:
        groups += [_mels(mel), _rates(mel, given)]
    if network is not None:
        groups += [_dilations(given.network(network))]
        groups += [] if mel is None else [_factors(mel, given.network(network).factors)]
    return list(chain.from_iterable(groups))


def scaled_mel(factor: float, offset: float) -> Variant:
    """Returns the variant with another scale and offset of the mel, in the form of a normalisation."""
    value = f"(mel {'-' if offset < 0 else '+'} {abs(offset / factor):.3g}) / {1 / factor:.3g}"
    return Variant(AFFINE, value, {"affine": (factor, offset)})


def spelt(variant: Variant, given: Setup) -> dict[str, str]:
    """Returns setting -> value; for a whole front end the settings that differ, where each can be set alone."""
    before, after = general(given.front_end), general(variant.of(given).front_end)
    if variant.setting != WHOLE or before is None or after is None:
        return {variant.setting: variant.value}
    differ = [each.name for each in fields(GeneralMel) if getattr(before, each.name) != getattr(after, each.name)]
    if not set(differ) <= set(_ALONE):
        return {variant.setting: variant.value}
    return {name: f"{getattr(after, name):g}{_ALONE[name]}" for name in differ}


def _normalised_mel(given: Setup, on_clips: MelStatistics) -> Iterator[Variant]:
    """Yields the mel with mean 0 and deviation 1, as many trainings normalise it: the whole, or each channel."""
    if given.affine != Setup(given.front_end).affine:
        return
    if on_clips.deviation > 0:
        yield scaled_mel(1 / on_clips.deviation, -on_clips.mean / on_clips.deviation)
    if min(on_clips.deviations) > 0:
        factors = tuple(1 / deviation for deviation in on_clips.deviations)
        offsets = tuple(-mean * factor for mean, factor in zip(on_clips.means, factors, strict=True))
        yield Variant(CHANNELS, "by its own mean and deviation", {"affine": (factors, offsets)})


def _mels(mel: GeneralMel) -> Iterator[Variant]:
    """Yields variants whose front ends differ from `mel` and from each other. Changes of one setting come first."""
    seen = {mel}
    for setting, value, other in chain(_bands(mel), _windows(mel), _logs(mel), _filters(mel), _input(mel), _whole(mel)):
        if other not in seen:
            seen.add(other)
            yield Variant(setting, value, {"front_end": other})


_Named = Iterator[tuple[str, str, GeneralMel]]  # setting, value, front end


def _bands(mel: GeneralMel) -> _Named:
    for f_min in F_MINS:
        yield "f_min", f"{f_min:g} Hz", replace(mel, f_min=f_min)
    for f_max in (*F_MAXES, mel.sample_rate / 2):
        if mel.f_min < f_max <= mel.sample_rate / 2:
            yield "f_max", f"{f_max:g} Hz", replace(mel, f_max=f_max)


def _windows(mel: GeneralMel) -> _Named:
    for size in N_FFTS:
        if size >= mel.win_length:
            yield "n_fft", f"{size}", replace(mel, n_fft=size)
    for length in (*WIN_LENGTHS, 4 * mel.hop_length, mel.n_fft):
        if length <= mel.n_fft:
            yield "win_length", f"{length}", replace(mel, win_length=length)
    for size in N_FFTS:
        yield "n_fft and win_length", f"{size}", replace(mel, n_fft=size, win_length=size)
    for name, lead in _leads(mel).items():
        yield "frames", name, replace(mel, lead=lead)


def _leads(mel: GeneralMel) -> Mapping[str, int]:
    """Returns where frames may stand. Without padding (center = False) they begin where their hop does."""
    if mel.lead:
        return {"centred on whole hops": 0}
    hop = mel.hop_length
    late = {"half a hop later": hop // 2, "a hop later": hop, "half a window later": mel.n_fft // 2}
    return late | {"a hop earlier": -hop}


def _logs(mel: GeneralMel) -> _Named:
    for name, (power, scale) in LOGARITHMS.items():
        plain = replace(mel, power=power, logarithm=scale > 0, scale=scale, offset=0.0, low=-math.inf, high=math.inf)
        yield "logarithm", name, plain
        if not math.isinf(mel.high):  # within the range that it has
            yield "logarithm", f"{name}, same range", replace(plain, offset=mel.offset, low=mel.low, high=mel.high)
    for factor, name in ((math.log(10), "2.3 times"), (1 / math.log(10), "0.43 times"), (2.0, "twice"), (0.5, "half")):
        yield SLOPE, f"{name} as steep", replace(mel, scale=mel.scale * factor)
    for name, wanted in RANGES.items():
        yield "normalisation", name, _normalised(mel, wanted)


def _normalised(mel: GeneralMel, wanted: RangeNormalisation) -> GeneralMel:
    """Returns the mel as decibels of magnitude in the wanted range, as coqui has it."""
    model = of_coqui(CoquiMel(normalisation=wanted))
    fields = ("scale", "offset", "low", "high") + (() if mel.floor in FLOORS else ("floor",))
    return replace(mel, power=1.0, logarithm=True, **{name: getattr(model, name) for name in fields})


def _filters(mel: GeneralMel) -> _Named:
    scale = "slaney" if mel.mel_scale == "htk" else "htk"
    norm = "none" if mel.mel_norm else "slaney"
    yield "mel scale", scale, replace(mel, mel_scale=scale)
    yield "mel norm", norm, replace(mel, mel_norm=not mel.mel_norm)
    yield "mel scale and norm", f"{scale} and {norm}", replace(mel, mel_scale=scale, mel_norm=not mel.mel_norm)
    yield "window norm", "none" if mel.window_norm else "root energy", replace(mel, window_norm=not mel.window_norm)
    for rate in RATES:
        top = min(mel.f_max, rate / 2)
        if top > mel.f_min:
            yield "sample_rate of the mel filters", f"{rate} Hz", replace(mel, sample_rate=rate, f_max=top)


def _input(mel: GeneralMel) -> _Named:
    for gain, name in ((2.0, "twice"), (0.5, "half"), (INT16, "32768 times (int16)"), (1 / INT16, "1/32768 times")):
        yield "scale of the audio that the mel is made from", name, replace(mel, gain=mel.gain * gain)
    for coefficient in PREEMPHASES:
        yield "preemphasis", f"{coefficient:g}", replace(mel, preemphasis=coefficient)
    for floor in FLOORS:
        yield "floor of the amplitude", f"{floor:g}", replace(mel, floor=floor)


def _whole(mel: GeneralMel) -> _Named:
    rate, n_fft, win, hop, n_mels = mel.sample_rate, mel.n_fft, mel.win_length, mel.hop_length, mel.n_mels
    low, high = mel.f_min, mel.f_max
    coquis = CoquiMel(rate, n_fft, win, hop, low, min(high, rate / 2), n_mels)
    # The defaults of GeneralMel are ivanvovk's.
    yield WHOLE, "ivanvovk's", GeneralMel(rate, n_fft, win, hop, low, high, n_mels)
    yield WHOLE, "ivanvovk's at its defaults", GeneralMel(rate, 1024, 1024, hop, 80.0, min(8000.0, rate / 2), n_mels)
    yield WHOLE, "lmnt's", of_lmnt(LmntMel(rate, hop, n_mels))
    yield WHOLE, "coqui's", of_coqui(coquis)
    yield WHOLE, "coqui's at its defaults", of_coqui(CoquiMel(rate, 1024, 1024, hop, 0.0, None, n_mels))
    yield WHOLE, "coqui's without normalisation", of_coqui(replace(coquis, normalisation=None))
    tacotron = GeneralMel(rate, n_fft, win, hop, 0.0, min(8000.0, rate / 2), n_mels, power=1.0, scale=1.0, floor=1e-5)
    tacotron = replace(tacotron, mel_scale="slaney", mel_norm=True)
    yield WHOLE, "Tacotron 2's", tacotron
    yield WHOLE, "HiFi-GAN's", replace(tacotron, lead=hop // 2)


def _rates(mel: GeneralMel, given: Setup) -> Iterator[Variant]:
    """Yields other rates of the network, with right clips under a wrong configuration: resampled, mel and all."""
    if given.treatment.rates is not None:
        return
    for rate in RATES:
        top = min(mel.f_max, rate / 2)
        if rate != mel.sample_rate and top > mel.f_min:
            other = replace(mel, sample_rate=rate, f_max=top)
            treatment = replace(given.treatment, rates=(mel.sample_rate, rate))
            yield Variant("sample_rate", f"{rate} Hz", {"front_end": other, "treatment": treatment})


def _factors(mel: GeneralMel, own: tuple[int, ...]) -> Iterator[Variant]:
    for factors in dict.fromkeys((*FACTORS, own[::-1])):
        if len(factors) == len(own) and factors != own:
            hop = math.prod(factors)
            value = f"{list(factors)}, hop {hop}"
            yield Variant("factors", value, {"factors": factors, "front_end": replace(mel, hop_length=hop)})


def _dilations(own: NetworkConfig) -> Iterator[Variant]:
    """Yields each row in the other pattern, and all rows of one pattern followed by those of the other."""
    rows = own.up_dilations
    count = len(rows)
    others = [(*rows[:i], pattern, *rows[i + 1 :]) for i in range(count) for pattern in UP_DILATIONS]
    others += [(UP_DILATIONS[0],) * i + (UP_DILATIONS[1],) * (count - i) for i in range(count + 1)]
    for other in dict.fromkeys(others):
        if other != rows:
            yield Variant("upsampling dilations", str([*map(list, other)]), {"up_dilations": other})
    usual = (DOWN_DILATIONS,) * len(own.down_dilations)
    if usual != own.down_dilations:
        yield Variant("downsampling dilations", str([*map(list, usual)]), {"down_dilations": usual})


def _noise_levels(given: Setup) -> Iterator[Variant]:
    for name in NOISE_LEVELS:
        if name != given.noise_level:
            yield Variant("noise level", name, {"noise_level": name})


def _clips(given: Setup) -> Iterator[Variant]:
    """Undoes what may have happened to clips. A factor of two in level is no mistake: recordings differ that much."""
    plain, rate = given.treatment, given.front_end.sample_rate
    undone = {
        ("offset of the clips", "removed"): Treatment(centred=True),
        ("level of the clips", "4 times as loud"): Treatment(gain=4.0),
        ("level of the clips", "10 times as loud"): Treatment(gain=10.0),
        ("level of the clips", "a quarter as loud"): Treatment(gain=0.25),
        ("polarity of the clips", "inverted"): Treatment(gain=-1.0),
        ("direction of the clips", "backwards"): Treatment(backwards=True),
        ("pre-emphasis of the clips", "undone (0.97)"): Treatment(deemphasis=0.97),
    }
    confused = [round(rate * 44100 / 48000), round(rate * 48000 / 44100)]  # CD's rate and video's for one another
    undone |= {
        ("true sample rate of the clips", f"{other} Hz"): Treatment(rates=(other, rate))
        for other in dict.fromkeys((*RATES, *confused))
        if other != rate
    }
    if plain == Treatment():
        for (setting, value), treatment in undone.items():
            yield Variant(setting, value, {"treatment": treatment})
