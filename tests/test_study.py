"""Laws of the trial store: nothing finished is lost, nothing counts twice, a resumed run is the uninterrupted one."""

import json
import socket
import subprocess
import sys
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.trial import TrialState

from schedsearch import study as module
from schedsearch.budget import Budget
from schedsearch.families import baselines
from schedsearch.scores import Evaluation, Score
from schedsearch.search import Plan, search
from schedsearch.space import LogSnrSpace
from schedsearch.strategies import bayesian
from schedsearch.strategies.bayesian import SAMPLERS
from schedsearch.study import Store, sqlite_url, study_name
from vocoder.errors import InputError

SPACE = LogSnrSpace(3)
IDENTITY = {"dataset": "toy", "sample_rate": 16000, "iterations": 3, "checkpoint": "abc", "seed": 0}
DEAD = f"{socket.gethostname()} 999999999 1"  # above Linux's largest process id


class Killed(BaseException):
    """What a test raises where a process would have died."""


class Ideal:
    """An evaluator that scores a schedule by its distance from one; costs 12 network evaluations each."""

    def evaluate(self, schedules, draws):
        return [self.one(schedule) for schedule in schedules]

    def one(self, schedule):
        distance = float(np.square(schedule.log_snr - [9.0, 3.0, -3.0]).mean())
        return Evaluation({"log_mel_l1": Score(np.array([[distance], [distance + 1]]))}, 60.0, 12)


