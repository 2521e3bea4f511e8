"""Laws of several processes on one study: every index once, nothing scored twice or lost, the budget kept."""

import multiprocessing
import os
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path

import numpy as np
import optuna
import postgresql
import pytest
import torch
from conftest import opened_store
from fakes import FakeEvaluator, by_distance
from optuna.trial import TrialState

from experiments import bench_workers
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.search.loop import search
from schedsearch.search.race import Race
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.strategies.grid import GridStrategy
from schedsearch.strategies.strategy import Strategy
from schedsearch.study import claims as module
from schedsearch.study import lock, processes
from schedsearch.study.budget import Budget
from schedsearch.study.claims import Claim, Claims
from schedsearch.study.database import StoreFile
from schedsearch.study.lock import StoreLock
from schedsearch.study.store import Store, sqlite_url
from vocoder.errors import InputError

IDENTITY = {"dataset": "toy", "sample_rate": 16000, "iterations": 3, "seed": 0}
SPACE = LogSnrSpace(3)
PROPOSED = [log_snr_line(3, first, -3) for first in np.linspace(6, 12, 40)]
NOWHERE = Path(os.devnull)
ELSEWHERE = "another/0 1 1"  # an owner on a machine that nobody can look at


def slow(log: Path, seconds: float) -> FakeEvaluator:
    """Takes a while, and writes down whom it scores."""

    def before(schedules):
        if seconds:
            log.with_suffix(".begun").touch()
        time.sleep(seconds)
        with log.open("a") as file:
            file.writelines(f"{schedule.betas.tolist()}\n" for schedule in schedules)

    return FakeEvaluator(by_distance, before=before)


def strategy_of(name: str, store: Store) -> Strategy:
    if name == "grid":
        return GridStrategy("grid", PROPOSED)
    return Bayesian(name, SPACE, 0, index=store.next_index, pending=store.in_flight)


def opened(url: str) -> Store:
    return opened_store(url, IDENTITY, {"log_mel_l1": "minimize"})


def work(url: str, log: Path, seconds: float, name: str, candidates: int) -> None:
    """One worker, from its start to its end."""
    torch.set_num_threads(1)  # OpenMP's threads do not survive a fork, and whoever asks for them waits for ever
    store = opened(url)
    race = Race([slow(log, seconds)], "log_mel_l1", 1)
    for _ in search(store, race, SPACE, strategy_of(name, store), Budget(candidates, "candidates")):
        pass


def started(url: str, log: Path, *, seconds: float = 0.01, name: str = "random", candidates: int = 24):
    """Forked: a process that has to import torch takes seconds to begin."""
    arguments = (url, log, seconds, name, candidates)
    worker = multiprocessing.get_context("fork").Process(target=work, args=arguments, daemon=True)
    worker.start()
    return worker


def ended(workers) -> None:
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0


def scored(log: Path) -> Counter[str]:
    """How often each schedule was."""
    return Counter(log.read_text().splitlines())


def indices(store: Store) -> list[int]:
    """Of all trials that have a result."""
    return sorted(t.user_attrs["index"] for t in store.study.get_trials() if "result" in t.user_attrs)


def assert_all_accounted(url: str, log: Path, candidates: int) -> None:
    store = opened(url)
    assert indices(store) == list(range(candidates))
    assert len(store.candidates()) == candidates
    assert TrialState.RUNNING not in {t.state for t in store.study.get_trials()}
    assert {c.name for c in store.baselines()} == set(baselines(3))


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL of these tests' own, on loopback."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql.server())
        except postgresql.Missing as missing:
            pytest.skip(str(missing))
        yield url


@pytest.fixture
def database(server):
    """An empty database of this test's own."""
    return postgresql.new_database(server)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    return sqlite_url(tmp_path / "study.db") if request.param == "sqlite" else request.getfixturevalue("database")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "grid"])
def test_workers_that_begin_at_once_score_every_index_once_and_keep_the_budget(url, tmp_path, name):
    log = tmp_path / "log"
    log.touch()
    ended([started(url, log, name=name) for _ in range(4)])
    assert_all_accounted(url, log, 24)
    assert set(scored(log).values()) == {1}
    assert len(scored(log)) == 24 + len(baselines(3))


