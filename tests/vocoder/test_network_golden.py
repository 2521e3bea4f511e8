"""Network and sampler against vectors that the three public implementations made (golden/README.md)."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.checkpoints.loading import load_vocoder
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.network import WaveGradNetwork
from vocoder.weights import network_from, without_weight_norm

DIALECTS = {"ivanvovk": IVANVOVK, "lmnt": LMNT, "coqui": COQUI}
VECTORS = ("ivanvovk", "lmnt", "coqui", "coqui_weight_norm")
CHECKPOINTS = {
    "ivanvovk_tiny.pt": "ivanvovk",
    "coqui_tiny.pth": "coqui",
    "coqui_tiny_wn.pth": "coqui_weight_norm",
}
TOLERANCE = 1e-4  # what a faithful float32 execution gives: relative on eps, absolute on audio
PERTURBATION = 1e-6  # of the starting noise, relative: a few times float32's own rounding
PERTURBED_RUNS = 6


@dataclass(frozen=True)
class Golden:
    """One .npz file and the network rebuilt from its rule."""

    name: str
    arrays: dict[str, Tensor]
    meta: dict[str, Any]
    network: WaveGradNetwork
    dialect: Dialect

    def at_step(self, n: int) -> "Golden":
        return self

    @property
    def hop_length(self) -> int:
        return int(self.meta["hop_length"])

    @property
    def schedules(self) -> list[str]:
        return [name.removeprefix("betas_") for name in self.arrays if name.startswith("betas_")]

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        return self.network(y, mel, noise_level)

    def audio(self, schedule: str, noise: Tensor) -> Tensor:
        """The whole reverse process from noise [N, K, samples], K a multiple of the clips: [K, samples]."""
        mels = self.arrays["mel"].repeat(noise.shape[1] // len(self.arrays["mel"]), 1, 1)
        betas = NoiseSchedule(self.arrays[f"betas_{schedule}"].numpy())
        return ancestral_sample(self, mels, [betas], noise)[0]


@pytest.fixture(scope="module", params=VECTORS)
def golden(golden_folder: Path, request: pytest.FixtureRequest) -> Golden:
    return read_golden(golden_folder, request.param)


def read_golden(folder: Path, name: str) -> Golden:
    path = folder / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"no {path.name} in this folder")
    with np.load(path) as file:
        arrays = {key: torch.from_numpy(file[key]) for key in file.files if key != "meta"}
        meta = json.loads(str(file["meta"]))
    dialect = DIALECTS[meta["dialect"]]
    shapes = {key: shape for key, shape in meta["keys"] if not dialect.is_buffer(key)}
    state = {key: rebuilt(key, shape, meta["seed"]) for key, shape in shapes.items()}
    config = dialect.network_config(meta.get("config") or {"model_params": meta.get("model_params", {})})
    return Golden(name, arrays, meta, network_from(without_weight_norm(state), dialect, config), dialect)


def rebuilt(name: str, shape: list[int], seed: int) -> Tensor:
    """The weights' rule, from golden/README.md."""
    random = np.random.default_rng(zlib.crc32(name.encode()) + seed)
    values = random.standard_normal(shape).astype(np.float32)
    values *= np.float32(1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.05)
    return torch.from_numpy(np.abs(values) + np.float32(0.1) if name.endswith("original0") else values)


def relative_error(found: Tensor, reference: Tensor) -> float:
    return float((found - reference).abs().max() / reference.abs().max())


def test_eps_equals_that_of_the_public_implementation(golden: Golden) -> None:
    call = [golden.arrays[key] for key in ("y", "mel", "noise_level")]
    with torch.inference_mode():
        eps = golden.network(*call)
    assert relative_error(eps, golden.arrays["eps"]) <= TOLERANCE


@pytest.mark.parametrize("file", CHECKPOINTS)
def test_a_checkpoint_in_its_own_layout_gives_the_same_eps(golden_folder: Path, file: str) -> None:
    if not (golden_folder / file).exists():
        pytest.skip(f"no {file} in this folder")
    golden = read_golden(golden_folder, CHECKPOINTS[file])
    vocoder = load_vocoder(golden_folder / file)
    with torch.inference_mode():
        eps = vocoder.predict_noise(*(golden.arrays[key] for key in ("y", "mel", "noise_level")))
    assert vocoder.dialect is golden.dialect
    assert relative_error(eps, golden.arrays["eps"]) <= TOLERANCE


@pytest.mark.parametrize(
    "golden", [pytest.param(v, marks=pytest.mark.slow) if v == "lmnt" else v for v in VECTORS], indirect=True
)
def test_sampled_audio_equals_that_of_the_public_implementation(golden: Golden) -> None:
    """To 1e-4, or as closely as the process itself determines the audio; ivanvovk holds 1e-4 plainly.

    With these random weights the reverse process of lmnt and coqui, which do not clamp x0, is chaotic:
    changing the starting noise by 1e-6 moves the audio by up to 0.003 (lmnt), 0.02 (coqui) and 2.0
    (coqui_weight_norm). The public implementations themselves, run on the machine this was written on, miss
    the vectors by 0.0012, 0.012 and 1.1 (ivanvovk: 6e-5). So the bound is three times what such changes do to
    our own audio. The median over all samples is held to the same rule: it stays small (under 1e-4 in all
    these vectors) where single samples part ways, so a wrong step cannot hide behind a bound of the order of
    the audio itself.
    """
    for schedule in golden.schedules:
        reference, noise = golden.arrays[f"audio_{schedule}"], golden.arrays[f"draws_{schedule}"]
        error = (golden.audio(schedule, noise) - reference).abs()
        if golden.dialect is IVANVOVK or float(error.max()) <= TOLERANCE:
            assert float(error.max()) <= TOLERANCE, schedule
            continue
        changes = changes_by_perturbation(golden, schedule)
        for statistic in (torch.max, torch.median):
            bound = max(TOLERANCE, 3 * max(float(statistic(change)) for change in changes))
            assert float(statistic(error)) <= bound, f"{schedule}: {statistic.__name__}"


def changes_by_perturbation(golden: Golden, schedule: str) -> list[Tensor]:
    """|audio moved| by several small changes of the starting noise, each [clips, samples]."""
    noise = golden.arrays[f"draws_{schedule}"]
    random = torch.Generator().manual_seed(0)
    runs = noise.repeat(1, 1 + PERTURBED_RUNS, 1)
    clips = noise.shape[1]
    runs[0, clips:] *= 1 + PERTURBATION * torch.randn(runs[0, clips:].shape, generator=random)
    plain, *perturbed = golden.audio(schedule, runs).split(clips)
    return [(audio - plain).abs() for audio in perturbed]
