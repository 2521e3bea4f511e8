"""The trial store: one Optuna study a (dataset, sample rate, iterations, identity), resumed wherever it stopped, by as
many processes at once as like to.

Optuna keeps the trials; what to propose is the strategies' affair, which are told the stored losses again when a run
goes on. So a proposal is claimed (a RUNNING trial with its owner), then finished, and nothing else is ever written.
Processes propose and claim in turns, so that no index is given twice and nobody proposes what another is at.
"""

import hashlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
import sqlalchemy
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from schedsearch.evaluation.scores import Evaluation
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.study.candidate import Candidate, candidate_from, plain
from schedsearch.study.database import open_storage
from schedsearch.study.errors import opening, using
from schedsearch.study.leases import alive, is_this_process, keep_renewing, owner
from schedsearch.study.lock import Turn
from vocoder.errors import InputError

Identity = Mapping[str, Any]  # everything that scores depend on, by name; plain JSON values
Direction = Literal["minimize", "maximize"]

FORMAT = 3  # of what is stored; part of a run's identity, so that older studies are left alone
NEAR = 1e-3  # in log-SNR: a schedule so near to the box's point for it is shown to Optuna under that point
_REPLACES, _BASELINE, _MEMORY, _WORK = "instead of", "baseline ", "memory ", "work "
_LEASE, _AT_WORK = "lease ", "at work on "
_claims = itertools.count()
_held: set[str] = set()  # claims that this process is at: what it let go of is nobody's, even if that was not stored


@dataclass(frozen=True)
class Claim:
    """A proposal that this process evaluates."""

    token: str  # by which its trial is found
    schedule: NoiseSchedule
    kind: str
    index: int
    first: int  # the index of its batch's first