@pytest.mark.slow
def test_what_a_killed_worker_was_at_is_taken_over_by_the_survivors(url, tmp_path):
    log = tmp_path / "log"
    log.touch()
    victim = started(url, log, seconds=1000)
    until(lambda: log.with_suffix(".begun").exists())
    survivor = started(url, log)
    victim.kill()
    victim.join()
    ended([survivor])
    assert_all_accounted(url, log, 24)
    assert set(scored(log).values()) == {1}


@pytest.mark.slow
def test_a_copy_of_a_store_does_not_wait_for_those_at_work_in_the_original(tmp_path):
    log, url = tmp_path / "log", sqlite_url(tmp_path / "study.db")
    log.touch()
    victim = started(url, log, seconds=1000)
    until(lambda: log.with_suffix(".begun").exists())
    until(lambda: opened(url).study.user_attrs.keys() & {f"at work on {name}" for name in baselines(3)})
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    ended([started(sqlite_url(copy), log)])
    assert_all_accounted(sqlite_url(copy), log, 24)
    assert victim.is_alive()
    victim.kill()


def test_what_this_process_is_at_in_the_original_is_an_orphan_in_a_copy(tmp_path):
    here = opened(sqlite_url(tmp_path / "study.db"))
    claimed(here, PROPOSED[:2])
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    copy = opened(sqlite_url(tmp_path / "copy.db"))
    assert copy.in_flight() == []
    assert [claim.schedule for claim in copy.adopt()] == PROPOSED[:2]
    assert here.in_flight() == PROPOSED[:2]


def test_a_backup_copied_over_a_store_that_is_open_is_noticed(tmp_path):
    file = tmp_path / "study.db"
    here = opened(sqlite_url(file))
    claimed(here, PROPOSED[:2])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    claimed(here, PROPOSED[2:4])
    with here.turn():
        assert here.next_index() == 4
    here.study._storage._backend.engine.dispose()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup, closing(sqlite3.connect(file)) as connection:
        backup.backup(connection)  # over the same inode, as cp does it
    with pytest.raises(InputError, match="its file was deleted or replaced meanwhile"), here.turn():
        here.next_index()


def hold(url: str, subject: str, ready: Path) -> None:
    """Claims the work x, and holds the lock on another subject until the process ends."""
    store = opened(url)
    store.claim_work(["x"], lambda task: False)
    with StoreLock(url).held(subject):
        ready.touch()
        time.sleep(1000)


@pytest.fixture
def holding(url, tmp_path):
    """A process that is stopped in the middle of `hold`."""
    ready = tmp_path / "ready"
    process = multiprocessing.get_context("fork").Process(target=hold, args=(url, "lock", ready), daemon=True)
    process.start()
    until(ready.exists)
    os.kill(process.pid or 0, signal.SIGSTOP)
    yield process
    process.kill()


@pytest.mark.slow
def test_a_wait_for_the_lock_names_its_holder_and_how_to_go_on(url, holding, monkeypatch, caplog):
    monkeypatch.setattr(lock, "NOTICE", 0.1)
    threading.Timer(1.5, holding.kill).start()
    with StoreLock(url).held("lock"):
        pass
    [message] = caplog.messages
    assert f"waiting for process {holding.pid} on {socket.gethostname()}, which is stopped" in message
    assert message.endswith(f"continue it (kill -CONT {holding.pid}), or end it (kill -KILL {holding.pid})")


def test_a_wait_for_a_thread_of_this_process_does_not_advise_to_end_it():
    assert processes.how_to_go_on(processes.this_process()) == "waiting for another thread of this process"


