"""A study's proposals as Optuna trials: RUNNING while they are evaluated, then COMPLETE, PRUNED or FAIL."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.study.candidate import Candidate, candidate_from

NEAR = 1e-3  # in log-SNR: a trial shows a schedule's point of the box if the two differ by no more

REPLACES = "instead of"  # a trial's attribute: the number of the orphan that it replaces
_KINDS = {"index": int, "first": int, "size": int, "batch": str, "claim": str, "owner": str, "kind": str, "betas": list}


class Trials:
    """The trials of one study.

    Reading a database takes longer than scoring a clip. So trials are read again only after a write of this process
    and after `forget`.
    """

    def __init__(
        self,
        study: optuna.Study,
        storage: optuna.storages.BaseStorage,
        objectives: Sequence[str],
        reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Inside `reading`, errors are those of a damaged store."""
        self._study, self._storage, self._objectives, self._reading = study, storage, objectives, reading
        self._read: list[FrozenTrial] | None = None

    def forget(self) -> None:
        """Has trials read again when they are next needed."""
        self._read = None

    def all(self) -> list[FrozenTrial]:
        """Returns this program's trials: other tools may have added theirs to the study."""
        if self._read is None:
            with self._reading():
                stored = self._study.get_trials(deepcopy=False)
                self._read = [_checked(trial) for trial in stored if "index" in trial.user_attrs]
        return self._read

    def running(self) -> list[FrozenTrial]:
        """Returns the trials without an end."""
        return [trial for trial in self.all() if trial.state == TrialState.RUNNING]

    def next_index(self) -> int:
        """Returns one more than the highest index of a proposal that is scored or being evaluated."""
        counted = [t for t in self.all() if t.state == TrialState.RUNNING or "result" in t.user_attrs]
        return 1 + max((t.user_attrs["index"] for t in counted), default=-1)

    def candidates(self) -> list[Candidate]:
        """Returns evaluated proposals by index, failed ones included; of two trials with one index, the first."""
        scored = {t.user_attrs["index"]: t.user_attrs for t in reversed(self.all()) if "result" in t.user_attrs}
        with self._reading():
            return [candidate_from(f"trial {index}", scored[index], self._objectives) for index in sorted(scored)]

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
        """Stores an attribute of a RUNNING trial; raises UpdateFinishedTrialError for another."""
        self.forget()
        self._storage.set_trial_user_attr(trial._trial_id, key, value)

    def end(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Ends a trial as its result says: failed candidates FAIL, those that a race stopped are PRUNED."""
        with self._reading():
            candidate = candidate_from("", attributes, self._objectives)
        if candidate.failures:
            self.fail(number)
            return
        stopped = candidate.estimate is not None
        values = None if stopped else [candidate.scores[name].mean for name in self._objectives]
        self._tell(number, values, TrialState.PRUNED if stopped else None)

    def fail(self, number: int) -> None:
        """Ends a trial as FAIL; one that has ended stays as it is."""
        self._tell(number, None, TrialState.FAIL)

    def _tell(self, number: int, values: Sequence[float] | None, state: TrialState | None) -> None:
        self.forget()
        with self._reading():
            self._study.tell(number, values, state=state, skip_if_finished=True)


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