class Store:
    """Scored candidates in an Optuna storage, and what a run concluded from them."""

    def __init__(
        self,
        storage: str,
        identity: Identity,
        objectives: Mapping[str, Direction],
        *,
        known: bool = False,
        open_storage: Callable[[str], optuna.storages.BaseStorage] = open_storage,
        lock: Callable[[str], Turn] = Turn,
    ) -> None:
        """Opens or creates the study of this identity; `objectives` by name, the first one decides.

        InputError for a storage that can't be used, and for one without the study where that must be `known`.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.objectives = dict(objectives)
        self._url, self._name, self._owner = storage, study_name(identity), ""
        with opening(storage):
            self._open_storage = open_storage
            self._turn, self._tokens = lock(storage), set[str]()
            with self._turn.taken():  # or two that begin at once would both make the tables
                self._open(identity, known)
            # Reading a database takes longer than scoring a clip: trials are read again when this process wrote some
            # and by `refresh`.
            self._seen: list[FrozenTrial] | None = None
            with self.turn():
                self._settle_orphans()

    def _open(self, identity: Identity, known: bool) -> None:
        self._storage = self._open_storage(self._url)
        begun = self._name in optuna.get_all_study_names(self._storage)
        self.changed = [] if begun else _what_changed(self._storage, identity)
        if known and not begun:
            raise _unknown(self.changed)
        self.study = optuna.create_study(
            storage=self._storage,
            study_name=self._name,
            directions=list(self.objectives.values()),
            load_if_exists=True,
        )
        if self.study.user_attrs.get("identity") != dict(identity):
            self.study.set_user_attr("identity", dict(identity))

    @property
    def names(self) -> frozenset[str]:
        """The dataset's that is searched for, and its speaker's."""
        identity = self.study.user_attrs["identity"]
        return frozenset(str(identity[key]) for key in ("dataset", "speaker") if key in identity)

    @property
    def objective(self) -> str:
        """The name of the one that decides."""
        return next(iter(self.objectives))

    @property
    def signs(self) -> dict[str, int]:
        """By objective: 1 where less is better, -1 where more is."""
        return {name: 1 if direction == "minimize" else -1 for name, direction in self.objectives.items()}

    def refresh(self) -> None:
        """Reads what other processes have stored: trials when they are next needed, the rest now."""
        self._seen = None
        self._attributes = dict(self.study.user_attrs)

    # --- several processes ------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While inside, no other process proposes or claims; begins with a `refresh`."""
        with self._turn.taken(self._name) as begins:
            if begins:
                self.refresh()
            yield

    def using(self) -> AbstractContextManager[None]:
        """Turns what the database raises inside into one InputError."""
        return using(self._url)

    def in_flight(self) -> list[NoiseSchedule]:
        """What live processes have claimed and not finished."""
        running = [t for t in self._trials(TrialState.RUNNING) if "result" not in t.user_attrs]
        return [candidate_schedule(t.user_attrs) for t in running if self._held(t)]

    def take(self, works: Sequence[str], done: Callable[[str], bool]) -> str | None:
        """The first of them that is not done and that no other process is at, now this one's; None where all are."""
        with self.turn():
            self._at_work()
            for work in works:
                at_it = self._attributes.get(f"{_AT_WORK}{work}", "")
                if not done(work) and (at_it == self._owner or not self._alive(at_it)):
                    self._keep(f"{_AT_WORK}{work}", self._owner)
                    return work
        return None

    def _at_work(self) -> None:
        """From its first claim on a process renews its lease, which those on other machines know it by."""
        if self._owner == owner():
            return
        self._owner = owner()
        storage, study, key = self._storage, self.study._study_id, f"{_LEASE}{self._owner}"
        self._keep(key, time.time())
        keep_renewing(lambda: storage.set_study_user_attr(study, key, time.time()), as_long_as=self)

    def _held(self, trial: FrozenTrial) -> bool:
        """Whether a live process is at it."""
        name = trial.user_attrs["owner"]
        return trial.user_attrs["claim"] in _held if is_this_process(name) else self._alive(name)

    def _alive(self, name: str) -> bool:
        return alive(name, self._attributes.get(f"{_LEASE}{name}"))

    # --- proposals --------------------------------------------------------------------------------

    def claim(self, schedules: Sequence[NoiseSchedule], kind: str, space: ScheduleSpace) -> list[Claim]:
        """Makes them trials of this process, numbered on from the last index; in this process's turn."""
        first = self.next_index()
        batch = {"batch": f"{owner()} {next(_claims)}", "first": first, "size": len(schedules)}
        self._at_work()
        claims: list[Claim] = []
        try:
            for i, schedule in enumerate(schedules):
                claims.append(self._claimed(schedule, kind, first + i, _params(space, schedule), batch))
        except BaseException:  # Ctrl-C above all
            self.release(claims)
            raise
        return claims

    def adopt(self, *, parts: bool = False) -> list[Claim]:
        """The first batch that a stopped process left, or what is left of it, now claimed by this one, in its order.

        The new trial is made before the old one is failed: a process killed in between loses none. What a process left
        while it was claiming a batch is dropped: a strategy that is told the same as then proposes all of it again.
        Unless others have claimed since, or `parts`: for a strategy that was asked while those were under way, and
        has passed them over.
        """
        with self.turn():
            self._settle_orphans()
            trials = self._trials()
            orphans = [t for t in trials if t.state == TrialState.RUNNING and not self._held(t)]
            replaced = {t.user_attrs.get(_REPLACES) for t in trials}
            claimed = Counter(t.user_attrs["batch"] for t in trials if _REPLACES not in t.user_attrs)
            latest = max((t.user_attrs["first"] for t in trials), default=0)
            claims: list[Claim] = []
            for orphan in sorted(orphans, key=lambda t: (t.user_attrs["first"], t.user_attrs["batch"], t.number)):
                left = orphan.user_attrs
                kept = parts or claimed[left["batch"]] == left["size"] or left["first"] < latest
                if kept and orphan.number not in replaced:
                    if claims and claims[0].first != left["first"]:
                        break
                    claims.append(self._adopted(orphan))
                self._told(orphan.number, state=TrialState.FAIL)
            return sorted(claims, key=lambda claim: claim.index)

    def finish(self, claims: Sequence[Claim], evaluations: Sequence[Evaluation]) -> None:
        """Stores what was found; failed candidates stay failed, and raced-out ones count as pruned.

        What another process has taken over meanwhile is that one's to finish: this one was cut off for longer than its
        lease, and its result is dropped.
        """
        self._seen = None
        trials = {trial.user_attrs["claim"]: trial for trial in self._trials(TrialState.RUNNING)}
        for claim, evaluation in zip(claims, evaluations, strict=True):
            if (trial := trials.get(claim.token)) is None:
                continue
            result = plain(evaluation, self.objectives)
            with suppress(UpdateFinishedTrialError):
                self._write(trial, "result", result)
                self._settle(trial.number, {**trial.user_attrs, "result": result})

    def release(self, claims: Sequence[Claim]) -> None:
        """Leaves proposals to whoever comes next, be it in this process."""
        tokens = {claim.token for claim in claims}
        _held.difference_update(tokens)
        for trial in self._trials(TrialState.RUNNING):
            if trial.user_attrs["claim"] in tokens and "result" not in trial.user_attrs:
                with suppress(UpdateFinishedTrialError):
                    self._write(trial, "owner", "")

    def let_go(self) -> None:
        """Holds none of its claims any longer, wherever an interrupt left them: a notebook's process lives on."""
        _held.difference_update(self._tokens)

    def next_index(self) -> int:
        """How many proposals there are so far, those in flight included."""
        kept = [t for t in self._trials() if t.state == TrialState.RUNNING or "result" in t.user_attrs]
        return 1 + max((t.user_attrs["index"] for t in kept), default=-1)

    # --- what is stored ---------------------------------------------------------------------------

    def candidates(self) -> list[Candidate]:
        """All evaluated proposals in their order, failed ones included; each index once, whoever scored it too."""
        done = [trial for trial in self._trials() if "result" in trial.user_attrs]
        first = {trial.user_attrs["index"]: trial.user_attrs for trial in sorted(done, key=lambda t: -t.number)}
        return [candidate_from(f"trial {index}", first[index]) for index in sorted(first)]

    def add_baseline(self, name: str, schedule: NoiseSchedule, evaluation: Evaluation) -> None:
        """A schedule that was given, not searched: stored beside the trials."""
        entry = {"betas": schedule.betas.tolist(), "result": plain(evaluation, self.objectives)}
        self._keep(f"{_BASELINE}{name}", entry)

    def baselines(self) -> list[Candidate]:
        """All scored baselines, in the order of their names: the same in every run."""
        return [candidate_from(name, entry) for name, entry in sorted(self._named(_BASELINE).items())]

    def remember(self, key: str, value: Any) -> None:
        """Keeps a JSON value under the study."""
        self._keep(f"{_MEMORY}{key}", json.dumps(value))

    def recall(self, key: str) -> Any:
        """What `remember` kept under the key, or None."""
        kept = self._attributes.get(f"{_MEMORY}{key}")
        return None if kept is None else json.loads(kept)

    def remember_work(self, key: str, value: Any, *, seconds: float, network_evaluations: int) -> None:
        """As `remember`, for what a strategy spent network evaluations on."""
        self._keep(f"{_WORK}{key}", [seconds, network_evaluations, json.dumps(value)])

    def recall_work(self, key: str) -> Any:
        """What `remember_work` kept under the key, or None."""
        kept = self._attributes.get(f"{_WORK}{key}")
        return None if kept is None else json.loads(kept[2])

    def work(self) -> tuple[float, int]:
        """Seconds and network evaluations that strategies spent beside scoring."""
        kept = self._named(_WORK).values()
        return sum(entry[0] for entry in kept), sum(entry[1] for entry in kept)

    # --- inside -----------------------------------------------------------------------------------

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Ours, as last read: a study opened by other tools may hold theirs."""
        if self._seen is None:
            found = self.study.get_trials(deepcopy=False)
            self._seen = [trial for trial in found if "index" in trial.user_attrs]
        return [trial for trial in self._seen if not states or trial.state in states]

    def _named(self, prefix: str) -> dict[str, Any]:
        stored = self._attributes
        return {name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)}

    def _adopted(self, orphan: FrozenTrial) -> Claim:
        left = orphan.user_attrs
        batch = {key: left[key] for key in ("batch", "first", "size")}
        more = {**batch, _REPLACES: orphan.number}
        return self._claimed(candidate_schedule(left), left["kind"], left["index"], orphan.params, more)

    def _claimed(
        self, schedule: NoiseSchedule, kind: str, index: int, point: Mapping[str, float], more: Mapping[str, Any]
    ) -> Claim:
        token = f"{owner()} {next(_claims)}"
        self._tokens.add(token)
        _held.add(token)
        betas = schedule.betas.tolist()
        attributes = {"owner": owner(), "claim": token, "kind": kind, "index": index, "betas": betas, **more}
        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in point
        }
        self.study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.RUNNING, params=dict(point), distributions=distributions, user_attrs=attributes
            )
        )
        self._seen = None
        return Claim(token, schedule, kind, index, more["first"])

    def _settle_orphans(self) -> None:
        """Those that were scored and not told when their process died; the others wait to be adopted."""
        for trial in self._trials(TrialState.RUNNING):
            if "result" in trial.user_attrs and not self._held(trial):
                self._settle(trial.number, trial.user_attrs)

    def _settle(self, number: int, attributes: Mapping[str, Any]) -> None:
        found = candidate_from("", attributes)
        if found.failures:
            self._told(number, state=TrialState.FAIL)
        elif found.estimate is not None:
            self._told(number, state=TrialState.PRUNED)
        else:
            self._told(number, [found.scores[name].mean for name in self.objectives])

    def _told(self, number: int, values: Sequence[float] | None = None, *, state: TrialState | None = None) -> None:
        self._seen = None
        self.study.tell(number, values, state=state, skip_if_finished=True)

    def _write(self, trial: FrozenTrial, key: str, value: Any) -> None:
        self._seen = None
        self._storage.set_trial_user_attr(trial._trial_id, key, value)

    def _keep(self, key: str, value: Any) -> None:
        self.study.set_user_attr(key, value)
        self._attributes[key] = value


def candidate_schedule(attributes: Mapping[str, Any]) -> NoiseSchedule:
    """Of a trial's attributes, to the last bit."""
    return NoiseSchedule(attributes["betas"])


