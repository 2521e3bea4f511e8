"""The commands for Python: a voice is opened once, then scores, synthesises and searches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from torch import Tensor

from schedsearch.arguments import sample_rate
from schedsearch.evaluation.draws import held_out_draws, search_draws
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import DEFAULT_COLUMNS, DEFAULT_OBJECTIVE
from schedsearch.metrics.trial import try_own_metrics
from schedsearch.python_arguments import clips_of, draws_of, folder, names_of, seed_of, sound, text, whole
from schedsearch.report.pages import write_run_page
from schedsearch.report.rendering import Kept, keeping
from schedsearch.report.result import Result, read_result
from schedsearch.report.results_folder import owned, write_results
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.synthesis import copy_synthesis, synthesise
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LONGEST_SEARCH, USUAL_LENGTH
from schedsearch.search.asked_budget import AskedBudget, begin, end
from schedsearch.search.loop import Progress
from schedsearch.search.opening import open_checked
from schedsearch.search.settings import Settings
from schedsearch.study.budget import parse_budget
from schedsearch.voice.config import EXPERIMENTS, Voice, load_voice
from schedsearch.voice.opened import held_out_clips, held_out_noise, open_vocoder, search_excerpts
from vocoder.audio.reading import Clip, read_audio
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder, in_precision

Split = Literal["held_out", "search"]


def open_voice(dataset: str = "demo", rate: int | None = None, *, experiments: str | Path = EXPERIMENTS) -> "OpenVoice":
    """Opens the voice of `experiments`/<dataset>.toml at `rate` Hz, or at its only rate, and loads its network.

    InputError in one line for an unknown dataset and for whatever is wrong with its checkpoint.
    """
    hertz = None if rate is None else sample_rate(str(rate))
    voice = load_voice(text(dataset, "dataset", "demo"), hertz, experiments=folder(experiments, "experiments"))
    return OpenVoice(voice, open_vocoder(voice))


@dataclass(frozen=True)
class OpenVoice:
    """A dataset's frozen vocoder and clips. In the examples `voice` is an OpenVoice and `folder` an empty folder.

    >>> import schedsearch
    >>> six = schedsearch.log_snr_line(6, 10.0, -4.0)
    >>> voice.sample_rate
    16000
    """

    voice: Voice
    vocoder: Vocoder

    @property
    def sample_rate(self) -> int:
        """The sample rate in Hz."""
        return self.vocoder.sample_rate

    @cached_property
    def search_clips(self) -> tuple[Clip, ...]:
        """A typical 0.8 s of every search clip: the clips of a search with seed 0.

        >>> [clip.name for clip in voice.search_clips]
        ['search1', 'search2', 'search0']
        """
        return search_excerpts(self.voice, self.vocoder, seed=0)

    @cached_property
    def held_out_clips(self) -> tuple[Clip, ...]:
        """The clips that judge a winner: every held-out clip, at most 10 s of it."""
        return held_out_clips(self.voice, self.vocoder)

    def score(
        self,
        schedule: NoiseSchedule,
        *,
        metrics: Sequence[str] = DEFAULT_COLUMNS,
        clips: Split | Sequence[Clip] = "held_out",
        draws: int | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Scores a schedule in float32. Returns one row a metric.

        `metrics` are names, or package.module:function for one of your own. The columns are the mean, its standard
        error over clips, and the numbers of clips, noise draws and failures. A mean is NaN as soon as one clip failed.
        On "held_out" the noise is that of a verdict with this seed, elsewhere that of a search; `draws` is the number
        that these take at this length unless given.

        >>> table = voice.score(six, metrics=["log_mel_l1", "lsd"])
        >>> table.columns.tolist()
        ['mean', 'standard_error', 'clips', 'draws', 'failures']
        >>> bool(table.loc["log_mel_l1", "mean"] < voice.score(schedsearch.log_snr_line(6, 4.0, 0.0)).iloc[0, 0])
        True
        """
        names = names_of(metrics)
        _check_schedule(schedule)
        chosen = list(self.voice.services.metrics_for(self.vocoder.front_end, self.sample_rate, names=names).values())
        is_held_out = isinstance(clips, str) and clips == "held_out"
        seed = seed_of(seed)
        bank = held_out_noise(seed) if is_held_out else NoiseBank(seed)
        usual_draws = held_out_draws if is_held_out else search_draws
        scored_draws = usual_draws(len(schedule)) if draws is None else draws_of(draws)
        scored_clips = self._clips(clips)
        try_own_metrics(chosen, scored_clips)
        evaluator = Evaluator(in_precision(self.vocoder, None), scored_clips, chosen, bank)
        scores = evaluator.evaluate([schedule], scored_draws)[0].scores
        return pd.DataFrame.from_dict({name: _row(score) for name, score in scores.items()}, orient="index")

    def synthesise(
        self, source: "Clip | Tensor | np.ndarray[Any, Any] | str | Path", schedule: NoiseSchedule, *, seed: int = 0
    ) -> Tensor:
        """Synthesises audio [samples] of any length, float32 on the CPU, from a mel or from the mel of a recording.

        `source` is a Clip, a file, audio [samples] in -1..1 at the voice's rate, or a mel [n_mels, frames] of the
        voice's front end.

        >>> audio = voice.synthesise(voice.held_out_clips[0], six)
        >>> len(audio) == len(voice.held_out_clips[0].audio)
        True
        """
        _check_schedule(schedule)
        seed = seed_of(seed)
        if isinstance(source, str | Path):
            source = read_audio(source, sample_rate=None)
        if isinstance(source, Clip):
            [clip] = clips_of([source], self.sample_rate)
            return copy_synthesis(self.vocoder, clip, schedule, seed=seed).cpu()
        array = sound(source)
        if array.dim() == 1:
            return copy_synthesis(self.vocoder, Clip("", array, self.sample_rate), schedule, seed=seed).cpu()
        return synthesise(self.vocoder, array, schedule, seed=seed).cpu()

    def search(
        self,
        *,
        iterations: int = USUAL_LENGTH,
        budget: str | None = None,
        objective: str = DEFAULT_OBJECTIVE,
        strategy: str = "auto",
        seed: int = 0,
        results: str | Path = "results",
        force: bool = False,
        tell: Callable[[Progress], object] | None = None,
    ) -> Result:
        """Searches, or resumes the same search, and writes the results folder as `make search` does.

        `tell` is called after each batch and each clip of the page. The first search of a voice checks its weights and
        front end. InputError says what is wrong with them; with `force` the search goes on all the same.

        >>> result = voice.search(iterations=3, budget="2candidates", objective="spectral", results=folder)
        >>> len(result.schedule), result.verdict["metric"], result.verdict["winner"]["clips"]
        (3, 'spectral', 2)
        >>> schedsearch.read_result(result.folder).schedule == result.schedule
        True
        >>> schedsearch.read_schedule(result.folder / "schedule.lmnt.npy") == result.schedule
        True
        """
        settings = Settings(
            whole(iterations, "iterations", least=1, most=LONGEST_SEARCH),
            strategy=text(strategy, "strategy", "auto"),
            objective=text(objective, "objective", DEFAULT_OBJECTIVE),
            seed=seed_of(seed),
            results=folder(results, "results"),
        )
        wanted = None if budget is None else parse_budget(text(budget, "budget", "80candidates"))
        tell = tell or (lambda progress: None)
        opened = open_checked(self.voice, settings, force=force, tell=lambda line: None)
        with opened.store.using():
            until = begin(opened.store, AskedBudget(settings.iterations, wanted, grid=settings.searched_grid))
            kept: Kept = {}
            _each(opened.steps(until, keeping(opened, kept)), tell)
            verdict = opened.verdict()
            with owned(opened.folder):
                write_results(opened, verdict, until)
                write_run_page(opened, verdict, show=lambda what, steps: _each(steps, tell), kept=kept)
            end(opened.store, until)
        return read_result(opened.folder)

    def _clips(self, clips: Split | Sequence[Clip]) -> Sequence[Clip]:
        if not isinstance(clips, str):
            return clips_of(clips, self.sample_rate)
        if clips not in ("held_out", "search"):
            raise InputError(f"clips must be 'held_out', 'search' or a list of clips, and is {clips!r}; give one")
        return self.held_out_clips if clips == "held_out" else self.search_clips


def _each(steps: Iterator[Progress], tell: Callable[[Progress], object]) -> None:
    for progress in steps:
        tell(progress)


def _check_schedule(schedule: object) -> None:
    if not isinstance(schedule, NoiseSchedule):
        raise InputError(
            f"a schedule must be a NoiseSchedule, and is a {type(schedule).__name__}; "
            "make one with NoiseSchedule(betas), or read_schedule(file)"
        )


def _row(score: Score) -> dict[str, float]:
    clips, draws = score.values.shape
    return {
        "mean": score.mean,
        "standard_error": score.standard_error,
        "clips": clips,
        "draws": draws,
        "failures": len(score.failures),
    }