class Failing(Ideal):
    """Fails above a log-SNR of 8 at the clean end."""

    def one(self, schedule):
        sound = super().one(schedule)
        if schedule.log_snr[0] < 8:
            return sound
        return Evaluation({"log_mel_l1": Score(np.array([[1.0], [np.nan]]), ("b, draw 0: silent",))}, 60.0, 12)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A storage without studies: making its tables takes longer than most tests here."""
    path = tmp_path_factory.mktemp("empty") / "study.db"
    RDBStorage(sqlite_url(path))
    return path.read_bytes()


@pytest.fixture
def url(tmp_path, empty):
    (tmp_path / "study.db").write_bytes(empty)
    return sqlite_url(tmp_path / "study.db")


@pytest.fixture
def mortal(monkeypatch):
    """Trials asked for from now on belong to a process that is dead when the store is next opened."""
    monkeypatch.setattr(module, "_owner", lambda: DEAD)


@pytest.fixture
def early(monkeypatch):
    """TPE fits its densities from the sixth trial on."""
    monkeypatch.setattr(bayesian, "STARTUP", 6)


def opened(url, identity=IDENTITY):
    return Store(url, identity, "minimize", "log_mel_l1")


def plan(candidates, strategy="tpe"):
    return Plan(strategy, Budget(candidates, "candidates"), seed=0)


def run(store, candidates, evaluator=None, strategy="tpe"):
    scorer: Any = evaluator or Ideal()
    for _ in search(store, scorer, SPACE, plan(candidates, strategy)):
        pass


def found(store):
    """{(schedule, score)} of all candidates; a set that is smaller than their number holds one twice."""
    return {(c.schedule, str(c.score.mean)) for c in store.candidates()}


def states(store):
    return [trial.state for trial in store.study.get_trials(deepcopy=False)]


def ask(store, seeds=(1, 2)):
    return store.ask(SPACE, seeds, SAMPLERS["tpe"], "tpe")


def told(store, proposals):
    store.tell(proposals, Ideal().evaluate([p.schedule for p in proposals], (0,)))


def test_a_reopened_store_holds_all_that_was_told(url):
    store = opened(url)
    run(store, 6, Failing())
    again = opened(url)
    assert len(again.candidates()) == 6
    for before, after in zip(
        [*store.baselines(), *store.candidates()], [*again.baselines(), *again.candidates()], strict=True
    ):
        np.testing.assert_array_equal(after.values, before.values)  # NaN where it failed
        assert (after.name, after.kind, after.schedule, after.failures, after.seconds, after.network_evaluations) == (
            before.name, before.kind, before.schedule, before.failures, before.seconds, before.network_evaluations
        )  # fmt: skip
    assert {c.name for c in again.baselines()} == set(baselines(3))


def test_what_is_remembered_is_recalled_and_nothing_else(url):
    opened(url).remember("key", [[1.5, None], []])
    assert opened(url).recall("key") == [[1.5, None], []]
    assert opened(url).recall("other") is None


def test_betas_survive_storage_to_the_last_bit(url):
    store = opened(url)
    proposals = ask(store)
    told(store, proposals)
    assert [c.schedule for c in opened(url).candidates()] == [p.schedule for p in proposals]


def test_an_orphan_is_failed_and_its_point_comes_first(url, mortal):
    first, second = ask(opened(url))
    again = opened(url)
    assert states(again)[:2] == [TrialState.FAIL, TrialState.FAIL]
    assert again.candidates() == []
    assert [p.schedule for p in ask(again, seeds=(8, 9))] == [first.schedule, second.schedule]


def test_a_trial_with_a_stored_result_is_told_and_not_evaluated_again(url, mortal, monkeypatch):
    store = opened(url)
    [proposal] = ask(store, seeds=(1,))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(store.study, "tell", raising(Killed()))
        told(store, [proposal])
    again = opened(url)
    assert states(again) == [TrialState.COMPLETE]
    [candidate] = again.candidates()
    assert candidate.schedule == proposal.schedule
    assert again.study.get_trials()[0].value == pytest.approx(candidate.score.mean)


def test_a_failed_result_that_was_not_told_is_failed_and_not_evaluated_again(url, mortal, monkeypatch):
    store = opened(url)
    [proposal] = ask(store, seeds=(1,))
    failed = Evaluation({"log_mel_l1": Score(np.array([[np.nan]]), ("a, draw 0: silent",))}, 1.0, 3)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(store.study, "tell", raising(Killed()))
        store.tell([proposal], [failed])
    again = opened(url)
    assert states(again) == [TrialState.FAIL]
    assert [c.failures for c in again.candidates()] == [("a, draw 0: silent",)]


def test_a_live_owners_trials_are_left_alone(url):
    ask(opened(url))
    again = opened(url)
    assert states(again) == [TrialState.RUNNING, TrialState.RUNNING]


def test_a_live_owner_of_another_user_is_alive(monkeypatch):
    owner = module._owner()
    monkeypatch.setattr("os.kill", raising(PermissionError()))
    assert module._alive(owner)


def test_another_process_with_the_same_id_is_no_owner():
    host, pid, started = module._owner().rsplit(" ", 2)
    assert module._alive(f"{host} {pid} {started}")
    assert not module._alive(f"{host} {pid} {int(started) + 1}")


@pytest.mark.parametrize("owner", ["", "host", DEAD, f"{socket.gethostname()} {10**30} 1", "a b c d"])
def test_what_is_no_process_here_is_dead_unless_it_names_another_machine(owner):
    assert module._alive(owner) == (owner == "a b c d")


def test_a_process_that_ended_is_dead(url):
    code = "from schedsearch.study import _owner; print(_owner())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not module._alive(ended.stdout.strip())


def test_another_identity_is_another_study_and_says_what_changed(url):
    run(opened(url), 3)
    other = opened(url, IDENTITY | {"checkpoint": "def", "seed": 1, "new": 1})
    assert other.changed == ["checkpoint", "new", "seed"]
    assert other.candidates() == []
    assert len(opened(url).candidates()) == 3


def test_a_known_identity_and_a_first_one_have_changed_nothing(url):
    assert opened(url).changed == []
    opened(url, IDENTITY | {"seed": 1})
    assert opened(url).changed == []


def test_another_dataset_rate_or_length_is_no_change_but_another_search(url):
    opened(url)
    for key, value in {"dataset": "b", "sample_rate": 8000, "iterations": 4}.items():
        assert opened(url, IDENTITY | {key: value}).changed == []


def test_change_is_told_from_the_newest_study(url):
    opened(url)
    opened(url, IDENTITY | {"seed": 1})
    assert opened(url, IDENTITY | {"seed": 1, "checkpoint": "def"}).changed == ["checkpoint"]


def test_a_studys_name_is_readable_and_does_not_depend_on_the_order_of_facts():
    assert study_name(IDENTITY).startswith("toy 16000hz 3iters ")
    assert study_name(dict(reversed(IDENTITY.items()))) == study_name(IDENTITY)


def test_baselines_inside_the_box_are_taught_once(url):
    for _ in range(2):
        store = opened(url)
        run(store, 4)
        store.teach(SPACE, store.baselines())
    inside = {name: s for name, s in baselines(3).items() if SPACE.clip(s).moved == 0}
    assert inside
    taught = [t for t in store.study.get_trials() if "taught" in t.user_attrs]
    assert sorted(t.user_attrs["taught"] for t in taught) == sorted(inside)
    for trial in taught:
        point = [trial.params[name] for name in sorted(trial.params)]
        schedule = inside[trial.user_attrs["taught"]]
        np.testing.assert_allclose(SPACE.decode(point).log_snr, schedule.log_snr, atol=1e-6)
        assert trial.value == pytest.approx(Ideal().one(schedule).scores["log_mel_l1"].mean)
    assert len(store.candidates()) == 4


def test_failed_baselines_and_those_outside_the_box_are_not_taught(url):
    store = opened(url)
    run(store, 1, Failing())
    taught = {t.user_attrs["taught"] for t in store.study.get_trials() if "taught" in t.user_attrs}
    sound = {c.name for c in store.baselines() if not c.failures}
    assert {c.name for c in store.baselines()} - sound
    assert taught <= sound


@pytest.mark.parametrize("strategy", ["tpe", "random"])
def test_a_run_repeats_with_its_seed(memory, early, strategy):
    first, second = opened("a"), opened("b")
    for store in (first, second):
        run(store, 10, strategy=strategy)
    assert [c.schedule for c in first.candidates()] == [c.schedule for c in second.candidates()]
    assert len(found(first)) == 10


def test_a_run_stopped_after_any_batch_goes_on_as_the_uninterrupted_one(memory, early):
    whole = opened("whole")
    run(whole, 11)
    for batches in range(1, len(baselines(3)) + 4):  # progress is told after each baseline and each batch
        url = f"{batches}"
        ideal: Any = Ideal()
        steps: Any = search(opened(url), ideal, SPACE, plan(11))
        for _ in range(batches):
            next(steps)
        steps.close()
        run(opened(url), 11)
        assert found(opened(url)) == found(whole)


@pytest.mark.parametrize("evaluator", [Ideal(), Failing()], ids=["sound", "some fail"])
def test_a_run_killed_before_any_write_goes_on_as_the_uninterrupted_one(memory, early, mortal, evaluator):
    whole = opened("whole")
    run(whole, 10, evaluator)
    for writes in range(1, 1000, 2):
        url = f"{writes}"
        killed = killed_after(writes, lambda url=url: run(opened(url), 10, evaluator))
        run(opened(url), 10, evaluator)
        assert len(opened(url).candidates()) == 10
        assert found(opened(url)) == found(whole)
        if not killed:
            break
    assert writes > 80


def test_a_run_killed_while_it_is_resumed_loses_and_doubles_nothing(memory, early, mortal):
    whole = opened("whole")
    run(whole, 8)
    for writes in range(1, 24):
        url = f"{writes}"
        killed_after(35, lambda url=url: run(opened(url), 8))
        orphans = optuna.storages.RDBStorage(url).get_all_trials(0, states=(TrialState.RUNNING,))
        assert len(orphans) > 2
        killed_after(writes, lambda url=url: run(opened(url), 8))
        run(opened(url), 8)
        assert len(opened(url).candidates()) == 8
        assert found(opened(url)) == found(whole)


def test_ctrl_c_gives_the_batch_back_to_whoever_asks_next_in_the_same_process(memory, early):
    whole, store = opened("whole"), opened("stopped")
    run(whole, 8)
    run(store, 4)
    with pytest.raises(KeyboardInterrupt):
        run(store, 8, raising_evaluator(KeyboardInterrupt))
    assert TrialState.RUNNING not in states(store)
    run(store, 8)
    assert found(store) == found(whole)


@pytest.mark.parametrize(
    "bad",
    ["study.db", "redis://localhost", "nonsense://", "sqlite:////nowhere/at/all.db", "mysql+nothing://u:secret@h/d"],
)
def test_a_storage_that_cannot_be_used_is_one_line_without_its_password(bad):
    with pytest.raises(InputError) as refusal:
        opened(bad)
    message = str(refusal.value)
    assert len(message.splitlines()) == 1
    assert "STORAGE=" in message
    assert "secret" not in message


@pytest.mark.parametrize("damage", ["overwritten", "halved", "another"])
def test_a_damaged_study_is_one_line_and_stays_as_it_was(tmp_path, url, damage):
    path = tmp_path / "study.db"
    run(opened(url), 3)
    content = path.read_bytes()
    if damage == "overwritten":
        path.write_bytes(b"no database" * 100)
    elif damage == "halved":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
        path.mkdir()
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(InputError) as refusal:
        opened(url)
    assert len(str(refusal.value).splitlines()) == 1
    assert "study.db" in str(refusal.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_stored_values_are_plain_json(url):
    store = opened(url)
    run(store, 4, Failing())
    for trial in store.study.get_trials():
        json.dumps(trial.user_attrs, allow_nan=False)
    json.dumps(store.study.user_attrs, allow_nan=False)


def raising(error):
    def fail(*arguments, **named):
        raise error

    return fail


def raising_evaluator(error=Killed):
    class Raising(Ideal):
        def evaluate(self, schedules, draws):
            if draws and len(schedules) > 1:
                raise error
            return super().evaluate(schedules, draws)

    return Raising()


WRITES = (
    "create_new_trial", "set_trial_param", "set_trial_state_values", "set_trial_user_attr", "set_trial_system_attr",
    "set_study_user_attr",
)  # fmt: skip


def killed_after(writes, action):
    """Runs an action (on `memory`) whose process dies before its (writes + 1)-th write; whether it came to that."""
    left = writes
    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            real = getattr(InMemoryStorage, name)

            def write(*arguments, real=real, **named):
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                return real(*arguments, **named)

            patch.setattr(InMemoryStorage, name, write)
        try:
            action()
        except Killed:
            return True
    return False
