"""One run: a voice and its settings -> a filled results folder, resumed wherever it stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from schedsearch.evaluation.draws import finalist_draws, held_out_draws
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import Metric, columns_with, objective
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace, space_for
from schedsearch.search.finalists import all_rescored, rescore_finalists
from schedsearch.search.loop import Progress, search
from schedsearch.search.race import LEAST_PAIRS, Race
from schedsearch.search.settings import Settings, results_folder
from schedsearch.search.strategy_factory import Tools, shares_network_calls, strategy_for
from schedsearch.search.verdict import Verdict, judge, judged, verdict
from schedsearch.search.warm_starts import neighbours, origin_key
from schedsearch.strategies.strategy import Strategy
from schedsearch.study.budget import Budget
from schedsearch.study.ranking import best, spent
from schedsearch.study.store import Store
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import held_out_noise
from vocoder.audio.reading import Clip
from vocoder.vocoder import Vocoder, in_precision

HEATS = 3  # of a race


_STARTS_OF = "warm starts of"  # under it the store keeps the budget that they were last looked for
_STRATEGIES = "strategies"  # under it those that worked


@dataclass(frozen=True)
class Run:
    """A voice opened for a search, with everything made once."""

    voice: Voice
    settings: Settings
    vocoder: Vocoder
    search_clips: tuple[Clip, ...]
    held_out_clips: tuple[Clip, ...]
    store: Store
    draws: tuple[int, ...]  # of noise for each search clip

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """By name."""
        names = columns_with(*self.settings.objectives)
        make = self.voice.services.metrics_for
        return make(self.vocoder.front_end, self.vocoder.sample_rate, jobs=self.settings.jobs, names=names)

    @property
    def folder(self) -> Path:
        """Where this run's results stand."""
        return results_folder(self.voice, self.settings)

    @cached_property
    def space(self) -> ScheduleSpace:
        """What is searched."""
        return space_for(self.settings.iterations)

    @cached_property
    def searched(self) -> list[Metric]:
        """The objectives."""
        return [objective(name, self.metrics) for name in self.settings.objectives]

    @cached_property
    def race(self) -> Race:
        """The heats of the search clips, and what decides."""
        settings, sign = self.settings, self.store.signs[self.store.objective]
        evaluators = [self.evaluator(clips) for clips in _heats(self.search_clips, self.racing)]
        shared = shares_network_calls(settings.strategy, settings.grid)
        return Race(evaluators, self.store.objective, sign, self.draws, stops=self.racing, shared=shared)

    @property
    def racing(self) -> bool:
        """One objective alone has a best to race against."""
        return self.settings.race and len(self.searched) == 1

    def steps(self, budget: Budget) -> Iterator[Progress]:
        """All that is still to do, yielding after each batch, and before the first of what may take minutes."""
        strategy = self.strategy(budget)  # or its refusal
        if not self.store.baselines():
            yield Progress("baselines", 0.0, None)
        self._remember_strategy(budget)
        yield from search(self.store, self.race, self.space, strategy, budget)
        metrics = list(self.metrics.values())
        held_out = Evaluator(self.exact.vocoder, self.held_out_clips, metrics, held_out_noise(self.settings.seed))
        settled = False
        while not settled:  # once, unless another process, told to add to the search, moves its end meanwhile
            if not all_rescored(self.store):
                yield Progress("finalists", 0.0, best(self.store))
            yield from self.rescored()
            if not judged(self.store, held_out.metric_names, self.held_out_draws):
                yield Progress("held-out clips", 0.0, best(self.store))
            yield from judge(self.store, held_out, self.held_out_draws)
            settled = all_rescored(self.store) and judged(self.store, held_out.metric_names, self.held_out_draws)
        if not self.vocoder.unchanged():
            raise AssertionError("the frozen vocoder's weights changed during the search")

    @property
    def held_out_draws(self) -> tuple[int, ...]:
        """Of noise for each held-out clip."""
        return held_out_draws(self.settings.iterations)

    def rescored(self) -> Iterator[Progress]:
        """The finalists, in float32 and on fresh noise."""
        evaluator = self.exact.evaluator(self.search_clips)
        return rescore_finalists(self.store, evaluator, finalist_draws(self.settings.iterations))

    @property
    def exact(self) -> "Run":
        """The same in float32, as users will hear it: a search may run in a precision that is faster here."""
        return replace(self, vocoder=in_precision(self.vocoder, None))

    def strategy(self, budget: Budget) -> Strategy:
        """The chosen one, built for this run."""
        return strategy_for(self.settings.strategy, self.tools(budget))

    @property
    def strategies(self) -> list[str]:
        """Those that had a part of the budget to spend, in order: strategies share a study."""
        return list(self.store.recall(_STRATEGIES) or [self.settings.strategy])

    def _remember_strategy(self, budget: Budget) -> None:
        with self.store.turn():
            known, name = self.store.recall(_STRATEGIES) or [], self.settings.strategy
            if name not in known and spent(self.store, budget) < 1:
                self.store.remember(_STRATEGIES, [*known, name])

    def tools(self, budget: Budget) -> Tools:
        """What strategies are built from; those that run the network themselves do so on the first heat's clips."""
        return Tools(
            store=self.store,
            vocoder=self.vocoder,
            space=self.space,
            seed=self.settings.seed,
            noise=NoiseBank(self.settings.seed),
            groups=self.race.heats[0].groups,
            distance=self.searched[0].distance,
            spent=lambda: spent(self.store, budget),
            warm_starts=self._warm_starts(budget),
            grid=self.settings.grid,
        )

    def evaluator(self, clips: Sequence[Clip]) -> Evaluator:
        """Scores the objectives on these clips, in the search's noise."""
        return Evaluator(self.vocoder, clips, self.searched, NoiseBank(self.settings.seed))

    def _warm_starts(self, budget: Budget) -> list[NoiseSchedule]:
        """Neighbours' winners, as they stood when work on this budget began, so that a resumed run begins alike; what
        a search is given more budget for comes after those of before."""
        with self.store.turn():
            kept = [NoiseSchedule(betas) for betas in self.store.recall("warm starts") or []]
            if self.store.recall(_STARTS_OF) == str(budget):
                return kept
            found = neighbours(self.settings.results, self.voice.dataset, self.voice.sample_rate, self.space)
            schedules = list(dict.fromkeys([*kept, *(start.schedule for start in found)]))
            self.store.remember("warm starts", [schedule.betas.tolist() for schedule in schedules])
            self.store.remember(_STARTS_OF, str(budget))
            for start in found:
                self.store.remember(origin_key(start.schedule), start.name)
        return schedules

    def verdict(self) -> Verdict:
        """What ships; after `steps` is exhausted."""
        return verdict(self.store, list(self.metrics.values()), self.held_out_draws, seed=self.settings.seed)


def _heats(clips: Sequence[Clip], racing: bool) -> list[Sequence[Clip]]:
    """Consecutive parts, none of fewer clips than a test needs."""
    heats = min(HEATS, len(clips) // LEAST_PAIRS) if racing else 1
    ends = [round(len(clips) * (i + 1) / max(1, heats)) for i in range(max(1, heats))]
    return [clips[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
