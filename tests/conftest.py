"""Fixtures that several test files share."""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import alembic.util
import numpy as np
import optuna
import pytest
import torch
from exact_reverse import EXACT_DIRECT
from matplotlib.figure import Figure
from optuna.storages import InMemoryStorage, RDBStorage
from sqlalchemy import make_url
from torch import Tensor

from schedsearch.cli import main
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Evaluation
from schedsearch.metrics.registry import metrics_for
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.database import sqlite_file
from schedsearch.study.lock import StoreLock
from schedsearch.study.store import Store, sqlite_url
from schedsearch.voice.services import current, using
from vocoder.audio.reading import Clip, write_wav
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.front_end_check.diagnosis import Diagnosis
from vocoder.front_end_check.examination import Effort

pytest_plugins = ["trained_voices"]
# Connections that an earlier test left to the garbage collector may be collected in any test.
NO_WARNINGS = pytest.mark.filterwarnings("error", "ignore::ResourceWarning")


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    """Where the reference vectors stand: the environment variable GOLDEN, else tests/golden."""
    return Path(os.environ.get("GOLDEN", Path(__file__).parent / "golden"))


@pytest.fixture(scope="session", autouse=True)
def _tables_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """New SQLite files begin as copies of one with Optuna's tables. Making tables takes half a second a file, by 26
    commits; alembic reads its fifty scripts again at every opening."""
    real, file = RDBStorage.__init__, tmp_path_factory.mktemp("tables") / "study.db"
    RDBStorage(sqlite_url(file)).engine.dispose()
    tables = file.read_bytes()

    def made(storage: RDBStorage, url: str, *arguments: Any, **options: Any) -> None:
        new = sqlite_file(make_url(url))
        if new is not None and not new.exists():
            with suppress(OSError):  # the real one says what is wrong with the place
                new.write_bytes(tables)
        real(storage, url, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RDBStorage, "__init__", made)
        patch.setattr(alembic.util, "load_python_file", cache(alembic.util.load_python_file))
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by what they ask for, so that no lists of them are needed: reference vectors, or the toy's searches.
    One of several processes takes files with slow tests first, lest one of them be left to it while the others have
    nothing to do."""
    for item in items:
        for fixture, marker in (("golden_folder", "golden"), ("toy", "search")):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    if hasattr(config, "workerinput"):
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        size = Counter(item.path for item in items)
        items.sort(key=lambda item: (-slow[item.path], -size[item.path], str(item.path)))


ANALYTIC = replace(IVANVOVK, name="analytic", reverse=EXACT_DIRECT)


@dataclass(frozen=True)
class LogRms:
    """The analytic vocoder's front end: one channel, the logarithm of the deviation in each hop."""

    sample_rate: int = 16000
    hop_length: int = 64
    n_mels: int = 1
    log_units: tuple[float, ...] = (2.0,)  # ln of power = 2 ln of amplitude

    def __call__(self, audio: Tensor) -> Tensor:
        """audio [clip, samples] -> [clip, 1, samples // hop_length]."""
        frames = audio.unfold(-1, self.hop_length, self.hop_length)
        return 0.5 * frames.square().mean(-1).clamp(min=1e-20).log()[:, None]


@dataclass(frozen=True)
class AnalyticVocoder:
    """The exact noise predictor for x0 ~ N(0, s^2), s = exp(mel) in each hop: no weights, nothing to train.

    E[eps | y] = y sqrt(1 - a) / (a s^2 + 1 - a), a = noise_level^2. Nothing is clipped.
    """

    front_end: LogRms = LogRms()
    dialect: Dialect = ANALYTIC
    weights_hash: str = "analytic"
    device: torch.device = torch.device("cpu")
    autocast: torch.dtype | None = None
    rows: list[int] = field(default_factory=list)  # of each network call

    description = "the analytic vocoder"

    @property
    def sample_rate(self) -> int:
        return self.front_end.sample_rate

    @property
    def hop_length(self) -> int:
        return self.front_end.hop_length

    @property
    def precision(self) -> str:
        return str(self.autocast or "float32").removeprefix("torch.")

    def at_step(self, n: int) -> "AnalyticVocoder":
        return self

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        """y [B, samples], mel [B, 1, frames], noise_level [B] -> eps [B, samples]."""
        self.rows.append(len(y))
        variance = (2 * mel[:, 0]).exp().repeat_interleave(self.hop_length, dim=-1)
        a = noise_level[:, None].square()
        return y * (1 - a).sqrt() / (a * variance + 1 - a)

    def unchanged(self) -> bool:
        return True


