"""The trial store: one Optuna study for each identity, resumed wherever it stopped, by any number of processes at once.

Optuna keeps the trials. Strategies propose: when a run goes on, they are told the stored losses again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import time
from typing import Any, Literal

import numpy as np
import optuna
import sqlalchemy

from schedsearch.evaluation.scores import Evaluation
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.candidate import Candidate, candidate_from, plain
from schedsearch.study.claims import Claim, Claims
from schedsearch.study.database import StoreFile, is_missing, open_storage
from schedsearch.study.errors import StoreError, opening, reading, shown, using
from schedsearch.study.lock import StoreLock
from schedsearch.study.memory import Memory
from schedsearch.study.trials import Trials

Identity = Mapping[str, Any]  # everything that scores depend on, by name; plain JSON values
Direction = Literal["minimize", "maximize"]

FORMAT = 3  # of what is stored; part of a run's identity, so that older studies are left alone
LEADER_CLIPS = "leaders' search clips"  # a key of an identity, which studies of earlier versions lack
_BASELINE = "baseline "  # beginning of the study's keys
LEADER, HELD_OUT = "leader {}, round ", "held out {} "  # beginnings of keys of a schedule's further scores


class Store:
    """The trials, the memory and the claims of one study."""

    def __init__(
        self,
        storage: str,
        identity: Identity,
        objectives: Mapping[str, Direction],
        *,
        known: bool = False,
        open_storage: Callable[[str], optuna.storages.BaseStorage] = open_storage,
        lock: Callable[[str], StoreLock] = StoreLock,
    ) -> None:
        """Opens or creates the study of this identity. The first of the objectives decides.

        Raises InputError for a storage that can't be used. With `known` also for one that lacks the study.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if known and is_missing(storage):
            raise StoreError(f"the trial store must be there, and there is no file {shown(storage)}; correct STORAGE=")
        self.objectives = dict(objectives)
        self._url, self._name = storage, study_name(identity)
        with opening(storage):
            self._lock = lock(storage)
            with self._lock.held():  # two processes that begin at once would both make the tables
                opened = open_storage(storage)
                self._file = StoreFile.at(self._lock.storage)
                self._reading = partial(reading, storage, self._file.check)
                with self._reading():
                    self._open(opened, identity, known)
            study_id = self.study._study_id  # not through self: a lease's thread would keep the store alive
            renew = lambda key: opened.set_study_user_attr(study_id, key, time())  # noqa: E731
            self._memory = memory = Memory(self.study, self._reading)
            self._trials = trials = Trials(self.study, opened, self.signs, self._reading, self._file.replaced)
            self._claims = claims = Claims(trials, memory, renew, self._file.id)
            with self.turn():
                claims.end_scored_orphans()
        self.results, self.next_index = trials.results, trials.next_index
        self.remember, self.recall = memory.remember, memory.recall
        self.work = memory.work
        self.claim, self.finish, self.in_flight = claims.claim, claims.finish, claims.in_flight
        self.release, self.release_all, self.wait = claims.release, claims.release_all, claims.wait

    def _open(self, storage: optuna.storages.BaseStorage, identity: Identity, known: bool) -> None:
        begun = self._name in optuna.get_all_study_names(storage)
        self.changed = [] if begun else _what_changed(storage, identity)
        if known and not begun:
            raise _unknown(self.changed)
        self.study = optuna.create_study(
            storage=storage,
            study_name=self._name,
            directions=list(self.objectives.values()),
            load_if_exists=True,
        )
        if self.study.user_attrs.get("identity") != dict(identity):
            self.study.set_user_attr("identity", dict(identity))

    @property
    def names(self) -> frozenset[str]:
        """Returns the names of the study's dataset and of its speaker."""
        identity = self.study.user_attrs["identity"]
        return frozenset(str(identity[key]) for key in ("dataset", "speaker") if key in identity)

    @property
    def objective(self) -> str:
        """Returns the name of the objective that decides."""
        return next(iter(self.objectives))

    @property
    def signs(self) -> dict[str, int]:
        """Returns 1 for each objective of which less is better, -1 for the others, by name."""
        return {name: 1 if direction == "minimize" else -1 for name, direction in self.objectives.items()}

    # --- several processes --------------------------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Locks the store: inside, no other process proposes or claims. Begins with a `refresh`.

        Raises InputError if the store is no longer the file that was opened.
        """
        self._file.check()  # before the lock: its folder may be gone too
        with self._lock.held(self._name) as begins:
            if begins:
                self._file.check()
                self.refresh()
            yield

    def refresh(self) -> None:
        """Reads what other processes have stored: trials when they are next needed, the rest now."""
        self._trials.forget()
        self._memory.refresh()

    def using(self) -> AbstractContextManager[None]:
        """Turns database errors inside into an InputError."""
        return using(self._url, self._file.check)

    def adopt(self, *, parts: bool = False) -> list[Claim]:
        """Claims the first batch that a stopped process left; `parts`: see `claims.adoptions`."""
        with self.turn():
            return self._claims.adopt(parts=parts)

    def claim_work(self, tasks: Sequence[str], is_done: Callable[[str], bool]) -> str | None:
        """Claims and returns the first task that is not done and that no other live process does, or None."""
        with self.turn():
            return self._claims.claim_work(tasks, is_done)

    def share_out(self, tasks: Sequence[str], is_done: Callable[[str], bool]) -> Iterator[str]:
        """Yields the tasks that this process is to do, each before it asks for the next. Ends when all are done.

        They are done once a study: baselines, leaders, held-out clips. A task whose process died is taken over.
        """
        while missing := [task for task in tasks if not is_done(task)]:
            task = self.claim_work(missing, is_done)
            if task is not None:
                yield task
            else:
                self.wait(missing)
            self.refresh()

    # --- what is stored -----------------------------------------------------------------------------------------------

    def candidates(self) -> list[Candidate]:
        """Returns all evaluated proposals by index, failed ones included."""
        return self.results().all()

    def add_baseline(self, name: str, schedule: NoiseSchedule, evaluation: Evaluation) -> None:
        """Stores the evaluation of a schedule that was not searched.

        What an earlier version called by this name is replaced, and its further scores are forgotten.
        """
        if name in {baseline.name for baseline in self.baselines()} and not self.has_baseline(name, schedule):
            for beginning in (LEADER, HELD_OUT):
                self._memory.forget(beginning.format(name))
        entry = {"betas": schedule.betas.tolist(), "result": plain(evaluation)}
        self._memory.set(f"{_BASELINE}{name}", entry)

    def has_baseline(self, name: str, schedule: NoiseSchedule) -> bool:
        """Says whether this schedule was scored as the baseline of this name.

        Another machine's arithmetic may round a formula's last digits in another way.
        """
        scored = [baseline.schedule.betas for baseline in self.baselines() if baseline.name == name]
        same = [betas for betas in scored if len(betas) == len(schedule)]
        return any(np.allclose(betas, schedule.betas, rtol=1e-9, atol=0.0) for betas in same)

    def baselines(self) -> list[Candidate]:
        """Returns all scored baselines in the order of their names, which is the same in every run."""
        entries = self._memory.starting_with(_BASELINE)
        with self._reading():
            return [candidate_from(name, entries[name], list(self.objectives)) for name in sorted(entries)]


def first_begun(storage: str, identities: Sequence[Identity]) -> int | None:
    """Returns which of these studies the storage has, the first made of several; None if it has none of them."""
    if is_missing(storage):
        return None
    begun: dict[int, int] = {}  # by the study's id: ids rise in the order in which studies were made
    with opening(storage):
        with StoreLock(storage).held():  # two processes that begin at once would both make the tables
            opened = open_storage(storage)
        for place, identity in enumerate(identities):
            with suppress(KeyError):
                begun[opened.get_study_id_from_name(study_name(identity))] = place
    return begun[min(begun)] if begun else None


def study_name(identity: Identity) -> str:
    """Returns a readable beginning, then a hash of everything that scores depend on."""
    spelt = json.dumps(dict(identity), sort_keys=True).encode()
    return (
        f"{identity['dataset']} {identity['sample_rate']}hz {identity['iterations']}iters "
        f"{hashlib.sha256(spelt).hexdigest()[:12]}"
    )


def sqlite_url(path: Path) -> str:
    """Returns the storage URL of a file; raises StoreError if this SQLAlchemy has no URL for its name."""
    url = sqlalchemy.URL.create("sqlite", database=str(path)).render_as_string()
    if sqlalchemy.make_url(url).database != str(path):  # before 2.1, if there is a ? in it
        way_out = "rename the folder, or install SQLAlchemy 2.1 or newer"
        raise StoreError(f"with SQLAlchemy {sqlalchemy.__version__} {path} must have no '?' in its name; {way_out}")
    return url


def _unknown(changed: Sequence[str]) -> StoreError:
    why = f"it was searched with another {', '.join(changed)}" if changed else "it was never searched"
    way_out = "search again with the same options, which begins it anew"
    return StoreError(f"the trial store must hold this search, and {why}; {way_out}")


def _what_changed(storage: optuna.storages.BaseStorage, identity: Identity) -> list[str]:
    """Returns what differs in the newest study of the same dataset, rate and length, by name; [] without one."""
    same = ("dataset", "sample_rate", "iterations")
    for study in sorted(storage.get_all_studies(), key=lambda study: study._study_id, reverse=True):
        other = study.user_attrs.get("identity", {})
        if all(other.get(key) == identity[key] for key in same):
            keys = {*other, *identity} - ({LEADER_CLIPS} - {*other})
            return sorted(key for key in keys if other.get(key) != identity.get(key))
    return []
