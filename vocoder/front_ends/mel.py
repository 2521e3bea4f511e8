"""Names the mel front ends: callables audio [clip, samples] -> mel [clip, n_mels, samples // hop_length]."""

from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_settings import check_statistics_settings, uses_statistics
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel

__all__ = [
    "CoquiMel",
    "IvanvovkMel",
    "LmntMel",
    "check_statistics_settings",
    "uses_statistics",
]