def study_name(identity: Identity) -> str:
    """Readable beginning, then a hash of everything that scores depend on."""
    spelt = json.dumps(dict(identity), sort_keys=True).encode()
    return (
        f"{identity['dataset']} {identity['sample_rate']}hz {identity['iterations']}iters "
        f"{hashlib.sha256(spelt).hexdigest()[:12]}"
    )


def sqlite_url(path: Path) -> str:
    """The storage URL of a file."""
    return sqlalchemy.URL.create("sqlite", database=str(path)).render_as_string()


def _params(space: ScheduleSpace, schedule: NoiseSchedule) -> dict[str, float]:
    """The point of the box that stands for it, for Optuna's own tools; {} outside the box."""
    clipped = space.clip(schedule)
    if clipped.moved > NEAR:
        return {}
    point = space.encode(clipped.schedule)
    return {f"u{i:02d}": float(u) for i, u in enumerate(point)}


def _unknown(changed: Sequence[str]) -> InputError:
    why = f"it was searched with another {', '.join(changed)}" if changed else "it was never searched"
    return InputError(f"the trial store must hold this search, and {why}; run make search, which begins it anew")


def _what_changed(storage: optuna.storages.BaseStorage, identity: Identity) -> list[str]:
    """Names of what differs from the storage's newest study of the same dataset, rate and length, if it has one."""
    same = ("dataset", "sample_rate", "iterations")
    for summary in reversed(optuna.get_all_study_summaries(storage, include_best_trial=False)):
        other = summary.user_attrs.get("identity", {})
        if all(other.get(key) == identity[key] for key in same):
            return sorted(key for key in {*other, *identity} if other.get(key) != identity.get(key))
    return []
