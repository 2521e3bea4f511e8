"""A study's proposals as Optuna trials: RUNNING while they are evaluated, then COMPLETE, PRUNED or FAIL."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.study.candidate import candidate_from
from schedsearch.study.results import Results

WINDOW = 1000  # ids: trials older than so many are read again one by one
NEAR = 1e-3  # in log-SNR: a trial shows a schedule's point of the box if the two differ by no more

# What a write to a finished trial raises. Before Optuna 4.3 it has no name of its own.
FinishedTrialError: type[Exception] = getattr(optuna.exceptions, "UpdateFinishedTrialError", RuntimeError)

REPLACES = "instead of"  # a trial's attribute: the number of the orphan that it replaces
_KINDS = {"index": int, "first": int, "size": int, "batch": str, "claim": str, "owner": str, "kind": str, "betas": list}


class Trials:
    """The trials of one study.

    Reading a database takes longer than scoring a clip. So only new and unfinished trials are read again, and only
    after a write of this process and after `forget`. A finished trial never changes.
    """

    def __init__(
        self,
        study: optuna.Study,
        storage: optuna.storages.BaseStorage,
        objectives: Mapping[str, int],
        reading: Callable[[], AbstractContextManager[None]],
        replaced: Callable[[], Exception],
    ) -> None:
        """Takes objectives with their signs, 1 where less is better.

        Inside `reading`, errors are those of a damaged store.

        `replaced` returns the error for a store in which trials that were read are no longer.
        """
        self._replaced = replaced
        self._study, self._storage, self._objectives, self._reading = study, storage, list(objectives), reading
        self._results = Results(next(iter(objectives.values())))
        self._trials: dict[int, FrozenTrial] = {}  # by id, as last read; ids rise with numbers
        self._running: set[int] = set()  # ids
        self._scored: set[int] = set()  # ids of those among the results
        self._newest: FrozenTrial | None = None  # of the highest id read, perhaps another tool's
        self._is_current = False

    def forget(self) -> None:
        """Has new and unfinished trials read again when they are next needed."""
        self._is_current = False

    def all(self) -> list[FrozenTrial]:
        """Returns this program's trials: other tools may have added theirs to the study."""
        self._read()
        return [self._trials[trial] for trial in sorted(self._trials)]

    def running(self) -> list[FrozenTrial]:
        """Returns the trials without an end."""
        self._read()
        return [self._trials[trial] for trial in sorted(self._running)]

    def results(self) -> Results:
        """Returns the candidates that have been evaluated, failed ones included."""
        self._read()
        return self._results

    def next_index(self) -> int:
        """Returns one more than the highest index of a proposal that is scored or being evaluated."""
        running = [int(trial.user_attrs["index"]) for trial in self.running()]
        return max(self.results().next_index(), 1 + max(running, default=-1))

    def _read(self) -> None:
        if self._is_current:
            return
        with self._reading():
            for trial in self._changed():
                if self._newest is None or trial._trial_id > self._newest._trial_id:
                    self._newest = trial
                if "index" in trial.user_attrs:
                    self._keep(_checked(trial))
        self._is_current = True

    def _changed(self) -> list[FrozenTrial]:
        """Reads the newest trial, later ones and unfinished ones, which are nearly always few: it is one query."""
        newest = -1 if self._newest is None else self._newest._trial_id
        old = [trial for trial in sorted(self._running) if trial <= newest - WINDOW]
        recent = self._since(min((trial for trial in self._running if trial > newest - WINDOW), default=newest))
        if self._newest is not None and not any(_is_same(trial, self._newest) for trial in recent):
            raise self._replaced()  # a backup copied over the file keeps its inode
        return [*(self._storage.get_trial(trial) for trial in old), *recent]

    def _since(self, first: int) -> list[FrozenTrial]:
        """Reads the study's trials from this id on. Optuna has no public way that does not go through all."""
        if isinstance(self._storage, RDBStorage):
            return self._storage._get_trials(self._study._study_id, None, set(), first - 1)
        return [trial for trial in self._study.get_trials(deepcopy=False) if trial._trial_id >= first]

    def _keep(self, trial: FrozenTrial) -> None:
        self._trials[trial._trial_id] = trial
        (self._running.discard if trial.state.is_finished() else self._running.add)(trial._trial_id)
        if "result" in trial.user_attrs and trial._trial_id not in self._scored:
            self._scored.add(trial._trial_id)
            name = f"trial {trial.user_attrs['index']}"
            self._results.add(candidate_from(name, trial.user_attrs, self._objectives), trial.number)

    def add(self, point: Mapping[str, float], attributes: Mapping[str, Any]) -> None:
        """Stores a RUNNING trial."""
        distributions: dict[str, BaseDistribution] = {name: FloatDistribution(0.0, 1.0) for name in point}
        self.forget()
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=dict(point),
                distributions=distributions,
                user_attrs=dict(attributes),
            )
        )

    def write(self, trial: FrozenTrial, key: str, value: Any) -> None:
        """Stores an attribute of a RUNNING trial; raises FinishedTrialError for another."""
        self.forget()
        self._storage.set_trial_user_attr(trial._trial_id, key, value)

    def end(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Ends a trial as its result says: failed candidates FAIL, those that a race stopped are PRUNED."""
        with self._reading():
            candidate = candidate_from("", attributes, self._objectives)
        if candidate.failures:
            self.fail(number)
            return
        if candidate.stopped:
            self._tell(number, None, TrialState.PRUNED)
            return
        others = [candidate.scores[name].mean for name in self._objectives[1:]]
        self._tell(number, [candidate.mean, *others], None)

    def fail(self, number: int) -> None:
        """Ends a trial as FAIL; one that has ended stays as it is."""
        self._tell(number, None, TrialState.FAIL)

    def _tell(self, number: int, values: Sequence[float] | None, state: TrialState | None) -> None:
        self.forget()
        with self._reading():
            self._study.tell(number, values, state=state, skip_if_finished=True)


def _is_same(trial: FrozenTrial, earlier: FrozenTrial) -> bool:
    return trial._trial_id == earlier._trial_id and trial.datetime_start == earlier.datetime_start


def _checked(trial: FrozenTrial) -> FrozenTrial:
    """Raises TypeError or KeyError unless the attributes that claims are made of have their kinds."""
    for key, kind in _KINDS.items():
        if not isinstance(trial.user_attrs[key], kind):
            raise TypeError(f"{key} of trial {trial.number} is {trial.user_attrs[key]!r}")
    int(trial.user_attrs.get(REPLACES, 0))
    stored_schedule(trial)
    return trial


def stored_schedule(trial: FrozenTrial) -> NoiseSchedule:
    """Returns the trial's schedule, exact to the last bit."""
    return NoiseSchedule(trial.user_attrs["betas"])


def shown_point(space: ScheduleSpace, schedule: NoiseSchedule) -> dict[str, float]:
    """Returns the schedule's point of the box, for Optuna's own tools; {} for a schedule outside the box."""
    clipped = space.clip(schedule)
    if clipped.moved > NEAR:
        return {}
    return {f"u{i:02d}": float(u) for i, u in enumerate(space.encode(clipped.schedule))}
