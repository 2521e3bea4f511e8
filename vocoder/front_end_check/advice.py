"""Says in one sentence what the check found and how to mend it."""

import math
from collections.abc import Callable

from vocoder.front_end_check.diagnosis import Diagnosis

KEYS = {  # dialect -> setting -> what its configuration calls it
    "ivanvovk": {
        "f_min": "data_config.f_min",
        "f_max": "data_config.f_max",
        "n_fft": "data_config.n_fft",
        "win_length": "data_config.win_length",
        "n_fft and win_length": "data_config.n_fft and data_config.win_length",
        "sample_rate": "data_config.sample_rate",
        "factors": "model_config.factors and data_config.hop_length",
        "upsampling dilations": "model_config.upsampling_dilations",
        "downsampling dilations": "model_config.downsampling_dilations",
    },
    "lmnt": {"sample_rate": "sample_rate"},
    "coqui": {
        "f_min": "audio.mel_fmin",
        "f_max": "audio.mel_fmax",
        "n_fft": "audio.fft_size",
        "win_length": "audio.win_length",
        "n_fft and win_length": "audio.fft_size and audio.win_length",
        "sample_rate": "audio.sample_rate",
        "preemphasis": "audio.preemphasis",
        "floor of the amplitude": "audio.amplitude_floor",
        "normalisation": "audio.signal_norm, symmetric_norm, max_norm, clip_norm and ref_level_db",
        "logarithm": "audio.signal_norm = false, audio.log_func and audio.spec_gain",
        "slope of the logarithm": "audio.log_func or audio.spec_gain",
        "factors": "model_params.upsample_factors and audio.hop_length",
        "upsampling dilations": "model_params.upsample_dilations",
    },
}
FILES = {  # settings that name a file
    ("coqui", "normalisation of each channel"): "set audio.stats_path to the file of the training's own statistics",
}
CLIPS = {  # settings of the clips, not of the configuration
    "level of the clips": "make the clips {}",
    "polarity of the clips": "multiply the clips by -1",
    "offset of the clips": "take each clip's mean off",
    "direction of the clips": "turn the clips round",
    "pre-emphasis of the clips": "undo the clips' pre-emphasis",
    "true sample rate of the clips": "the clips are at {}, whatever their headers say: correct these, and resample",
}

BROKEN = "the network returns NaN or infinity on the search clips; give an earlier checkpoint, or try float32"
BLIND = "this check does not tell who speaks, noise, echo, or clips that play up to a tenth too fast"


def sentence(diagnosis: Diagnosis, dialect: str) -> str:
    """Says what was found and what to do, in one line."""
    return _SENTENCES[diagnosis.kind](diagnosis, dialect)


def _matches(diagnosis: Diagnosis, _: str) -> str:
    return (
        f"trained, and the front end matches: {_evidence(diagnosis)}; {_none_better(diagnosis)}{_band(diagnosis)}; "
        f"{BLIND}"
    )


def _weak(diagnosis: Diagnosis, _: str) -> str:
    return (
        f"weakly trained: {_evidence(diagnosis)}, so the network knows little more of speech than its average "
        f"spectrum, or its front end is unlike any that was tried; {_none_better(diagnosis)}; a schedule found now "
        f"need not suit it after more training{_band(diagnosis)}; {BLIND}"
    )


def _mismatch(diagnosis: Diagnosis, dialect: str) -> str:
    named = " and ".join(f"{setting} = {value}" for setting, value in diagnosis.changes)
    less = 1 - math.exp(diagnosis.best - diagnosis.given)
    mends = "; ".join(_mend(setting, value, dialect) for setting, value in diagnosis.changes)
    return (
        f"this is not what the checkpoint was trained with: its denoising error is {less:.0%} lower with {named} "
        f"({diagnosis.pieces} pieces of the search clips{_ties(diagnosis)}); {mends}{_doubt(diagnosis)}"
    )


def _band(diagnosis: Diagnosis) -> str:
    if diagnosis.highest_frequency is None:
        return ""
    return (
        f"; the clips have nothing above {diagnosis.highest_frequency:.0f} Hz: if the network was trained with more, "
        "give clips with all frequencies"
    )


def _doubt(diagnosis: Diagnosis) -> str:
    """Warns where several settings are wrong: of five such sets the check found one (front_end/mistakes.md)."""
    if len(diagnosis.changes) < 2:
        return ""
    return "; settings that are wrong together stand in for one another, so look at the training's own configuration"


def _mend(setting: str, value: str, dialect: str) -> str:
    if setting in CLIPS:
        return CLIPS[setting].format(value)
    if (dialect, setting) in FILES:
        return FILES[dialect, setting]
    key = KEYS.get(dialect, {}).get(setting)
    if key is None:
        return f"no setting of {dialect} says so: it is a fork's checkpoint, so give one of {dialect}'s own"
    more = ", and give clips of that rate" if setting == "sample_rate" else ""
    return f"set {key} to {value} in the configuration{more}"


def _deaf(diagnosis: Diagnosis, _: str) -> str:
    return (
        f"the network ignores the mel: {_evidence(diagnosis)}, and none of {diagnosis.tried} variants changes that; "
        "give a checkpoint that was trained with mels, all of its tensors loaded"
    )


def _misheard(diagnosis: Diagnosis, _: str) -> str:
    return (
        f"the network hears the mel and gains nothing by it: {_evidence(diagnosis)}, and none of {diagnosis.tried} "
        "variants changes that; the front end is wrong in several settings, so take them from the training's own "
        "configuration, or the network is hardly trained"
    )


def _untrained(diagnosis: Diagnosis, _: str) -> str:
    random = f", with random weights {_times(diagnosis.random_weights)}" if diagnosis.random_weights is not None else ""
    return (
        f"untrained or damaged weights: with the best of {diagnosis.tried} setups the denoising error is "
        f"{_times(diagnosis.best)} a stationary Wiener filter's (predicting zero {_times(diagnosis.zero)}{random}); "
        "give a trained checkpoint (or, if it is one, its own front end: it is unlike any that was tried)"
    )


def _foreign(diagnosis: Diagnosis, _: str) -> str:
    return (
        f"the network does badly with the TTS's mels, though the recordings' own suit it: {_evidence(diagnosis)}; "
        "give teacher-forced mels of a TTS that is further trained, or train the vocoder on them"
    )


def _evidence(diagnosis: Diagnosis) -> str:
    given = "" if diagnosis.given_mels is None else f"{_times(diagnosis.given_mels)} with the TTS's mels, "
    return (
        f"denoising error {_times(diagnosis.best)} a stationary Wiener filter's, {given}"
        f"{_times(diagnosis.others_mels)} with other clips' mels"
    )


def _none_better(diagnosis: Diagnosis) -> str:
    return f"none of {diagnosis.tried} variants is better{_ties(diagnosis)}"


def _ties(diagnosis: Diagnosis) -> str:
    if not diagnosis.ties:
        return ""
    return f", and {' or '.join(diagnosis.ties)} cannot be told from it, which is no matter"


def _times(score: float | None) -> str:
    return "unknown" if score is None else f"{math.exp(score):.2f} times"


_SENTENCES: dict[str, Callable[[Diagnosis, str], str]] = {
    "matches": _matches,
    "weak": _weak,
    "mismatch": _mismatch,
    "deaf": _deaf,
    "misheard": _misheard,
    "untrained": _untrained,
    "foreign": _foreign,
    "broken": lambda diagnosis, dialect: BROKEN,
}
