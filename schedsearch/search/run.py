"""One run: takes a voice and its settings to a verdict, and resumes wherever it stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from schedsearch.evaluation.bootstrap import COVERAGE
from schedsearch.evaluation.draws import further_rounds, held_out_draws
from schedsearch.evaluation.estimates import BETWEEN
from schedsearch.evaluation.evaluator import Evaluator, Keep
from schedsearch.metrics import mos
from schedsearch.metrics.registry import Metric, columns_with, objective
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace, space_for
from schedsearch.search.heard import Rounds, heard
from schedsearch.search.leaders import are_decided, expected_best, finalists, score_leaders
from schedsearch.search.loop import Progress, score_baselines, search
from schedsearch.search.network_limit import LimitBench, NetworkLimit, excerpt_bench, whole_bench
from schedsearch.search.race import Race, level_of, split_into_heats
from schedsearch.search.settings import Settings, results_folder
from schedsearch.search.strategy_factory import ENDING, GRID, STRATEGIES, Tools, shares_network_calls, surrogate
from schedsearch.search.verdict import Verdict, judge, judged, verdict, winner_and_baseline
from schedsearch.search.warm_starts import neighbours, stored_starts
from schedsearch.strategies.auto import MODELLED
from schedsearch.strategies.strategy import Strategy
from schedsearch.strategies.surrogate import settled
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.ranking import best, spent
from schedsearch.study.store import Store
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import SearchClips, held_out_noise
from vocoder.audio.reading import Clip, mean_samples
from vocoder.vocoder import Vocoder, in_precision

GAIN = "gain left"  # the store's key for what a search that ended by itself could still gain
EXHAUSTED = "nothing left to propose"  # the store's key for when a grid came to its end
_STRATEGIES = "strategies"  # the store's key for the names of those that worked
_GRID = "grid"  # and for the grid that was last begun


@dataclass(frozen=True)
class Run:
    """A voice opened for a search, with everything made once."""

    voice: Voice
    settings: Settings
    vocoder: Vocoder
    clips: SearchClips
    store: Store

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Returns all metrics of the verdict by name."""
        names = columns_with(*self.settings.objectives)
        make = self.voice.services.metrics_for
        return make(self.vocoder.front_end, self.vocoder.sample_rate, jobs=self.settings.jobs, names=names)

    @property
    def folder(self) -> Path:
        """Returns the folder of this search's results."""
        return results_folder(self.voice, self.settings)

    @cached_property
    def space(self) -> ScheduleSpace:
        """Returns the space that is searched."""
        return space_for(self.settings.iterations)

    @cached_property
    def objectives(self) -> list[Metric]:
        """Returns the metrics that the search optimises, the one that decides first."""
        return [objective(name, self.metrics) for name in self.settings.objectives]

    @cached_property
    def race(self) -> Race:
        """The heats of the search clips. Only a single objective has a best candidate to race against."""
        settings, store = self.settings, self.store
        stops = settings.race and len(self.objectives) == 1
        evaluators = [self.evaluator(clips) for clips in split_into_heats(self.clips.excerpts, stops)]
        shared = shares_network_calls(settings.strategy, settings.grid)
        sign = store.signs[store.objective]
        level = level_of(settings.iterations)
        return Race(evaluators, store.objective, sign, stops=stops, shared=shared, level=level)

    @property
    def leader_clips(self) -> tuple[Clip, ...]:
        """The excerpts that further rounds are on. In a study of an earlier version they are the candidates' own."""
        is_earlier = any(baseline.score.values.shape[1] > 1 for baseline in self.store.baselines())
        return self.clips.excerpts if is_earlier else self.clips.longer

    @property
    def rounds(self) -> Rounds:
        """Returns the rounds of scoring that leaders may have."""
        weight = mean_samples(self.leader_clips) / mean_samples(self.clips.excerpts)
        return Rounds(further_rounds(self.settings.iterations), weight, self._quiet_part)

    @property
    def held_out_draws(self) -> tuple[int, ...]:
        """Returns the noise draws of each held-out clip."""
        return held_out_draws(self.settings.iterations)

    @property
    def exact(self) -> "Run":
        """Returns this run in float32, which users will hear. A search may run in a faster precision."""
        return replace(self, vocoder=in_precision(self.vocoder, None))

    @property
    def _quiet_part(self) -> str:
        """The part of a single objective that is scored as well; "" where there is none."""
        return self.objectives[0].quiet_part if len(self.objectives) == 1 else ""

    def evaluator(self, clips: Sequence[Clip]) -> Evaluator:
        """Returns an evaluator of the objectives and their quiet part on these clips, with the noise of the search."""
        parts = [self.metrics[self._quiet_part]] if self._quiet_part else []
        return Evaluator(self.vocoder, clips, [*self.objectives, *parts], NoiseBank(self.settings.seed))

    # --- stages -------------------------------------------------------------------------------------------------------

    def steps(self, budget: Budget, keep: Keep | None = None) -> Iterator[Progress]:
        """Does all that is still to do. Yields after each batch, and before a stage: its first batch may take minutes.

        `keep` is handed the audio of the held-out clips that are scored.
        """
        strategy = self.strategy(budget)
        if not self.store.baselines():
            yield Progress("baselines", 0.0, None)
        self._remember_strategy(budget)
        if self.has_ended(budget):
            yield from score_baselines(self.store, self.race, self.space.steps)  # that came with an update
        else:
            for progress in search(self.store, self.race, self.space, strategy, budget):
                yield replace(progress, best=self._leading()) if progress.stage in MODELLED else progress
            self.remember_gain(budget)
            self._remember_exhausted(strategy)
        for progress in self._judged(keep):
            yield replace(progress, best=self._leading())
        shipped = self.verdict().shipped
        bench = excerpt_bench(self.limit_bench)
        yield from bench.steps(shipped.name, shipped.schedule, self.voice.services.limit_seconds)
        if not self.vocoder.unchanged():
            raise AssertionError("the frozen vocoder's weights changed during the search")

    def verdict(self) -> Verdict:
        """Returns what ships, after `steps` is exhausted."""
        ranked = finalists(self.store, self.rounds)
        metrics = list(self.metrics.values())
        if not self._has_scores(winner_and_baseline(self.store, ranked)):
            metrics = [metric for metric in metrics if metric.name != mos.NAME]  # it was installed after the search
        return verdict(self.store, ranked, metrics, self.held_out_draws, seed=self.settings.seed)

    @property
    def limit_bench(self) -> LimitBench:
        """The held-out clips on which the network's limit is measured."""
        folder = self.settings.results / self.voice.label
        return whole_bench(self.exact.vocoder, self.clips.held_out, self.metrics, folder)

    def network_limit(self, shipped: NoiseSchedule) -> NetworkLimit | None:
        """Returns what ships beside what the network can do, on whole clips if that was measured, else on excerpts."""
        whole = self.limit_bench
        return whole.limit(shipped) or excerpt_bench(whole).limit(shipped)

    def is_judged(self) -> bool:
        """Says whether nothing is left for the leaders and the held-out clips; after the first verdict."""
        return are_decided(self.store, self.rounds) and self._has_scores(self._pair())

    def _judged(self, keep: Keep | None) -> Iterator[Progress]:
        """Has leaders hear further draws, then scores winner and baseline on the held-out clips.

        Begins anew where another process has meanwhile added to the search, and so changed its leaders.
        """
        metrics = list(self.metrics.values())
        held_out = Evaluator(self.exact.vocoder, self.clips.held_out, metrics, held_out_noise(self.settings.seed))
        first, further = self.evaluator(self.clips.excerpts), self.evaluator(self.leader_clips)
        while not self.is_judged():
            if not are_decided(self.store, self.rounds):
                yield Progress("leaders", 0.0, None)
            yield from score_leaders(self.store, self.rounds, first, further)
            pair = self._pair()
            if not self._has_scores(pair):
                yield Progress("held-out clips", 0.0, None)
            yield from judge(self.store, pair, held_out, self.held_out_draws, keep)

    def _leading(self) -> Candidate | None:
        """Returns the expected best so far, given the scores of all schedules; the best score, where these are few."""
        known = heard(self.store, self.rounds)
        is_one = len(self.objectives) == 1
        return expected_best(known) if is_one and len(known.candidates) > 1 else best(self.store)

    def _pair(self) -> list[Candidate]:
        """Returns the winner and the best baseline."""
        return winner_and_baseline(self.store, finalists(self.store, self.rounds))

    def _has_scores(self, pair: Sequence[Candidate]) -> bool:
        """Says whether the pair was scored on the held-out clips."""
        return judged(self.store, pair, tuple(self.metrics), self.held_out_draws) is not None

    # --- strategies ---------------------------------------------------------------------------------------------------

    @property
    def strategies(self) -> list[str]:
        """The strategies that had a part of the budget to spend, in order. Strategies share a study."""
        return list(self.store.recall(_STRATEGIES) or [self.settings.strategy])

    @property
    def grid(self) -> str:
        """The grid that was last begun; that of the settings where none was."""
        return str(self.store.recall(_GRID) or self.settings.grid)

    def strategy(self, budget: Budget) -> Strategy:
        """Builds the chosen strategy."""
        return STRATEGIES[self.settings.strategy](self._tools(budget))

    def _tools(self, budget: Budget) -> Tools:
        """Returns what strategies are built from."""
        settings = self.settings
        warm_starts = stored_starts(
            self.store,
            budget,
            lambda: neighbours(settings.results, self.voice.label, self.space),
        )
        return Tools(
            store=self.store,
            space=self.space,
            seed=settings.seed,
            scored=lambda: heard(self.store, self.rounds).scored,
            worth=self._told_apart if budget.is_open else None,
            warm_starts=warm_starts,
            grid=settings.grid,
        )

    def _told_apart(self, pair: float) -> float:
        """Takes the variance of a pair of search clip and draw; returns a quarter of the held-out interval's width.

        A mean over a longer clip is quieter, in proportion to its length.
        """
        clips, draws = len(self.clips.held_out), len(self.held_out_draws)
        shorter = mean_samples(self.clips.excerpts) / mean_samples(self.clips.held_out)
        return float(0.98 * np.sqrt(2 * pair * (BETWEEN + (1 - BETWEEN) / draws) / clips * shorter))

    def remember_gain(self, budget: Budget) -> None:
        """Stores what further candidates could gain, where the model has ended the search."""
        count, is_modelled = len(self.store.candidates()), self.settings.strategy in ENDING
        if not budget.is_open or not is_modelled or count < settled(self.space.steps) or spent(self.store, budget) >= 1:
            return
        gain = surrogate(self._tools(budget)).gain()
        if gain is not None:
            left = {"mean": gain.mean, "bound": gain.bound, "sure": COVERAGE}
            self.store.remember(GAIN, {"candidates": count, "strategy": self.settings.strategy, **left})

    def has_ended(self, budget: Budget) -> bool:
        """Says whether the model or a grid's end has ended the search.

        The model is not asked again: it would know the leaders' further rounds by now, and might want more.
        """
        ended = (self.store.recall(GAIN) or {}) if budget.is_open else {}
        now = {"candidates": len(self.store.candidates()), "strategy": self.settings.strategy}
        return {name: ended.get(name) for name in now} == now or self.is_exhausted()

    def is_exhausted(self) -> bool:
        """Says whether all of the grid was scored, and nothing since."""
        return self.settings.strategy == GRID and self.exhausted_grid() == self.settings.grid

    def exhausted_grid(self) -> str:
        """Returns the grid that was scored whole, and nothing since; empty where there is none."""
        ended = self.store.recall(EXHAUSTED) or {}
        return str(ended["grid"]) if ended.get("candidates") == len(self.store.candidates()) else ""

    def _remember_exhausted(self, strategy: Strategy) -> None:
        if self.settings.strategy == GRID and not strategy.ask(1):
            self.store.remember(EXHAUSTED, {"grid": self.settings.grid, "candidates": len(self.store.candidates())})

    def _remember_strategy(self, budget: Budget) -> None:
        with self.store.turn():
            known, name = self.store.recall(_STRATEGIES) or [], self.settings.strategy
            if name not in known and spent(self.store, budget) < 1:
                self.store.remember(_STRATEGIES, [*known, name])
            if name == GRID:
                self.store.remember(_GRID, self.settings.grid)
