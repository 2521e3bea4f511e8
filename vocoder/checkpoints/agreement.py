"""Refuses settings that say something else of a vocoder than what was built from them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from vocoder.errors import InputError
from vocoder.vocoder import Vocoder

# What settings of these names say, in whichever implementation or fork they stand. One that its own implementation
# reads agrees by itself; another one would be ignored, and the vocoder would be a different one than its author's.
_MEANINGS: dict[tuple[str, ...], Callable[[Vocoder], object]] = {
    ("hop_length", "hop_size", "hop_samples", "hop_len"): lambda vocoder: vocoder.hop_length,
    (
        *("factors", "upsample_factors", "upsampling_factors"),
        *("upsample_scales", "upsampling_scales", "upsample_rates", "upsampling_rates"),
    ): lambda vocoder: list(vocoder.network.config.factors),
    ("n_mels", "num_mels", "n_mel", "n_mel_channels", "num_mel_bins"): lambda vocoder: vocoder.front_end.n_mels,
    ("sample_rate", "sampling_rate", "samplerate", "sr", "fs"): lambda vocoder: vocoder.sample_rate,
    ("n_fft", "fft_size", "filter_length", "fft_length"): lambda vocoder: getattr(vocoder.front_end, "n_fft", None),
    ("win_length", "win_size"): lambda vocoder: getattr(vocoder.front_end, "win_length", None),
    ("f_min", "fmin", "mel_fmin"): lambda vocoder: getattr(vocoder.front_end, "f_min", None),
    ("f_max", "fmax", "mel_fmax"): lambda vocoder: getattr(vocoder.front_end, "f_max", None),
    ("out_channels",): lambda vocoder: 1,
}
_ABOUT_IT = re.compile(r"audio|data|mel|model|network|param|preproc|vocoder")  # names of tables that may say these
_OF_OTHERS = re.compile(r"loss|disc|speaker|encoder|optim")


def check_agreement(settings: Mapping[str, Any], vocoder: Vocoder) -> None:
    """Raises InputError for a setting that contradicts the vocoder built from `settings`; null says nothing."""
    model = settings.get("model")
    if isinstance(model, str) and "wavegrad" not in model.lower():
        raise InputError(
            f"the configuration is of the model {model[:60]!r}, and this is a WaveGrad; give its own: CONFIG=FILE"
        )
    tables = {"": settings}
    for name, table in settings.items():
        if isinstance(table, Mapping) and _ABOUT_IT.search(name) and not _OF_OTHERS.search(name):
            tables[f"{name}."] = table
    for section, table in tables.items():
        if table.get("hop_length", 0) is None:  # coqui then takes both lengths from milliseconds
            table = {name: value for name, value in table.items() if name != "win_length"}
        for names, actual_of in _MEANINGS.items():
            for name in names:
                stated, actual = table.get(name), actual_of(vocoder)
                if None not in (stated, actual) and stated != actual and str(stated) != str(actual):
                    raise InputError(
                        f"{section}{name} is {str(stated)[:60]} in the configuration, and the vocoder that it makes "
                        f"({vocoder.dialect.name}) has {actual}; {vocoder.dialect.size_advice}, and {name} to match"
                    )