@dataclass(frozen=True)
class BrokenVocoder(AnalyticVocoder):
    """Its network returns NaN."""

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        return super().predict_noise(y, mel, noise_level) * float("nan")


@dataclass(frozen=True)
class Toy:
    """A dataset of three noisy search clips and two held-out ones, and the analytic vocoder: a search in a second."""

    root: Path
    vocoder: AnalyticVocoder

    @property
    def folder(self) -> Path:
        """Of the results at six iterations."""
        return self.root / "results" / "toy" / "16000hz" / "6iters"

    def search(self, *options: str) -> int:
        """`schedsearch search` on it by the spectral distance, unless told otherwise: the exit status.

        Its clips are noise, which PESQ, a part of the default objective, is not made for."""
        places = ["--experiments", str(self.root), "--results", str(self.root / "results")]
        return main(["search", "--dataset", "toy", "--objective", "spectral", *places, *options])

    def store(self, *objectives: str, url: str = "") -> Store:
        """What the search at six iterations has stored; `objectives` are spectral alone unless named."""
        url = url or sqlite_url(self.folder / "study.db")
        [summary] = optuna.get_all_study_summaries(optuna.storages.RDBStorage(url))
        return opened_store(url, summary.user_attrs["identity"], dict.fromkeys(objectives or ("spectral",), "minimize"))


def noise_clip(name: str, samples: int, deviation: float = 0.1, *, seed: int = 0) -> Clip:
    """N(0, deviation^2) at 16 kHz: what the analytic vocoder models exactly."""
    audio = torch.randn(samples, generator=torch.Generator().manual_seed(seed))
    return Clip(name, (deviation * audio).clamp(-1, 1), 16000)


def opened_store(url: str, *arguments: Any, **options: Any) -> Store:
    """As a search opens it: with `memory` one that outlives its process."""
    store: Store = (current().open_store or Store)(url, *arguments, **options)
    return store


TOY_TABLE = """
[rates.16000]
checkpoint = "none.pt"
search_clips = "search"
held_out_clips = "held_out"
"""


class Lasting(InMemoryStorage):
    """What `memory` keeps; samplers have in-memory storages too, which die with their process."""


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Storages that outlive their stores and are a hundred times faster than SQLite: one for each URL."""
    kept: dict[str, Lasting] = {}

    class Kept(RDBStorage):
        def __new__(cls, url: str, **_: object) -> Any:
            return kept.setdefault(url, Lasting())

    monkeypatch.setattr(optuna.storages, "RDBStorage", Kept)
    open_store = partial(Store, open_storage=Kept, lock=lambda url: StoreLock("sqlite://"))  # locks nothing
    stand_in(request, open_store=open_store)


@pytest.fixture
def toy(tmp_path: Path, request: pytest.FixtureRequest) -> Toy:
    """A dataset "toy" whose vocoder is the analytic one."""
    return made_toy(tmp_path, request)


def made_toy(root: Path, request: pytest.FixtureRequest) -> Toy:
    """Writes the dataset; until the test ends, or the module for its own fixtures, checkpoints load as its vocoder."""
    toy = Toy(root, AnalyticVocoder())
    (root / "toy.toml").write_text(TOY_TABLE)
    for split, count, first in (("search", 3, 0), ("held_out", 2, 3)):
        for i in range(count):
            clip = noise_clip(f"{split}{i}", 6400 + 640 * i, 0.05 * (i + 1), seed=first + i)
            write_wav(root / split / f"{clip.name}.wav", clip.audio, 16000)
    use_vocoder(request, toy.vocoder)
    return toy


def stand_in(request: pytest.FixtureRequest, **services: Any) -> None:
    """Until the test ends, voices are opened and judged with these instead."""
    inside = using(replace(current(), **services))
    inside.__enter__()
    request.addfinalizer(lambda: inside.__exit__(None, None, None))


def work_alone(request: pytest.FixtureRequest) -> None:
    """PESQ in this process, for starting others takes seconds; pictures are empty, for making them takes longer than a
    short search; the network's limit is not measured, and there is no Distill-MOS, which takes longer than all else."""
    alone = lambda front_end, rate, jobs=1, names=(): metrics_for(front_end, rate, names=names)  # noqa: E731
    stand_in(request, metrics_for=alone, draw=lambda figure: b"", limit_seconds=0.0)
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.setattr("schedsearch.report.page_pictures.spectrograms", lambda *_: None)
    for figure in ("schedules", "convergence", "held_out_differences"):
        patch.setattr(f"schedsearch.report.pictures.writing.{figure}", lambda *_, **__: Figure())
    patch.setattr("schedsearch.metrics.mos.installed", lambda: False)


