"""Who evaluates what: proposals and shared work that a process has claimed, and what dead processes left behind.

A proposal is claimed (a RUNNING trial with its owner) and then finished. Claims are made while the store is locked, so
that no index is given twice and no two processes do the same work.
"""

import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial

from schedsearch.evaluation.scores import Evaluation
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.study.candidate import plain
from schedsearch.study.lock import NOTICE
from schedsearch.study.memory import Memory
from schedsearch.study.processes import how_to_go_on, in_store, is_alive, is_this_process, keep_renewing, this_process
from schedsearch.study.trials import REPLACES, FinishedTrialError, Trials, shown_point, stored_schedule

_LEASE, _AT_WORK = "lease ", "at work on "  # beginnings of the study's keys
POLL = 0.5  # seconds between two looks at what other processes have finished
_log = logging.getLogger("schedsearch")
_numbers = itertools.count()
_evaluating: set[str] = set()  # tokens that this process evaluates; a released one is an orphan even if its write fails


@dataclass(frozen=True)
class Claim:
    """A proposal that this process evaluates."""

    token: str  # the trial's attribute by which it is found
    schedule: NoiseSchedule
    kind: str
    index: int
    first: int  # the index of its batch's first proposal
    size: int  # how many the batch has


class Claims:
    """The claims on one study; all but `finish` and the releases need the store's lock."""

    def __init__(
        self,
        trials: Trials,
        memory: Memory,
        renew: Callable[[str], None],
        file_id: str = "",
    ) -> None:
        """Takes `renew`, which stores the time under a key of the study, from any thread.

        `file_id` tells the store from a copy.
        """
        self._trials, self._memory, self._renew = trials, memory, renew
        self._file_id = file_id
        self._looks = 0  # in a row, for what other processes have finished
        self._awaited: set[str] = set()  # processes that the user has been told of
        self._owner = ""  # the process whose lease is being renewed
        self._tokens: set[str] = set()  # claimed here at any time

    # --- proposals ----------------------------------------------------------------------------------------------------

    def claim(self, schedules: Sequence[NoiseSchedule], kind: str, space: ScheduleSpace) -> list[Claim]:
        """Stores a batch of proposals as trials of this process, numbered on from the last index."""
        first = self._trials.next_index()
        batch = {"batch": f"{this_process()} {next(_numbers)}", "first": first, "size": len(schedules)}
        self._begin_lease()
        self._looks = 0
        claims: list[Claim] = []
        try:
            for index, schedule in enumerate(schedules, start=first):
                claims.append(self._add(schedule, kind, index, shown_point(space, schedule), batch))
        except BaseException:  # Ctrl-C above all
            self.release(claims)
            raise
        return claims

    def adopt(self, *, parts: bool = False) -> list[Claim]:
        """Claims what is left of the first batch that a stopped process left; see `adoptions`.

        The new trial is made before the orphan is failed: a process killed in between loses none.
        """
        self.end_scored_orphans()
        orphans = [trial for trial in self._trials.running() if not self._is_held(trial)]
        if not orphans:
            return []
        claims: list[Claim] = []
        for orphan, adopted in adoptions(self._trials.all(), orphans, parts=parts):
            if adopted:
                claims.append(self._replace(orphan))
            self._trials.fail(orphan.number)
        return sorted(claims, key=lambda claim: claim.index)

    def in_flight(self) -> list[NoiseSchedule]:
        """Returns the schedules that live processes evaluate."""
        running = (trial for trial in self._trials.running() if "result" not in trial.user_attrs)
        return [stored_schedule(trial) for trial in running if self._is_held(trial)]

    def finish(self, claims: Sequence[Claim], evaluations: Sequence[Evaluation]) -> None:
        """Stores evaluations and ends their trials.

        Another process may have taken a trial over, because this one was cut off for longer than its lease. Then the
        result is dropped.
        """
        self._trials.forget()
        trials = {trial.user_attrs["claim"]: trial for trial in self._trials.running()}
        for claim, evaluation in zip(claims, evaluations, strict=True):
            if (trial := trials.get(claim.token)) is None:
                continue
            result = plain(evaluation)
            with suppress(FinishedTrialError):
                self._trials.write(trial, "result", result)
                self._trials.end(trial.number, {**trial.user_attrs, "result": result})

    def release(self, claims: Sequence[Claim]) -> None:
        """Makes unfinished proposals orphans, for this process too."""
        tokens = {claim.token for claim in claims}
        _evaluating.difference_update(tokens)
        for trial in self._trials.running():
            if trial.user_attrs["claim"] in tokens and "result" not in trial.user_attrs:
                with suppress(FinishedTrialError):
                    self._trials.write(trial, "owner", "")

    def release_all(self) -> None:
        """Evaluates none of its claims any longer, wherever an interrupt left them: a notebook's process lives on."""
        _evaluating.difference_update(self._tokens)

    def end_scored_orphans(self) -> None:
        """Ends trials whose process died between storing the result and ending them."""
        for trial in self._trials.running():
            if "result" in trial.user_attrs and not self._is_held(trial):
                self._trials.end(trial.number, trial.user_attrs)

    # --- shared work --------------------------------------------------------------------------------------------------

    def claim_work(self, tasks: Sequence[str], is_done: Callable[[str], bool]) -> str | None:
        """Claims and returns the first task that is not done and that no other live process does, or None."""
        self._begin_lease()
        for task in tasks:
            key = f"{_AT_WORK}{task}"
            worker = self._memory.get(key, str) or ""
            if not is_done(task) and (worker == self._owner or not self._is_alive(worker)):
                self._memory.set(key, self._owner)
                self._looks = 0
                return task
        return None

    def wait(self, tasks: Sequence[str] = ()) -> None:
        """Sleeps until the next look at what other processes have finished; `tasks` are those that are awaited.

        If there are many looks in a row, it says once for which processes this one waits.
        """
        self._looks += 1
        if self._looks * POLL > NOTICE:
            held = {t.user_attrs["owner"] for t in self._trials.running() if self._is_held(t)}
            workers = {self._memory.get(f"{_AT_WORK}{task}", str) or "" for task in tasks}
            for process in sorted(held | {worker for worker in workers if self._is_alive(worker)}):
                if process not in self._awaited and process != self._own_name():
                    _log.warning(how_to_go_on(process))
                    self._awaited.add(process)
        time.sleep(POLL)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _begin_lease(self) -> None:
        """Has this process renew its lease from its first claim on; a forked one begins its own."""
        if self._owner == self._own_name():
            return
        self._owner = self._own_name()
        key, renew = f"{_LEASE}{self._owner}", self._renew
        self._memory.set(key, time.time())
        keep_renewing(lambda: renew(key), as_long_as=self)

    def _is_held(self, trial: FrozenTrial) -> bool:
        """Says whether a live process evaluates it."""
        owner = trial.user_attrs["owner"]
        if is_this_process(owner, self._file_id):
            return trial.user_attrs["claim"] in _evaluating
        return self._is_alive(owner)

    def _is_alive(self, process: str) -> bool:
        return is_alive(process, self._memory.get(f"{_LEASE}{process}", float), self._file_id)

    def _own_name(self) -> str:
        return in_store(this_process(), self._file_id)

    def _replace(self, orphan: FrozenTrial) -> Claim:
        stored = orphan.user_attrs
        batch = {key: stored[key] for key in ("batch", "first", "size")} | {REPLACES: orphan.number}
        return self._add(stored_schedule(orphan), stored["kind"], stored["index"], orphan.params, batch)

    def _add(
        self, schedule: NoiseSchedule, kind: str, index: int, point: Mapping[str, float], batch: Mapping[str, Any]
    ) -> Claim:
        token = f"{this_process()} {next(_numbers)}"
        self._tokens.add(token)
        _evaluating.add(token)
        betas = schedule.betas.tolist()
        own = {"owner": self._own_name(), "claim": token, "kind": kind, "index": index, "betas": betas}
        self._trials.add(point, {**own, **batch})
        return Claim(token, schedule, kind, index, batch["first"], batch["size"])


