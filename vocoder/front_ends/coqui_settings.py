"""Reads the "audio" part of a coqui configuration: which settings make the mel, and which are refused."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocoder.errors import InputError
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_normalisation import RangeNormalisation, StandardNormalisation

Channels = Sequence[float] | NDArray[np.float64]  # [n_mels]
LOG_BASES = {"np.log": math.e, "np.log10": 10.0}
_LARGEST = 1e9  # no setting comes near; an integer of 400 digits, which JSON may hold, fits no float

# BaseAudioConfig, TTS/config/shared_configs.py: coqui fills what a file leaves out from these.
_NUMBERS: dict[str, Any] = {
    "fft_size": 1024,
    "sample_rate": 22050,
    "preemphasis": 0.0,
    "ref_level_db": 20,
    "num_mels": 80,
    "spec_gain": 20,
    "amplitude_floor": 1e-8,  # ours, not coqui's: its code fixes it, at 1e-5 before 0.20.6
}
_NUMBERS_OR_NULL: dict[str, Any] = {  # AudioProcessor gives null a meaning for these alone
    "win_length": 1024,
    "hop_length": 256,
    "frame_shift_ms": None,
    "frame_length_ms": None,
    "mel_fmin": 0.0,
    "mel_fmax": None,
    "min_level_db": -100,
    "max_norm": 4.0,
}
_FLAGS: dict[str, Any] = {"do_amp_to_db_mel": True, "signal_norm": True, "symmetric_norm": True, "clip_norm": True}
_OTHERS: dict[str, Any] = {"stft_pad_mode": "reflect", "log_func": "np.log10", "stats_path": None}
DEFAULTS = _NUMBERS | _NUMBERS_OR_NULL | _FLAGS | _OTHERS

# Coqui rescales each file as it reads it: that changes its mel, and a front end sees audio, not files.
_REFUSED_WHEN_SET = ("do_sound_norm", "do_rms_norm")
# They act on file reading, linear spectrograms, Griffin-Lim or pitch: the mel of given audio is the same.
_WITHOUT_EFFECT = (
    *("resample", "do_trim_silence", "trim_db", "db_level", "power", "griffin_lim_iters"),
    *("do_amp_to_db_linear", "pitch_fmin", "pitch_fmax", "verbose"),
)
# A statistics file must have been computed with the same values of these (TTS's load_stats compares too).
_BEHIND_STATISTICS = (
    *("fft_size", "win_length", "hop_length", "frame_shift_ms", "frame_length_ms", "stft_pad_mode", "preemphasis"),
    *("log_func", "num_mels", "mel_fmin", "mel_fmax", "spec_gain", "do_amp_to_db_mel"),
)


def coqui_mel(
    settings: Mapping[str, Any], *, mel_mean: Channels | None = None, mel_std: Channels | None = None
) -> CoquiMel:
    """Returns the front end that the "audio" table of a coqui configuration asks for.

    mel_mean and mel_std ([n_mels], from the file stats_path names) are needed where stats_path is set.
    Raises InputError naming a setting that would change the mel and cannot be honoured.
    """
    table = _checked(settings)
    win_length, hop_length = _lengths(table)
    return CoquiMel(
        sample_rate=int(table["sample_rate"]),
        n_fft=int(table["fft_size"]),
        win_length=win_length,
        hop_length=hop_length,
        f_min=float(table["mel_fmin"] or 0),
        f_max=None if table["mel_fmax"] is None else float(table["mel_fmax"]),
        n_mels=int(table["num_mels"]),
        preemphasis=float(table["preemphasis"]),
        pad_mode=str(table["stft_pad_mode"]),
        decibels=bool(table["do_amp_to_db_mel"]),
        gain=float(table["spec_gain"]),
        log_base=LOG_BASES[table["log_func"]],
        normalisation=_normalisation(table, mel_mean, mel_std),
        amplitude_floor=float(table["amplitude_floor"]),
    )


def uses_statistics(settings: Mapping[str, Any]) -> bool:
    """Says whether coqui would read stats_path: only where signal_norm is on."""
    table = {**DEFAULTS, **settings}
    return bool(table["stats_path"] and table["signal_norm"])


def check_statistics_settings(settings: Mapping[str, Any], computed_with: Mapping[str, Any]) -> None:
    """Raises InputError where statistics were computed with another mel than `settings` asks for."""
    table = {**DEFAULTS, **settings}
    for name in _BEHIND_STATISTICS:
        if name in computed_with and computed_with[name] != table[name]:
            raise InputError(
                f"coqui {name}: the mel statistics were computed with {computed_with[name]!r}, "
                f"the vocoder has {table[name]!r}; give the statistics this vocoder was trained with"
            )


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings over coqui's defaults; raises InputError for what cannot be honoured."""
    for name, value in settings.items():
        if name in _REFUSED_WHEN_SET and value:
            raise InputError(
                f"coqui {name} = {value!r} is not supported: it rescales each file on reading; "
                f"level the clips beforehand and set {name} = false"
            )
        if name not in DEFAULTS and name not in _WITHOUT_EFFECT and name not in _REFUSED_WHEN_SET:
            raise InputError(
                f"coqui audio setting {name!r} is unknown and may change the mel; delete it if it does not"
            )
    table = {**DEFAULTS, **settings}
    for name in (*_NUMBERS, *_NUMBERS_OR_NULL):
        if not _is_number(table[name]) and not (table[name] is None and name in _NUMBERS_OR_NULL):
            raise InputError(f"coqui {name} must be a number, got {table[name]!r}; correct it")
    for name in _FLAGS:
        if table[name] not in (True, False, None):  # "false" in quotes would count as true
            raise InputError(f"coqui {name} must be true or false, got {table[name]!r}; correct it")
    if table["log_func"] not in tuple(LOG_BASES):  # a list, which JSON can put there, is no key of a dict
        raise InputError(f"coqui log_func must be one of {', '.join(LOG_BASES)}, got {table['log_func']!r}; correct it")
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _lengths(table: Mapping[str, Any]) -> tuple[int, int]:
    """Returns win_length and hop_length in samples; milliseconds count only where hop_length is null, as there."""
    if table["hop_length"] is None:
        return _from_milliseconds(table["frame_length_ms"], table["frame_shift_ms"], int(table["sample_rate"]))
    if table["win_length"] is None:
        raise InputError("coqui win_length must be given beside hop_length, got null; set win_length")
    return int(table["win_length"]), int(table["hop_length"])


