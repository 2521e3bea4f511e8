"""The names of metrics in words, for people who have not read the catalogue."""

import re

_WORDS = {
    "spectral_pesq": "overall score",
    "spectral": "spectral distance",
    "log_mel_l1": "mel distance",
    "ls_mae": "mel distance in 128 bands",
    "lsd": "log-spectral distance",
    "mcd": "cepstral distance",
    "stft_convergence": "spectral convergence",
    "stft_log_magnitude": "log STFT distance",
    "mr_stft": "STFT distance",
    "pesq": "speech quality",
    "stoi": "intelligibility",
    "estoi": "strict intelligibility",
    "distill_mos": "predicted opinion",
    "f0_rmse": "pitch error",
    "voicing_error": "voicing error",
    "ffe": "pitch frame error",
    "level": "loudness",
}


def in_words(metric: str) -> str:
    """Returns what a metric measures, such as `speech quality` of pesq_wb; the name itself of a metric not known."""
    return _WORDS.get(re.sub(r"_[wn]b$", "", metric), metric)


def words_and_name(metric: str) -> str:
    """Returns the words with the column's name in brackets."""
    words = in_words(metric)
    return words if words == metric else f"{words} ({metric})"