def use_vocoder(request: pytest.FixtureRequest, vocoder: AnalyticVocoder) -> None:
    """Every checkpoint loads as this one and passes the check before a search, without the network calls that this
    takes."""
    work_alone(request)
    stand_in(
        request,
        load_vocoder=lambda checkpoint, config, device: vocoder,
        fastest=lambda vocoder: vocoder,
        diagnose=lambda vocoder, clips: planted("matches"),
    )


# Of a voice's check: at the levels where a little trained network does best.
QUICK = Effort(screened_pieces=2, screened_levels=(5.0,), pieces=8, levels=(3.0, 5.0, 7.0, 9.0))


def planted(kind: str) -> Diagnosis:
    """What the check of a voice could have found."""
    changes = (("f_min", "80 Hz"),) if kind == "mismatch" else ()
    return Diagnosis(kind, changes, (), 0.3, -0.4, 0.4, 3.0, 2.0, 8, 82, 946, ())  # type: ignore[arg-type]


@pytest.fixture
def diagnosed(request: pytest.FixtureRequest) -> Callable[[str], list[int]]:
    """Makes the check find this kind; the list grows with every measuring, by how many clips it was given."""

    def as_kind(kind: str) -> list[int]:
        calls: list[int] = []

        def diagnose(vocoder: object, clips: list[Clip]) -> Diagnosis:
            calls.append(len(clips))
            return planted(kind)

        stand_in(request, diagnose=diagnose)
        return calls

    return as_kind


def interrupt_at(monkeypatch: pytest.MonkeyPatch, evaluation: int) -> None:
    """Ctrl-C inside the n-th evaluation."""
    real, count = Evaluator.evaluate, iter(range(evaluation))

    def evaluate(self: Evaluator, *arguments: Any, **options: Any) -> list[Evaluation]:
        with suppress(StopIteration):
            next(count)
            return real(self, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Evaluator, "evaluate", evaluate)


def files_below(folder: Path) -> dict[Path, bytes]:
    """Every file with its content: equal before and after says that nothing was written. Of a database what it holds,
    wherever SQLite has it: in the file or still in its log."""
    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".db-" not in path.name}
    return {path: _rows(path) if path.suffix == ".db" else content for path, content in found.items()}


def _rows(database: Path) -> bytes:
    try:
        with closing(sqlite3.connect(database)) as connection:
            return "\n".join(connection.iterdump()).encode()
    except sqlite3.DatabaseError:  # damaged on purpose
        return database.read_bytes()


def _analytic_variance(schedule: NoiseSchedule, deviation: float) -> float:
    """What ancestral sampling from N(0, 1) leaves of the analytic vocoder's variance, in closed form.

    By way of E[x0 | y] = y sqrt(a) s^2 / (a s^2 + 1 - a) and Ho et al. 2020, eq. 7, apart from the sampler's
    own coefficients: the mean is linear in y, so each step's variance is gain^2 times the last plus sigma^2.
    """
    a = schedule.alphas_cumprod
    noise = -np.expm1(schedule.log_alphas_cumprod)
    before = np.concatenate([[1.0], a[:-1]])
    to_x0 = np.sqrt(a) * deviation**2 / (a * deviation**2 + noise)
    gain = schedule.betas * np.sqrt(before) / noise * to_x0 + (1 - before) / noise * np.sqrt(
        1 - schedule.betas
    )
    variance = 1.0
    for n in reversed(range(len(schedule))):
        variance = gain[n] ** 2 * variance + schedule.sigma[n] ** 2
    return float(variance)


@pytest.fixture(scope="session")
def analytic_vocoder() -> AnalyticVocoder:
    return AnalyticVocoder()


@pytest.fixture(scope="session")
def analytic_variance() -> Callable[[NoiseSchedule, float], float]:
    """(schedule, s) -> the variance that sampling the analytic vocoder leaves."""
    return _analytic_variance
