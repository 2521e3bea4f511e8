"""Laws of scoring in other processes: order, killed workers, and whose processes they are."""

import errno
import os

import joblib
import pytest
from conftest import noise_clip
from joblib.parallel import get_active_backend
from mortal import mortal, twice, unwilling

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics import processes
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.perceptual import parallel_pesq
from schedsearch.metrics.processes import KILLED, spread
from schedsearch.metrics.registry import Metric
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import log_snr_line
from vocoder.errors import InputError


def test_results_keep_the_order_of_their_calls():
    assert spread(twice, [(i,) for i in range(5)], 2) == [0, 2, 4, 6, 8]


def test_a_process_that_is_killed_once_costs_nothing(tmp_path):
    assert spread(mortal, [(i, f"{tmp_path}/died") for i in range(3)], 2) == [0, 2, 4]
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_a_call_that_kills_its_process_again_fails_alone():
    assert spread(mortal, [(i, "") for i in range(3)], 2) == [0, KILLED, 4]
    assert spread(twice, [(1,)], 2) == [2]  # whoever comes next finds living processes


def test_a_users_backend_is_used_instead_of_ours():
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert spread(os.getpid, [(), ()], 2) == [os.getpid()] * 2
    assert os.getpid() not in spread(os.getpid, [(), ()], 2)


def test_a_users_backend_is_used_on_a_machine_with_one_core_too():
    with joblib.parallel_config(backend="loky", n_jobs=2):
        assert os.getpid() not in spread(os.getpid, [(), ()], 1)
    assert spread(os.getpid, [(), ()], 1) == [os.getpid()] * 2


def test_a_users_backend_reaches_the_metrics_of_an_evaluator(analytic_vocoder):
    seen = []

    def measure(references, estimates):
        seen.append(type(get_active_backend()[0]).__name__)
        return [[0.0] * len(references) for _ in estimates]

    metric = Metric("seen", "", "minimize", measure)
    evaluator = Evaluator(analytic_vocoder, [noise_clip("a", 640)], [metric], NoiseBank(0))
    with joblib.parallel_config(backend="threading", n_jobs=2):
        evaluator.evaluate([log_snr_line(2, 9, -3)], (0,))
    assert seen == ["ThreadingBackend"]


def test_what_a_function_raises_is_raised():
    with pytest.raises(ValueError, match="not 3"):
        spread(unwilling, [(3,), (4,)], 2)


@pytest.fixture(scope="module")
def dask():
    """Two worker processes, in joblib's hands. Dask itself tries no call again that killed one: three tries of its own
    would kill the workers under the calls that come next."""
    distributed = pytest.importorskip("distributed", reason="the extra schedsearch[dask] is not installed")
    settings = pytest.importorskip("dask").config.set({"distributed.scheduler.allowed-failures": 0})
    with settings, distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        yield client


@pytest.mark.slow
def test_pesq_through_dask_scores_what_our_own_processes_score(dask):
    clips = [noise_clip(name, 8000).audio for name in "ab"]
    pairs = [(clip, clip + 0.01 * clips[0]) for clip in clips]
    with joblib.parallel_config(backend="dask"):
        through_dask = parallel_pesq(pairs, 16000, 2)
    assert all(isinstance(score, float) for score in through_dask)
    assert through_dask == parallel_pesq(pairs, 16000, 2)


@pytest.mark.slow
def test_a_call_that_kills_its_workers_of_dask_fails_alone(dask, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 8.0)  # dask never says that a worker died
    with joblib.parallel_config(backend="dask"):
        first, failed, third = spread(mortal, [(i, "") for i in range(3)], 2)
    assert (first, third) == (0, 4)
    assert isinstance(failed, Failure)
    assert failed.reason.startswith("no answer in 8 s: ")


def test_a_backend_without_workers_is_one_line(monkeypatch):
    def gone(*_):
        raise ConnectionError("nobody listens\non port 1")

    monkeypatch.setattr(processes, "_parallel", gone)
    with (
        joblib.parallel_config(backend="threading", n_jobs=2),
        pytest.raises(InputError, match=r"workers are lost \(ConnectionError: nobody listens\); start them anew"),
    ):
        spread(twice, [(1,)], 2)


@pytest.mark.slow
def test_where_no_process_can_be_started_scores_are_computed_in_this_one_and_that_is_said_once(monkeypatch, caplog):
    tries = []

    def full(*_):
        tries.append(1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # of a semaphore, in a /dev/shm that is full

    monkeypatch.setattr(processes, "_parallel", full)
    monkeypatch.setattr(processes, "_without_processes", [])
    assert [spread(twice, [(i,) for i in range(3)], 2) for _ in range(2)] == [[0, 2, 4]] * 2
    assert spread(os.getpid, [()], 2) == [os.getpid()]
    assert len(tries) == 2  # the calls, and an empty one
    [line] = caplog.messages
    assert "No space left on device): scores are computed in this process" in line
