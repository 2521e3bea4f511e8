"""The trial store: one Optuna study a (dataset, sample rate, iterations, identity), resumed wherever it stopped."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from schedsearch.schedule import NoiseSchedule
from schedsearch.scores import Evaluation, Score
from schedsearch.space import ScheduleSpace
from vocoder.errors import InputError

Identity = Mapping[str, Any]  # everything that scores depend on, by name; plain JSON values
Direction = Literal["minimize", "maximize"]
SamplerOf = Callable[[int], optuna.samplers.BaseSampler]  # seed -> sampler

_QUEUED = "requeued from"


@dataclass(frozen=True)
class Proposal:
    """A candidate under evaluation."""

    trial: optuna.Trial
    schedule: NoiseSchedule


@dataclass(frozen=True)
class Candidate:
    """A scored schedule. `failures` non-empty: it has no score and can not win."""

    name: str
    kind: str  # "baseline" or the strategy's name
    schedule: NoiseSchedule
    values: tuple[tuple[float, ...], ...]  # [clip][draw] of the objective; NaN where it failed
    failures: tuple[str, ...]
    seconds: float
    network_evaluations: int

    @property
    def score(self) -> Score:
        """Of the objective."""
        return Score(np.array(self.values), self.failures)


class Store:
    """Scored candidates in an Optuna storage, and what a run concluded from them."""

    def __init__(self, storage: str, identity: Identity, direction: Direction, objective: str) -> None:
        """Opens or creates the study of this identity; trials that a killed process left running are queued again.

        InputError for a storage that can't be used.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.objective, self.maximises = objective, direction == "maximize"
        name = study_name(identity)
        with _usable(storage):
            self._storage = optuna.storages.RDBStorage(storage, engine_kwargs=_patience(storage))
            known = optuna.get_all_study_names(self._storage)
            self.changed = [] if name in known else _what_changed(self._storage, identity)
            self.study = optuna.create_study(
                storage=self._storage, study_name=name, direction=direction, load_if_exists=True
            )
            self.study.set_user_attr("identity", dict(identity))
            self._requeue_orphans()

    def ask(self, space: ScheduleSpace, seeds: Sequence[int], sampler: SamplerOf, kind: str) -> list[Proposal]:
        """As many proposals as there are seeds; queued trials come first, then the sampler's."""
        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in _names(space)
        }
        proposals = []
        for seed in seeds:
            self.study.sampler = sampler(seed)
            trial = self.study.ask(distributions)
            schedule = space.decode([trial.params[name] for name in _names(space)])
            trial.set_user_attr("owner", _owner())
            trial.set_user_attr("kind", kind)
            trial.set_user_attr("betas", schedule.betas.tolist())
            proposals.append(Proposal(trial, schedule))
        return proposals

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Evaluation]) -> None:
        """Finishes proposals; a failed one is failed for the sampler too, with its reasons."""
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            score = evaluation.scores[self.objective]
            proposal.trial.set_user_attr("result", _result(score, evaluation))
            if score.failures:
                self.study.tell(proposal.trial, state=TrialState.FAIL)
            else:
                self.study.tell(proposal.trial, score.mean)

    def give_back(self, proposals: Sequence[Proposal]) -> None:
        """Queues proposals that were not told, for whoever asks next."""
        numbers = {proposal.trial.number for proposal in proposals}
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number in numbers:
                self._settle(trial)

    def teach(self, space: ScheduleSpace, known: Sequence[Candidate]) -> None:
        """Shows samplers the scores of baselines that lie in the box, at no further cost."""
        taught = {trial.user_attrs.get("taught") for trial in self.study.get_trials(deepcopy=False)}
        distributions = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in _names(space)}
        for candidate in known:
            if candidate.failures or candidate.name in taught or space.clip(candidate.schedule).moved > 0:
                continue
            point = np.clip(space.encode(candidate.schedule), 0.0, 1.0)
            params = dict(zip(distributions, (float(u) for u in point), strict=True))
            self.study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions=dict(distributions),
                    value=candidate.score.mean,
                    user_attrs={"taught": candidate.name},
                )
            )

    def add_baseline(self, name: str, schedule: NoiseSchedule, evaluation: Evaluation) -> None:
        """A schedule that was given, not searched: stored beside the trials, unseen by samplers."""
        score = evaluation.scores[self.objective]
        entry = {"betas": schedule.betas.tolist(), "result": _result(score, evaluation)}
        self.study.set_user_attr(f"baseline {name}", entry)

    def remember(self, key: str, value: Any) -> None:
        """Keeps a JSON value under the study."""
        self.study.set_user_attr(f"memory {key}", json.dumps(value))

    def recall(self, key: str) -> Any:
        """What `remember` kept under the key, or None."""
        kept = self.study.user_attrs.get(f"memory {key}")
        return None if kept is None else json.loads(kept)

    def baselines(self) -> list[Candidate]:
        """All scored baselines."""
        prefix = "baseline "
        return [
            _candidate(name.removeprefix(prefix), "baseline", entry["betas"], entry["result"])
            for name, entry in self.study.user_attrs.items()
            if name.startswith(prefix)
        ]

    def candidates(self) -> list[Candidate]:
        """All evaluated trials in order, failed ones included."""
        return [
            _candidate(f"trial {trial.number}", trial.user_attrs["kind"], trial.user_attrs["betas"], result)
            for trial in self.study.get_trials(deepcopy=False)
            if (result := trial.user_attrs.get("result")) is not None
        ]

    def _requeue_orphans(self) -> None:
        """Trials of processes that died on this machine: failed, and their points queued to be evaluated after all."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if not _alive(trial.user_attrs.get("owner", "")):
                self._settle(trial)

    def _settle(self, orphan: FrozenTrial) -> None:
        result = orphan.user_attrs.get("result")
        if result is not None and not result["failures"]:
            self.study.tell(orphan.number, float(np.mean(result["values"])))
            return
        if result is None:
            self._requeue(orphan)
        self.study.tell(orphan.number, state=TrialState.FAIL)

    def _requeue(self, orphan: FrozenTrial) -> None:
        """Before the orphan is failed, and once: a process killed in between loses no point and doubles none.

        An orphan without betas was killed while it was proposed: its seed proposes it again.
        """
        params = orphan.params if "betas" in orphan.user_attrs else orphan.system_attrs.get("fixed_params")
        queued = {trial.user_attrs.get(_QUEUED) for trial in self.study.get_trials(deepcopy=False)}
        if params and orphan.number not in queued:
            self.study.enqueue_trial(params, user_attrs={_QUEUED: orphan.number})


def study_name(identity: Identity) -> str:
    """Readable beginning, then a hash of everything that scores depend on."""
    spelt = json.dumps(dict(identity), sort_keys=True).encode()
    return (
        f"{identity['dataset']} {identity['sample_rate']}hz {identity['iterations']}iters "
        f"{hashlib.sha256(spelt).hexdigest()[:12]}"
    )


def sqlite_url(path: Path) -> str:
    """The storage URL of a file."""
    return f"sqlite:///{path}"


def _what_changed(storage: optuna.storages.BaseStorage, identity: Identity) -> list[str]:
    """Names of what differs from the storage's newest study of the same dataset, rate and length, if it has one."""
    same = ("dataset", "sample_rate", "iterations")
    for summary in reversed(optuna.get_all_study_summaries(storage, include_best_trial=False)):
        other = summary.user_attrs.get("identity", {})
        if all(other.get(key) == identity[key] for key in same):
            return sorted(key for key in {*other, *identity} if other.get(key) != identity.get(key))
    return []