def test_a_wait_for_work_names_its_process_once_and_how_to_go_on(url, holding, monkeypatch, caplog):
    monkeypatch.setattr(module, "POLL", 0.01)
    monkeypatch.setattr(module, "NOTICE", 0.05)
    monkeypatch.setattr(StoreLock, "held", lambda *_: nullcontext(True))  # which the stopped process has too
    store = opened(url)
    for _ in range(20):
        assert store.claim_work(["x"], lambda task: False) is None
        store.wait(["x"])
    [message] = caplog.messages
    assert f"waiting for process {holding.pid} on {socket.gethostname()}, which is stopped" in message
    holding.kill()
    holding.join()
    assert store.claim_work(["x"], lambda task: False) == "x"


def until(true, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


# --- in one process -------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch):
    """Trials claimed inside belong to another machine's process; returns how to go there and back."""

    def go(away: bool) -> None:
        monkeypatch.setattr(module, "this_process", (lambda: ELSEWHERE) if away else processes.this_process)

    return go


def claimed(store: Store, schedules):
    with store.turn():
        return store.claim(schedules, "grid", SPACE)


def test_another_machine_s_trials_are_left_alone_until_its_lease_has_run_out(memory, monkeypatch, elsewhere):
    here = opened("a")
    elsewhere(True)
    claimed(opened("a"), PROPOSED[:2])
    elsewhere(False)
    assert here.adopt() == []
    assert here.in_flight() == PROPOSED[:2]
    later = time.time() + processes.LEASE
    monkeypatch.setattr(time, "time", lambda: later)
    assert [claim.schedule for claim in here.adopt()] == PROPOSED[:2]


def test_a_lease_is_renewed_for_as_long_as_its_store_is_there(memory, monkeypatch):
    monkeypatch.setattr(processes, "RENEWED", 0.005)
    store = opened("a")
    claimed(store, PROPOSED[:1])
    key = f"lease {processes.this_process()}"
    first = store.study.user_attrs[key]
    until(lambda: store.study.user_attrs[key] > first)


def test_a_worker_that_was_cut_off_for_longer_than_its_lease_counts_nothing_twice(memory, monkeypatch, elsewhere):
    here, away = opened("a"), opened("a")
    elsewhere(True)
    lost = claimed(away, PROPOSED[:2])
    elsewhere(False)
    later = time.time() + processes.LEASE
    monkeypatch.setattr(time, "time", lambda: later)
    found = FakeEvaluator(by_distance).evaluate(PROPOSED[:2], (0,))
    adopted = here.adopt()
    away.finish(lost, found)
    assert opened("a").candidates() == []
    here.finish(adopted, found)
    away.release(lost)
    assert [c.name for c in opened("a").candidates()] == ["trial 0", "trial 1"]


def test_a_result_that_came_in_while_its_trial_was_taken_over_counts_once(memory, elsewhere):
    here = opened("a")
    elsewhere(True)
    lost = claimed(opened("a"), PROPOSED[:1])
    elsewhere(False)
    [trial] = here.study.get_trials()
    found = FakeEvaluator(by_distance).evaluate(PROPOSED[:1], (0,))
    here._claims._add(PROPOSED[0], "grid", 0, {}, {"batch": "b", "first": 0, "size": 1, "instead of": 0})
    here.finish(lost, found)
    here.finish([claim_of(here, 1)], found)
    assert indices(here) == [0, 0]
    assert [c.name for c in here.candidates()] == ["trial 0"]
    assert trial.number == 0


def claim_of(store: Store, number: int) -> Claim:
    kept = store.study.get_trials()[number].user_attrs
    return Claim(kept["claim"], PROPOSED[0], "grid", kept["index"], kept["first"], kept["size"])


def test_a_part_of_a_batch_is_adopted_where_others_have_claimed_since(memory, elsewhere, monkeypatch):
    here = opened("a")
    elsewhere(True)
    claimed(opened("a"), PROPOSED[:2])
    monkeypatch.setattr(Claims, "release", lambda *_: None)
    real = Claims._add
    monkeypatch.setattr(Claims, "_add", lambda *a: real(*a) if a[3] < 3 else kill())
    with pytest.raises(ZeroDivisionError):
        claimed(opened("a"), PROPOSED[2:4])
    monkeypatch.setattr(Claims, "_add", real)
    elsewhere(False)
    assert [claim.index for claim in claimed(here, PROPOSED[4:6])] == [3, 4]
    here.study.set_user_attr(f"lease {ELSEWHERE}", 0.0)
    assert [claim.index for claim in here.adopt()] == [0, 1]
    assert [claim.index for claim in here.adopt()] == [2]


def kill():
    raise ZeroDivisionError


def test_ctrl_c_while_a_batch_is_claimed_leaves_nothing_under_way(memory, monkeypatch):
    store, real = opened("a"), Claims._add

    def interrupted(self, schedule, kind, index, *rest):
        if index == 2:
            raise KeyboardInterrupt
        return real(self, schedule, kind, index, *rest)

    monkeypatch.setattr(Claims, "_add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        claimed(store, PROPOSED[:4])
    assert store.in_flight() == []
    assert store.adopt() == []
    assert store.next_index() == 0


def test_work_is_taken_once_and_again_when_its_taker_is_dead(memory, monkeypatch):
    here, other = opened("a"), opened("a")
    never = lambda work: False  # noqa: E731
    monkeypatch.setattr(module, "this_process", lambda: ELSEWHERE)
    assert other.claim_work(["x", "y"], never) == "x"
    monkeypatch.setattr(module, "this_process", processes.this_process)
    assert here.claim_work(["x", "y"], never) == "y"
    assert here.claim_work(["x"], never) is None
    assert here.claim_work(["y"], never) == "y"  # its own, after a Ctrl-C
    assert here.claim_work(["x", "y"], lambda work: True) is None
    here.study.set_user_attr(f"lease {ELSEWHERE}", 0.0)
    assert here.claim_work(["x"], never) == "x"


def test_what_others_are_at_counts_against_a_budget_of_candidates(memory, elsewhere, monkeypatch):
    elsewhere(True)
    away = opened("a")
    lost = claimed(away, PROPOSED[:3])
    elsewhere(False)
    here, race = opened("a"), Race([slow(NOWHERE, 0)], "log_mel_l1", 1)
    running = search(here, race, SPACE, strategy_of("grid", here), Budget(7, "candidates"))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    *_, last = (progress for progress, _ in zip(running, range(len(baselines(3)) + 3), strict=False))
    assert last.stage == "waiting"
    assert [c.schedule for c in here.candidates()] == PROPOSED[3:7]  # none of those that the other is at
    away.finish(lost, FakeEvaluator(by_distance).evaluate(PROPOSED[:3], (0,)))
    assert list(running) == []
    assert [c.index for c in here.candidates()] == list(range(7))


def test_a_database_that_cannot_be_locked_is_refused():
    with pytest.raises(InputError, match="must be an SQLite or a PostgreSQL database, and is mysql"):
        opened("mysql://root@localhost/x")


def test_a_server_that_does_not_answer_is_one_line(database):
    gone = database.replace("127.0.0.1:", "127.0.0.1:1")
    if int(gone.rpartition(":")[2].split("/")[0]) >= 65536:
        gone = "postgresql+psycopg://search@127.0.0.1:1/x"
    with pytest.raises(InputError, match="cannot use the trial store") as refusal:
        opened(gone)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.slow
def test_the_bench_begins_a_study_for_each_number_of_workers(url):
    for workers in (1, 2):
        heat = bench_workers.Sleeping(0.01)
        assert bench_workers.seconds_of(workers, url, heat, 4 * workers) > 0
    studies = optuna.get_all_study_summaries(url)
    assert sorted(study.n_trials for study in studies) == [4, 8]


@pytest.mark.slow
def test_the_bench_can_score_with_the_demo_voice(tmp_path):
    heat = bench_workers.of_demo(clips=2, seconds=0.1)
    assert bench_workers.seconds_of(2, sqlite_url(tmp_path / "study.db"), heat, 4) > 0


def test_each_database_of_a_server_has_a_name_of_its_own(server):
    """So a restored dump does not wait for processes that work in the original."""
    names = [StoreFile.at(postgresql.new_database(server)).id for _ in range(2)]
    assert names[0].split(":")[0] == names[1].split(":")[0] != ""
    assert names[0] != names[1]
