"""Laws of the trial store: nothing finished is lost, nothing counts twice, a resumed run is the uninterrupted one."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import optuna
import pytest
from conftest import Lasting, opened_store
from fakes import FakeEvaluator, by_distance
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import CurveSpace, LogSnrSpace
from schedsearch.search.loop import search
from schedsearch.search.race import Race
from schedsearch.strategies import bayesian
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.strategies.grid import GridStrategy
from schedsearch.study import claims as module
from schedsearch.study import trials
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.database import check_reachable
from schedsearch.study.processes import LEASE, is_alive, machine, this_process
from schedsearch.study.results import Results
from schedsearch.study.store import HELD_OUT, LEADER, Direction, sqlite_url, study_name
from vocoder.errors import InputError

SPACE = LogSnrSpace(3)
IDENTITY = {"dataset": "toy", "sample_rate": 16000, "iterations": 3, "checkpoint": "abc", "seed": 0}
DEAD = f"{machine()} 999999999 1"  # above Linux's largest process id
ONE: dict[str, Direction] = {"log_mel_l1": "minimize"}
PROPOSED = [log_snr_line(3, first, -3) for first in (9.0, 8.0, 7.0, 6.0)]


class Killed(BaseException):
    """What a test raises where a process would have died."""


def sometimes_silent(schedule, draw):
    """Fails above a log-SNR of 8 at the clean end."""
    return by_distance(schedule) if schedule.log_snr[0] < 8 else [1.0, np.nan]


def of_four_clips(schedule, draw):
    """Each clip likes another schedule a little; fails at the upper end."""
    if schedule.log_snr[0] >= 11.5:
        return np.full(4, np.nan)
    likes = np.array([[9.0, 3.0, -3.0], [9.2, 3.0, -3.1], [8.9, 3.1, -3.0], [9.0, 2.8, -2.9]])
    return np.square(schedule.log_snr - likes).mean(axis=1)


def interrupted(schedules):
    """Ctrl-C in the first batch of candidates."""
    if len(schedules) > 1:
        raise KeyboardInterrupt


FAKE, FAILING = FakeEvaluator(by_distance), FakeEvaluator(sometimes_silent)
HEAT = FakeEvaluator(of_four_clips, ("a", "b", "c", "d"), network_evaluations=24)
INTERRUPTED = FakeEvaluator(by_distance, before=interrupted)


def race_of(*heats):
    return Race(heats, "log_mel_l1", 1)


ALONE, SOME_FAIL, RACED = race_of(FAKE), race_of(FAILING), race_of(HEAT, HEAT)


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
    """Trials claimed from now on belong to a process that is dead when the store is next opened."""
    monkeypatch.setattr(module, "this_process", lambda: DEAD)


@pytest.fixture
def early(monkeypatch):
    """TPE fits its densities from the sixth trial on, baselines included."""
    monkeypatch.setattr(bayesian, "STARTUP", 6)


def opened(url, identity=IDENTITY):
    return opened_store(url, identity, ONE)


def steps(store, candidates, race=ALONE, strategy="tpe"):
    proposing = Bayesian(strategy, SPACE, 0, index=store.next_index)
    return search(store, race, SPACE, proposing, Budget(candidates, "candidates"))


def run(store, candidates, race=ALONE, strategy="tpe"):
    for _ in steps(store, candidates, race, strategy):
        pass


def found(store):
    """{(index, schedule, score)} of all candidates; a set that is smaller than their number holds one twice."""
    return {(c.index, c.schedule, str(c.score.values), c.estimate) for c in store.candidates()}


def states(store):
    return [trial.state for trial in store.study.get_trials(deepcopy=False)]


def claimed(store, schedules=PROPOSED[:2]):
    return store.claim(schedules, "tpe", SPACE)


def finished(store, claims):
    store.finish(claims, FAKE.evaluate([claim.schedule for claim in claims], (0,)))


def test_a_reopened_store_holds_all_that_was_told(url):
    store = opened(url)
    run(store, 6, SOME_FAIL)
    again = opened(url)
    assert any(c.failures for c in store.candidates())
    assert len(again.candidates()) == 6
    for before, after in zip(
        [*store.baselines(), *store.candidates()], [*again.baselines(), *again.candidates()], strict=True
    ):
        np.testing.assert_array_equal(after.score.values, before.score.values)  # NaN where it failed
        assert dataclasses.replace(after, scores={}) == dataclasses.replace(before, scores={})
        assert after.failures == before.failures
    assert {c.name for c in again.baselines()} == set(baselines(3))


def test_what_is_remembered_is_recalled_and_nothing_else(url):
    opened(url).remember("key", [[1.5, None], []])
    assert opened(url).recall("key") == [[1.5, None], []]
    assert opened(url).recall("other") is None


def test_betas_survive_storage_to_the_last_bit(url):
    store = opened(url)
    claims = claimed(store)
    finished(store, claims)
    assert [c.schedule for c in opened(url).candidates()] == PROPOSED[:2]


def test_every_score_is_stored_and_the_first_decides(url):
    scores = {"a": Score(np.array([[1.0], [3.0]])), "b": Score(np.array([[5.0], [6.0]]))}
    store = opened_store(url, IDENTITY, {"a": "minimize", "b": "maximize"})
    store.finish(claimed(store, PROPOSED[:1]), [Evaluation({**scores, "c": scores["a"]}, 1.0, 3)])
    [candidate] = opened_store(url, IDENTITY, {"a": "minimize", "b": "maximize"}).candidates()
    assert {name: score.mean for name, score in candidate.scores.items()} == {"a": 2.0, "b": 5.5, "c": 2.0}
    assert (candidate.score.mean, candidate.losses(store.signs)) == (2.0, (2.0, -5.5))
    assert store.study.trials[0].values == [2.0, 5.5]


def test_work_of_strategies_that_have_left_counts(url):
    store = opened(url)
    assert store.work() == (0, 0)
    store.study.set_user_attr("work slope 1", [2.0, 30, "[1.0]"])
    store.study.set_user_attr("work level errors", [0.5, 12, "{}"])
    assert opened(url).work() == (2.5, 42)


def test_proposals_are_numbered_on_and_trials_show_their_points(url):
    store = opened(url)
    finished(store, claimed(store))
    claims = claimed(store, PROPOSED[2:])
    assert [claim.index for claim in claims] == [2, 3]
    assert store.next_index() == 4
    for trial, schedule in zip(store.study.get_trials(), PROPOSED, strict=True):
        point = [trial.params[name] for name in sorted(trial.params)]
        np.testing.assert_allclose(SPACE.decode(point).log_snr, schedule.log_snr, atol=1e-6)


def test_a_schedule_outside_the_box_is_stored_as_it_is(url):
    outside = log_snr_line(3, 16.0, -3.0)
    store = opened(url)
    finished(store, claimed(store, [outside]))
    assert store.study.get_trials()[0].params == {}
    assert [c.schedule for c in opened(url).candidates()] == [outside]


def test_an_orphan_is_failed_and_adopted_first_as_what_it_was(url, mortal):
    claimed(opened(url))
    again = opened(url)
    assert again.candidates() == []
    claims = again.adopt()
    assert [(c.schedule, c.index, c.kind) for c in claims] == [(PROPOSED[0], 0, "tpe"), (PROPOSED[1], 1, "tpe")]
    assert states(again) == [TrialState.FAIL, TrialState.FAIL, TrialState.RUNNING, TrialState.RUNNING]
    finished(again, claims)
    assert [c.name for c in again.candidates()] == ["trial 0", "trial 1"]
    assert (again.adopt(), again.next_index()) == ([], 2)


def test_orphans_of_several_batches_are_adopted_batch_by_batch(url, mortal):
    store = opened(url)
    claimed(store)
    finished(store, claimed(store, PROPOSED[2:])[:1])
    again = opened(url)
    for index, first in (([0, 1], 0), ([3], 2)):
        claims = again.adopt()
        assert [claim.index for claim in claims] == index
        assert {claim.first for claim in claims} == {first}
        finished(again, claims)
    assert again.adopt() == []
    assert {c.schedule for c in again.candidates()} == set(PROPOSED)


def test_a_batch_that_was_not_claimed_whole_is_left_to_the_strategy(memory, mortal):
    assert killed_after(2, lambda: claimed(opened("a"), PROPOSED[:3]))  # the study's identity, the process's lease
    for writes in range(2, 4):  # the identity stands
        assert killed_after(writes, lambda: claimed(opened("a"), PROPOSED[:3]))
        again = opened("a")
        assert TrialState.RUNNING in states(again)
        assert again.adopt() == []
        assert TrialState.RUNNING not in states(again)
        assert again.next_index() == 0


def test_a_trial_with_a_stored_result_is_told_and_not_evaluated_again(url, mortal, monkeypatch):
    store = opened(url)
    [claim] = claimed(store, PROPOSED[:1])
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(store.study, "tell", raising(Killed()))
        finished(store, [claim])
    again = opened(url)
    assert states(again) == [TrialState.COMPLETE]
    assert again.adopt() == []
    [candidate] = again.candidates()
    assert candidate.schedule == claim.schedule
    assert again.study.get_trials()[0].value == pytest.approx(candidate.score.mean)


def test_a_scored_trial_whose_owner_dies_later_is_not_evaluated_again(url, monkeypatch):
    store, other = opened(url), opened(url)
    with monkeypatch.context() as patch:
        patch.setattr(module, "this_process", lambda: DEAD)
        claims = claimed(store)
        patch.setattr(store.study, "tell", raising(Killed()))
        with pytest.raises(Killed):
            finished(store, claims)
    assert [claim.index for claim in other.adopt()] == [1]
    assert [c.index for c in other.candidates()] == [0]


def test_a_failed_result_that_was_not_told_is_failed_and_not_evaluated_again(url, mortal, monkeypatch):
    store = opened(url)
    claims = claimed(store, PROPOSED[:1])
    failed = Evaluation({"log_mel_l1": Score(np.array([[np.nan]]), ("a, draw 0: silent",))}, 1.0, 3)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(store.study, "tell", raising(Killed()))
        store.finish(claims, [failed])
    again = opened(url)
    assert states(again) == [TrialState.FAIL]
    assert again.adopt() == []
    assert [c.failures for c in again.candidates()] == [("a, draw 0: silent",)]


def test_what_a_race_stopped_is_pruned_and_keeps_its_estimate(url):
    store = opened(url)
    stopped = Evaluation({"log_mel_l1": Score(np.array([[4.0], [np.nan]]))}, 1.0, 3, estimate=2.5)
    store.finish(claimed(store, PROPOSED[:1]), [stopped])
    again = opened(url)
    assert states(again) == [TrialState.PRUNED]
    [candidate] = again.candidates()
    assert (candidate.estimate, candidate.whole, candidate.losses(again.signs)) == (2.5, False, (2.5,))


def test_a_live_owners_trials_are_left_alone(url):
    claimed(opened(url))
    again = opened(url)
    assert again.adopt() == []
    assert states(again) == [TrialState.RUNNING, TrialState.RUNNING]
    assert again.next_index() == 2


def test_what_is_released_is_adopted_in_the_same_process(url):
    store = opened(url)
    claims = claimed(store)
    finished(store, claims[:1])
    store.release(claims)
    assert [(c.index, c.schedule) for c in store.adopt()] == [(1, PROPOSED[1])]
    assert [c.index for c in store.candidates()] == [0]


def test_a_live_owner_of_another_user_is_alive(monkeypatch):
    me = this_process()
    monkeypatch.setattr(os, "kill", raising(PermissionError()))
    assert is_alive(me)


def test_another_process_with_the_same_id_is_no_owner():
    host, pid, started = this_process().rsplit(" ", 2)
    assert is_alive(f"{host} {pid} {started}")
    assert not is_alive(f"{host} {pid} {int(started) + 1}")


@pytest.mark.parametrize("name", ["", "host", DEAD, f"{machine()} {10**30} 1", "a b c d"])
def test_what_is_no_process_here_is_dead_unless_it_renewed_its_lease_on_another_machine(name):
    assert is_alive(name, time.time()) == (name == "a b c d")
    assert not is_alive(name, time.time() - LEASE)
    assert not is_alive(name)


def test_a_process_that_ended_is_dead(url):
    code = "from schedsearch.study.processes import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not is_alive(ended.stdout.strip())


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


@pytest.mark.parametrize("strategy", ["tpe", "random"])
def test_a_run_repeats_with_its_seed(memory, early, strategy):
    first, second = opened("a"), opened("b")
    for store in (first, second):
        run(store, 10, strategy=strategy)
    assert [c.schedule for c in first.candidates()] == [c.schedule for c in second.candidates()]
    assert len(found(first)) == 10


def test_baselines_cost_no_trial_and_are_stored_once(memory):
    store = opened("a")
    for candidates in (4, 6):
        run(store, candidates)
    assert {c.name for c in store.baselines()} == set(baselines(3))
    assert len(store.study.get_trials()) == len(store.candidates()) == 6


def test_a_baseline_that_has_another_schedule_by_now_is_scored_anew_and_nothing_older_has_its_name(memory, monkeypatch):
    store, renewed = opened("a"), log_snr_line(3, 9.0, -3.0)
    run(store, 4)
    name, other = sorted(baselines(3))[:2]
    for known in (name, other):
        store.remember(f"{LEADER.format(known)}1", [1.0])
        store.remember(f"{HELD_OUT.format(known)}(0, 1) lsd", [1.0])
    before = {c.name: c for c in store.baselines()}
    monkeypatch.setattr("schedsearch.search.loop.baselines", lambda n, own: baselines(n, own=own) | {name: renewed})
    run(opened("a"), 4)
    after = {c.name: c for c in opened("a").baselines()}
    assert after[name].schedule == renewed
    assert after[name].score.mean != before[name].score.mean
    assert after.keys() == before.keys()
    keys = (f"{LEADER}1", f"{HELD_OUT}(0, 1) lsd")
    recalled = [opened("a").recall(key.format(known)) for key in keys for known in (name, other)]
    assert recalled == [None, [1.0], None, [1.0]]


def test_a_baseline_that_another_machine_rounds_otherwise_is_the_same(memory, monkeypatch):
    run(opened("a"), 4)
    before = {c.name: c.schedule for c in opened("a").baselines()}
    rounded = {name: NoiseSchedule(np.nextafter(each.betas, 1.0)) for name, each in baselines(3).items()}
    monkeypatch.setattr("schedsearch.search.loop.baselines", lambda n, own: rounded)
    run(opened("a"), 4)
    assert {c.name: c.schedule for c in opened("a").baselines()} == before


@pytest.mark.slow
def test_a_run_stopped_after_any_batch_goes_on_as_the_uninterrupted_one(memory, early):
    whole = opened("whole")
    run(whole, 11, RACED)
    for batches in range(1, len(baselines(3)) + 4):  # progress is told after each baseline and each batch
        stopped = steps(opened(f"{batches}"), 11, RACED)
        for _ in range(batches):
            next(stopped)
        stopped.close()
        run(opened(f"{batches}"), 11, RACED)
        assert found(opened(f"{batches}")) == found(whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("race", "first"), [(ALONE, 1), (SOME_FAIL, 2), (RACED, 3)], ids=["sound", "some fail", "raced"]
)
def test_a_run_killed_before_any_write_goes_on_as_the_uninterrupted_one(memory, early, mortal, race, first):
    whole = opened("whole")
    run(whole, 10, race)
    for writes in range(first, 1000, 3):  # the three of them together before every write
        url = f"{writes}"
        killed = killed_after(writes, lambda url=url: run(opened(url), 10, race))
        run(opened(url), 10, race)
        assert len(opened(url).candidates()) == 10
        assert found(opened(url)) == found(whole)
        if not killed:
            break
    assert writes > len(baselines(3)) + 3 * 10  # a claim, a result and an end for each


def test_the_raced_run_that_is_killed_stops_some_fails_some_and_scores_some(memory, early):
    run(opened("a"), 10, RACED)
    candidates = opened("a").candidates()
    assert any(c.whole for c in candidates)
    assert any(c.failures for c in candidates)
    assert any(c.estimate is not None for c in candidates)


@pytest.mark.slow
def test_what_is_left_of_a_batch_races_against_the_best_before_it(memory, mortal):
    # The first of the batch is far better than all before it: once stored, it would stop the others of its batch.
    better_than_baselines = [log_snr_line(3, first, -3) for first in (9.0, 9.6, 9.7, 9.8)]

    def search_all(url):
        strategy = GridStrategy("grid", better_than_baselines)
        list(search(opened(url), RACED, SPACE, strategy, Budget(4, "candidates")))

    search_all("whole")
    assert all(c.whole for c in opened("whole").candidates())
    for writes in range(1, 30):
        killed_after(writes, lambda url=f"{writes}": search_all(url))
        search_all(f"{writes}")
        assert found(opened(f"{writes}")) == found(opened("whole"))


@pytest.mark.slow
def test_a_run_killed_while_it_is_resumed_loses_and_doubles_nothing(memory, early, mortal):
    whole = opened("whole")
    run(whole, 8, RACED)
    # Identity, lease, baselines taken and scored, a batch, the next one claimed, one result of it.
    begun = 1 + 1 + 2 * len(baselines(3)) + 3 * 4 + 4 + 1
    for writes in range(1, 30):
        url = f"{writes}"
        assert killed_after(begun, lambda url=url: run(opened(url), 8, RACED))
        orphans = optuna.storages.RDBStorage(url).get_all_trials(0, states=(TrialState.RUNNING,))
        assert len(orphans) == 4
        killed_after(writes, lambda url=url: run(opened(url), 8, RACED))
        run(opened(url), 8, RACED)
        assert len(opened(url).candidates()) == 8
        assert found(opened(url)) == found(whole)


def test_ctrl_c_gives_the_batch_back_to_whoever_asks_next_in_the_same_process(memory, early):
    whole, store = opened("whole"), opened("stopped")
    run(whole, 8)
    run(store, 4)
    with pytest.raises(KeyboardInterrupt):
        run(store, 8, race_of(INTERRUPTED))
    run(store, 8)
    assert TrialState.RUNNING not in states(store)
    assert found(store) == found(whole)


def test_ctrl_c_does_not_cost_a_strategy_that_goes_on_its_batch(memory):
    # In a notebook the strategy may outlive the search that was stopped: it must not propose what is adopted again.
    store, strategy = opened("a"), GridStrategy("grid", PROPOSED, batch=2)
    budget = Budget(9, "candidates")
    with pytest.raises(KeyboardInterrupt):
        list(search(store, race_of(INTERRUPTED), SPACE, strategy, budget))
    list(search(store, ALONE, SPACE, strategy, budget))
    assert [c.schedule for c in store.candidates()] == PROPOSED


def test_ctrl_c_right_after_a_claim_leaves_nothing_to_wait_for(memory, monkeypatch):
    real = module.Claims.claim

    def claim(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.Claims, "claim", claim)
        store = opened("a")
    with pytest.raises(KeyboardInterrupt):
        run(store, 2)
    assert not store.in_flight()
    run(opened("a"), 2)
    assert len(opened("a").candidates()) == 2


def test_a_strategy_that_has_run_out_ends_the_search(memory):
    store = opened("a")
    *_, last = search(store, ALONE, SPACE, GridStrategy("grid", PROPOSED), Budget(9, "candidates"))
    assert [(c.kind, c.schedule) for c in store.candidates()] == [("grid", schedule) for schedule in PROPOSED]
    assert last.done < 1


def test_work_of_a_strategy_that_has_left_counts_towards_the_budget(memory):
    for budget, left in ((Budget(5, "minutes"), 4), (Budget(90, "calls"), 5)):
        store = opened(f"{budget}")
        store.study.set_user_attr("work level errors", [120.0, 30, "1"])
        store = opened(f"{budget}")
        list(search(store, ALONE, SPACE, Bayesian("random", SPACE, 0), budget))
        assert len(store.candidates()) == left  # of a minute and 12 calls each; minutes end with their batch


def test_curves_that_no_point_stands_for_resume_too(memory, mortal):
    space = CurveSpace(12)
    schedules = [log_snr_line(12, first, -3) for first in (9.0, 12.0)]
    opened("a").claim(schedules, "grid", space)
    assert [claim.schedule for claim in opened("a").adopt()] == schedules


@pytest.mark.parametrize(
    "bad",
    ["study.db", "redis://localhost", "nonsense://", "sqlite:////nowhere/at/all.db", "mysql+nothing://u:secret@h/d"],
)
@pytest.mark.parametrize("use", [opened, check_reachable], ids=["open", "look"])
def test_a_storage_that_cannot_be_used_is_one_line_without_its_password(bad, use):
    with pytest.raises(InputError) as refusal:
        use(bad)
    message = str(refusal.value)
    assert len(message.splitlines()) == 1
    assert "STORAGE=" in message
    assert "secret" not in message


def test_looking_whether_a_storage_can_be_used_leaves_no_trace(tmp_path):
    check_reachable(sqlite_url(tmp_path / "study.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
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
    run(store, 9, RACED)
    for trial in store.study.get_trials():
        json.dumps(trial.user_attrs, allow_nan=False)
    json.dumps(store.study.user_attrs, allow_nan=False)


def raising(error):
    def fail(*arguments, **named):
        raise error

    return fail


WRITES = (
    "create_new_trial", "set_trial_param", "set_trial_state_values", "set_trial_user_attr", "set_trial_system_attr",
    "set_study_user_attr",
)  # fmt: skip


def killed_after(writes, action):
    """Runs an action (on `memory`) whose process dies before its (writes + 1)-th write; whether it came to that."""
    left = writes
    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            real = getattr(Lasting, name)

            def write(*arguments, real=real, **named):
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                return real(*arguments, **named)

            patch.setattr(Lasting, name, write)
        try:
            action()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused_before_what_takes_long(url):
    with pytest.raises(InputError, match="gone with its process"):
        check_reachable(url)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["grid", "random"])
def test_a_batch_costs_what_it_adds_however_many_there_are(url, monkeypatch, strategy):
    counts: Counter[str] = Counter()

    def count(owner, name):
        real = getattr(owner, name)

        def counted(*arguments, **named):
            counts[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, counted)

    count(RDBStorage, "_build_frozen_trial_from_trial_model")  # each trial that is read
    count(trials, "candidate_from")
    count(bayesian, "create_trial")
    count(Candidate, "losses")
    store = opened(url)
    grid = GridStrategy("grid", [log_snr_line(3, 6 + i / 100, -3) for i in range(200)])
    proposing = grid if strategy == "grid" else Bayesian("random", SPACE, 0, index=store.next_index)
    at = {}
    for _ in search(store, ALONE, SPACE, proposing, Budget(120, "candidates")):
        at[len(store.candidates())] = Counter(counts)
    assert at[40]["losses"] >= 36  # the last batch is told when the next is asked for
    for name in counts:
        assert at[120][name] - at[80][name] == at[80][name] - at[40][name], name


@pytest.mark.slow
def test_a_reopened_store_reads_each_trial_once(url, monkeypatch):
    run(opened(url), 12, strategy="random")
    real, read = RDBStorage._build_frozen_trial_from_trial_model, []

    def reading(storage, trial):
        read.append(trial.number)
        return real(storage, trial)

    monkeypatch.setattr(RDBStorage, "_build_frozen_trial_from_trial_model", reading)
    again = opened(url)
    assert (len(again.candidates()), again.next_index(), again.in_flight()) == (12, 12, [])
    assert sorted(read) == list(range(12))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_standing_is_that_of_all_candidates_below_whatever_the_order_in_which_they_came(sign):
    generator = np.random.default_rng(0)
    results = Results(sign)
    known: dict[int, tuple[int, Candidate]] = {}
    for trial in range(60):
        index, mean = int(generator.integers(20)), float(generator.integers(9))
        failures = ("silent",) if mean == 0 else ()
        score = {"spectral": Score(np.array([[mean]]), failures)}
        candidate = Candidate(f"trial {index}", "grid", PROPOSED[0], score, 1.0, int(mean), index)
        number = int(generator.permutation(60)[trial])
        results.add(candidate, number)
        if index not in known or number < known[index][0]:
            known[index] = (number, candidate)
        for before in (None, 0, 7, int(generator.integers(22))):
            below = [known[i][1] for i in sorted(known) if before is None or i < before]
            standing = results.standing(before)
            whole = [c for c in below if c.whole]
            assert standing.best is min(whole, key=lambda c: sign * c.score.mean, default=None)
            assert (standing.candidates, standing.seconds) == (len(below), float(len(below)))
            assert standing.network_evaluations == sum(c.network_evaluations for c in below)
    assert results.all() == [known[index][1] for index in sorted(known)]


def test_an_unfinished_trial_is_read_again_however_old_it_is(url, monkeypatch):
    monkeypatch.setattr(trials, "WINDOW", 2)
    here, other = opened(url), opened(url)
    claims = claimed(here, PROPOSED)
    other.refresh()
    assert other.in_flight() == PROPOSED
    finished(here, claims[1:])
    other.refresh()
    assert (other.in_flight(), len(other.candidates())) == (PROPOSED[:1], 3)
    finished(here, claims[:1])
    other.refresh()
    assert (other.in_flight(), len(other.candidates())) == ([], 4)