def _candidate(name: str, kind: str, betas: list[float], result: Mapping[str, Any]) -> Candidate:
    values = tuple(tuple(np.nan if v is None else float(v) for v in row) for row in result["values"])
    return Candidate(
        name,
        kind,
        NoiseSchedule(np.array(betas)),
        values,
        tuple(result["failures"]),
        float(result["seconds"]),
        int(result["network_evaluations"]),
    )


def _result(score: Score, evaluation: Evaluation) -> dict[str, Any]:
    values = [[None if np.isnan(v) else float(v) for v in row] for row in score.values]
    return {
        "values": values,
        "failures": list(score.failures),
        "seconds": evaluation.seconds,
        "network_evaluations": evaluation.network_evaluations,
    }


def _names(space: ScheduleSpace) -> list[str]:
    return [f"u{i:02d}" for i in range(space.dimensions)]


@contextmanager
def _usable(storage: str) -> Iterator[None]:
    """Turns whatever goes wrong with a storage into one line; a password in its URL is not shown."""
    try:
        yield
    except Exception as error:  # driver, SQLAlchemy, Alembic and Optuna each raise their own kinds
        shown = re.sub(r":[^:@/]*@", ":***@", storage)
        reason = " ".join(str(error).split("\n")[0].split())[:160]
        raise InputError(
            f"cannot use the trial store {shown!r} ({reason}); move a damaged file away to start anew, or correct "
            "STORAGE=, a URL such as sqlite:///study.db"
        ) from error


def _patience(storage: str) -> dict[str, Any]:
    """SQLite makes writers wait for one another; other databases look after themselves."""
    return {"connect_args": {"timeout": 60}} if storage.startswith("sqlite") else {}


def _owner() -> str:
    """This process: machine, id and start, so that a reused id is not taken for it."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def _alive(owner: str) -> bool:
    """Whether a trial's owner still runs; owners on other machines are taken to."""
    parts = owner.rsplit(" ", 2)
    if len(parts) != 3:
        return False
    host, pid, started = parts
    return host != socket.gethostname() or (pid.isdecimal() and _started(int(pid)) == started != "")


def _started(pid: int) -> str:
    """The process's start time in clock ticks (Linux), "0" where that can't be told, "" for no such process."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's: it runs
    except (OSError, OverflowError):
        return ""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return "0"