def _from_milliseconds(length_ms: float | None, shift_ms: float | None, sample_rate: int) -> tuple[int, int]:
    """Rounds down as millisec_to_length does: the hop is a whole fraction of the already rounded window."""
    if not length_ms or not shift_ms:
        raise InputError(
            "coqui needs hop_length or both frame_length_ms and frame_shift_ms, "
            f"got null, {length_ms} and {shift_ms}; set hop_length and win_length"
        )
    factor = length_ms / shift_ms
    if not factor.is_integer():
        raise InputError(
            f"coqui frame_shift_ms must divide frame_length_ms, got {shift_ms} and {length_ms}; correct them"
        )
    win_length = int(length_ms / 1000 * sample_rate)
    return win_length, int(win_length / factor)


def _normalisation(
    table: Mapping[str, Any], mel_mean: Channels | None, mel_std: Channels | None
) -> RangeNormalisation | StandardNormalisation | None:
    if not table["signal_norm"]:
        return None
    if table["stats_path"]:
        if mel_mean is None or mel_std is None:
            raise InputError(
                f"coqui stats_path = {table['stats_path']!r} needs its file of mel statistics; "
                "put it beside the configuration"
            )
        return StandardNormalisation(tuple(map(float, mel_mean)), tuple(map(float, mel_std)))
    return RangeNormalisation(
        min_level_db=float(table["min_level_db"] or 0),
        ref_level_db=float(table["ref_level_db"]),
        max_norm=1.0 if table["max_norm"] is None else float(table["max_norm"]),
        symmetric=bool(table["symmetric_norm"]),
        clip=bool(table["clip_norm"]),
    )