def adoptions(
    trials: Sequence[FrozenTrial], orphans: Sequence[FrozenTrial], *, parts: bool
) -> list[tuple[FrozenTrial, bool]]:
    """Returns the orphans to end now, in order, and whether each is claimed anew before that.

    At most one batch is claimed anew: the one with the lowest indices. An orphan that has a replacement already is
    dropped. So is one whose process died while claiming its batch, because a strategy that is told the same as then
    proposes the whole batch again. It does not if others have claimed since, nor with `parts`: for a strategy that was
    asked while the orphans were being evaluated, and has passed them over.
    """
    replaced = {trial.user_attrs.get(REPLACES) for trial in trials}
    claimed = Counter(trial.user_attrs["batch"] for trial in trials if REPLACES not in trial.user_attrs)
    latest = max((trial.user_attrs["first"] for trial in trials), default=0)
    ended: list[tuple[FrozenTrial, bool]] = []
    adopted_first = None
    for orphan in sorted(orphans, key=lambda t: (t.user_attrs["first"], t.user_attrs["batch"], t.number)):
        first, batch = orphan.user_attrs["first"], orphan.user_attrs["batch"]
        wanted = parts or claimed[batch] == orphan.user_attrs["size"] or first < latest
        adopted = wanted and orphan.number not in replaced
        if adopted and adopted_first not in (None, first):
            break
        adopted_first = first if adopted else adopted_first
        ended.append((orphan, adopted))
    return ended
