import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from conftest import AnalyticVocoder, noise_clip
from joblib import parallel_config
from joblib.parallel import get_active_backend

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.side_by_side import AT_ONCE, Stopped, side_by_side
from schedsearch.metrics.registry import metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.named import published, universal_schedules

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2  # as it was found
    torch.set_num_threads(before)


def own(number, check):
    check()
    return number, torch.get_num_threads(), threading.get_ident()


def test_results_come_in_the_order_of_the_pieces_whoever_ends_first():
    def waiting(number, check):
        time.sleep(0.02 if number == 0 else 0)
        return number

    assert side_by_side([partial(waiting, number) for number in range(5)], CPU) == [0, 1, 2, 3, 4]
    assert side_by_side([], CPU) == []


@pytest.mark.parametrize(("device", "threads", "pieces", "each"), [
    (CPU, 2, 4, 1), (CPU, 2, 1, 2), (CPU, 1, 4, 1), (CPU, 4, 2, 2), (GPU, 2, 4, 1), (GPU, 1, 4, 1)
])  # fmt: skip
def test_pieces_that_run_at_once_divide_the_threads(device, threads, pieces, each):
    torch.set_num_threads(threads)
    found = side_by_side([partial(own, number) for number in range(pieces)], device)
    assert {count for _, count, _ in found} == {each}
    assert torch.get_num_threads() == threads
    assert threading.get_ident() not in {thread for *_, thread in found}
    torch.set_num_threads(2)


@pytest.mark.parametrize(("device", "threads", "asked", "most"), [
    (CPU, 1, AT_ONCE, 1), (CPU, 3, AT_ONCE, 3), (CPU, 64, AT_ONCE, AT_ONCE), (CPU, 64, 2, 2), (GPU, 64, AT_ONCE, 2)
])  # fmt: skip
def test_no_more_run_at_once_than_memory_allows(device, threads, asked, most):
    torch.set_num_threads(threads)
    together, lock, running, peak = threading.Barrier(most), threading.Lock(), [0], [0]

    def piece(check):
        with lock:
            running[0] += 1
            peak[0] = max(peak[0], running[0])
        together.wait(60)  # so many do run at once
        with lock:
            running[0] -= 1

    side_by_side([piece] * (4 * most), device, asked)
    assert peak[0] == most
    torch.set_num_threads(2)


def test_calls_of_several_threads_leave_torch_its_number_of_threads():
    inside, over = threading.Event(), threading.Event()

    def waiting(check):
        inside.set()
        over.wait(60)

    outer = threading.Thread(target=side_by_side, args=([waiting] * 2, CPU))
    outer.start()
    inside.wait(60)  # torch's number for new threads is 1 now
    inner, later = [], []
    user = threading.Thread(target=lambda: inner.extend(side_by_side([partial(own, 0)], CPU)))
    user.start()
    user.join()
    over.set()
    outer.join()
    last = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    last.start()
    last.join()
    assert (inner[0][1], later) == (2, [2])


def until_stopped(check):
    while True:
        check()
        time.sleep(0.001)


def test_an_error_ends_the_other_pieces_and_is_the_one_that_is_raised():
    def broken(check):
        raise ZeroDivisionError("in the piece")

    with pytest.raises(ZeroDivisionError, match="in the piece"):
        side_by_side([until_stopped, broken, *[until_stopped] * 50], CPU)  # else it would never end


def test_ctrl_c_ends_the_pieces_that_run(monkeypatch):
    begun, ended = threading.Event(), []

    def piece(check):
        begun.set()
        try:
            until_stopped(check)
        except Stopped:
            ended.append(1)
            raise

    def pressed(futures):
        begun.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr("schedsearch.evaluation.side_by_side.as_completed", pressed)
    with pytest.raises(KeyboardInterrupt):
        side_by_side([piece] * 10, CPU)
    assert 1 <= len(ended) <= 2  # the others never began


def test_pieces_have_the_users_joblib_settings():
    with parallel_config(backend="threading", n_jobs=3):
        [(backend, jobs)] = side_by_side([lambda check: get_active_backend()], CPU)
    assert (type(backend).__name__, jobs) == ("ThreadingBackend", 3)


def test_scores_do_not_depend_on_how_many_run_at_once():
    vocoder = AnalyticVocoder()
    clips = [noise_clip(f"{i}", 640 * (1 + i % 3), 0.1, seed=i) for i in range(7)]
    metrics = list(metrics_for(vocoder.front_end, 16000, names=("log_mel_l1", "level")).values())
    schedules = [published("ivanvovk-6"), universal_schedules()["universal-6"]]
    values = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        evaluations = Evaluator(vocoder, clips, metrics, NoiseBank(0)).evaluate(schedules, [0, 1])
        values.append([evaluation.scores[metric.name].values for evaluation in evaluations for metric in metrics])
    torch.set_num_threads(2)
    np.testing.assert_array_equal(values[1], values[0])
    np.testing.assert_array_equal(values[2], values[0])
