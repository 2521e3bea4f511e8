"""Reading coqui's mel statistics: what it wrote is read, and nothing a file contains is run."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocoder.errors import InputError
from vocoder.front_ends.coqui_statistics import read_coqui_statistics


def as_coqui_writes(path: Path, **changes: Any) -> Path:
    """TTS/bin/compute_statistics.py: numpy.save(path, dict, allow_pickle=True)."""
    content = {
        "mel_mean": np.linspace(-60, -40, 80, dtype=np.float32),
        "mel_std": np.linspace(5, 10, 80),
        "linear_mean": np.zeros(513),
        "linear_std": np.ones(513),
        "audio_config": {"fft_size": 1024, "log_func": "np.log10", "mel_fmax": None},
    }
    np.save(path, np.array({**content, **changes}), allow_pickle=True)
    return path


class RunsCode:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.witness),)


def test_statistics_come_back_as_they_were_written(tmp_path: Path) -> None:
    read = read_coqui_statistics(as_coqui_writes(tmp_path / "scale_stats.npy"))
    np.testing.assert_array_equal(
        read.mel_mean, np.linspace(-60, -40, 80, dtype=np.float32).astype(np.float64)
    )
    np.testing.assert_array_equal(read.mel_std, np.linspace(5, 10, 80))
    assert read.mel_mean.dtype == read.mel_std.dtype == np.float64
    assert read.audio_config == {"fft_size": 1024, "log_func": "np.log10", "mel_fmax": None}


def test_code_in_a_statistics_file_is_refused_and_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    path = as_coqui_writes(tmp_path / "scale_stats.npy", extra=RunsCode(witness))
    with pytest.raises(InputError, match="scale_stats.npy"):
        read_coqui_statistics(path)
    assert not witness.exists()
    np.load(path, allow_pickle=True)  # the witness is real: the usual reader does run it
    assert witness.exists()


def test_code_in_a_bare_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    path = tmp_path / "scale_stats.npy"
    path.write_bytes(pickle.dumps({"mel_mean": RunsCode(witness)}))
    with pytest.raises(InputError):
        read_coqui_statistics(path)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mel_mean": None}, "mel_mean"),
        ({"mel_std": np.ones((80, 2))}, "mel_std"),
        ({"mel_std": np.ones(80, dtype=bool)}, "mel_std"),
        ({"audio_config": [1]}, "audio_config"),
    ],
)
def test_statistics_of_the_wrong_form_are_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named) as caught:
        read_coqui_statistics(as_coqui_writes(tmp_path / "s.npy", **changes))
    assert "\n" not in str(caught.value)


def test_a_plain_array_is_no_statistics_file(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.ones(80))
    with pytest.raises(InputError, match="must be a dict"):
        read_coqui_statistics(tmp_path / "s.npy")


@pytest.mark.parametrize("kept", [0, 5, 40, 150, 400])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    path = as_coqui_writes(tmp_path / "s.npy")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError) as caught:
        read_coqui_statistics(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent.npy"):
        read_coqui_statistics(tmp_path / "absent.npy")
