"""Laws of stopping: Ctrl-C and SIGTERM are alike, the second ends at once, and neither prints a traceback."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import interrupt_at, stand_in

from schedsearch.cli import main
from schedsearch.commands.stopping import Stopped, stoppable
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.schedules.files import read_schedule

STUBBORN = """
import signal, sys, time
from schedsearch.commands.stopping import stoppable
with stoppable(to_the_end=True):
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("leaving", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_an_interrupt_with_its_status(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, stoppable(to_the_end=False):
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 5)  # a signal that is on its way gets here
    assert stopped.value.status == 128 + number
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_at_once_without_a_word(second):
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], **piped, text=True)  # type: ignore[call-overload]
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "leaving\n"
    process.send_signal(second)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 128 + second


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_search_says_so_in_one_line_and_goes_on(toy, memory, monkeypatch, capsys, number, status):
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", lambda *_, **__: os.kill(os.getpid(), number))
        assert toy.search("--budget", "3candidates") == status
    assert "stopped; the same command goes on where it was" in capsys.readouterr().err
    assert toy.search("--budget", "3candidates") == 0
    assert len(toy.store().candidates()) == 3


def test_an_interrupt_from_elsewhere_is_130(toy, memory, monkeypatch):
    interrupt_at(monkeypatch, 2)
    assert toy.search("--budget", "3candidates") == 130


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", ["search", "check-voice"])
def test_a_signal_during_the_voice_check_is_one_line_and_stores_nothing(toy, request, capsys, command, number, status):
    def stopped(vocoder, clips):
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 5)

    stand_in(request, diagnose=stopped)
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    assert main([command, "--dataset", "toy", *places]) == status
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith("schedsearch: stopped; the same command goes on")
    assert "Traceback" not in captured.out + captured.err
    assert not list((toy.root / "results").rglob("front_end.json"))


@pytest.mark.slow
def test_a_thousand_steps_are_searched_from_begin_to_end(toy, memory, capsys):
    for path in sorted((toy.root / "search").iterdir())[1:]:
        path.unlink()  # one clip will do
    assert toy.search("--iters", "1000", "--budget", "2candidates") == 0
    schedule = read_schedule(toy.folder.with_name("1000iters") / "schedule.json")
    assert len(schedule) == 1000
    assert "Traceback" not in capsys.readouterr().err
