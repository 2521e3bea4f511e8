"""Laws of a user's own metric: how it is found, what it may be, how it fails, and that its source is never mixed up."""

import csv
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LogRms, Toy, files_below, noise_clip

import schedsearch
from schedsearch.cli import main
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics import own
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.own import own_metric
from schedsearch.metrics.registry import Metric, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import log_snr_line
from vocoder.errors import InputError

SIX = log_snr_line(6, 10.0, -4.0)
DOCS = Path(__file__).parents[2] / "docs" / "own-metric.md"
LOUDEST, SNR = re.findall(r"```python\n(import numpy.*?)```", DOCS.read_text(), re.DOTALL)
Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module into the working directory. Modules and path are as before when the test ends."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # of two files of one second and size it would be the first's
    names: list[str] = []

    def written(name: str, text: str) -> None:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        names.append(name)
        forget()

    def forget() -> None:
        own._loaded.cache_clear()
        for name in list(sys.modules):
            if name.partition(".")[0] in {known.partition(".")[0] for known in names}:
                del sys.modules[name]

    yield written
    forget()


def bound(reference: str, jobs: int = 1) -> Metric:
    [metric] = metrics_for(LogRms(), 16_000, jobs=jobs, names=[reference]).values()
    return metric


def silent(reference: object, estimate: object, sample_rate: int) -> float:
    return 0.0


def pair(clips: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """References [clip, samples] and one candidate's estimates [1, clip, samples]."""
    references = torch.stack([noise_clip("", 640, 0.1, seed=seed).audio for seed in range(clips)])
    return references, (0.5 * references)[None]


def test_a_plain_function_is_a_metric_of_two_clips(write):
    write("plain", LOUDEST)
    metric = bound("plain:loudest")
    references, estimates = pair()
    expected = (references.abs().amax(-1) / 2).tolist()
    assert metric.measure(references, estimates)[0] == pytest.approx(expected)
    said = (metric.name, metric.unit, metric.direction, metric.summary)
    assert said == ("loudest", "1", "minimize", "difference of the loudest samples")


def test_the_decorator_says_name_unit_and_direction(write):
    write("decorated", SNR)
    metric = bound("decorated:signal_to_noise")
    assert (metric.name, metric.unit, metric.better_side) == ("snr", "dB", "higher is better")
    assert metric.measure(*pair())[0] == pytest.approx([10 * np.log10(4)] * 2)  # half the signal is the error


def test_attributes_say_the_same(write):
    write("attributes", LOUDEST + "\nloudest.name, loudest.unit, loudest.direction = 'peak', 'dB', 'maximize'\n")
    metric = bound("attributes:loudest")
    assert (metric.name, metric.unit, metric.direction) == ("peak", "dB", "maximize")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"direction": "up"}, "direction must be minimize or maximize, and is 'up'"),
        ({"unit": ""}, "unit must be 1 to 20 characters"),
        ({"name": "two words"}, "name must be a letter"),
    ],
)
def test_the_decorator_refuses_what_cannot_be(said, message):
    with pytest.raises(InputError, match=message):
        schedsearch.metric(**said)(silent)


@pytest.mark.parametrize(
    ("reference", "text", "message"),
    [
        ("nowhere:loudest", "", "neither .* nor Python's path has a module nowhere"),
        ("wrong:quietest", LOUDEST, "wrong.py has no function quietest"),
        ("wrong:np", LOUDEST, "wrong.py has no function np"),
        ("wrong:", LOUDEST, "must be named as package.module:function"),
        ("wrong:f", "import nothing_such\n", "it imports nothing_such, which is not installed"),
        ("wrong:f", "def f(:\n", "its import fails: SyntaxError"),
        ("wrong:f", "raise SystemExit(3)\n", "its import fails: SystemExit: 3"),
        ("wrong:f", "def f(reference, estimate): ...\n", r"must take \(reference, estimate, sample_rate\), and takes"),
        ("wrong:stoi", "def stoi(reference, estimate, sample_rate): ...\n", "another metric is called stoi"),
        ("math:dist", "", "must stand in a file|must take"),
    ],
)
def test_what_cannot_be_a_metric_is_refused_in_a_line(write, reference, text, message):
    write("wrong", text)
    with pytest.raises(InputError, match=message) as caught:
        bound(reference)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('too\\nshort')", "f: ValueError: too short"),
        ("raise SystemExit", "f: SystemExit"),
        ("return float('nan')", "f is nan"),
        ("return 1e200", "f is 1e.200, no number up to 1e.100"),  # whose square is infinite
        ("return reference[:3]", r"returned an array of shape \[(3|1, 640)\]"),
        ("return None", "returned a NoneType"),
        ("return 'good'", "returned a str"),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_what_a_function_does_wrong_is_a_failure_of_its_clip(write, body, reason, batch):
    """The second clip alone has a peak above 0.9, and fails."""
    text = f"def f(reference, estimate, sample_rate):\n    if abs(reference).max() > 0.9:\n        {body}\n"
    good = "reference.mean(-1)" if batch else "0.0"
    write("failing", f"{text}    return {good}\nf.batch = {batch}\n")
    references, estimates = pair(3)
    references[1, 5] = 0.95
    first, second, third = bound("failing:f").measure(references, estimates)[0]
    assert isinstance(first, float) and isinstance(third, float)
    assert isinstance(second, Failure) and re.search(reason, second.reason)


def test_a_failure_names_clip_and_metric(write, analytic_vocoder):
    write("naming", "def f(reference, estimate, sample_rate):\n    raise RuntimeError('no pitch')\n")
    evaluator = Evaluator(analytic_vocoder, [noise_clip("hello", 640)], [bound("naming:f")], NoiseBank(0))
    assert evaluator.evaluate([SIX], [0])[0].scores["f"].failures == ("hello, draw 0: f: RuntimeError: no pitch",)


def test_audio_that_is_not_finite_fails_without_a_call(write):
    write("unasked", "def f(reference, estimate, sample_rate):\n    return 0.0\n")
    references, estimates = pair()
    estimates[0, 1, 3] = float("nan")
    good, bad = bound("unasked:f").measure(references, estimates)[0]
    assert good == 0.0 and bad == Failure("estimate has NaN or infinite samples")


def test_a_function_may_write_into_what_it_gets(write):
    write("writing", "def f(reference, estimate, sample_rate):\n    reference[:] = 9\n    return 0.0\n")
    references, estimates = pair()
    before = references.clone()
    bound("writing:f").measure(references, estimates)
    assert torch.equal(references, before)


@pytest.mark.slow
def test_worker_processes_import_it_from_the_working_directory(write):
    write("working", LOUDEST)
    assert bound("working:loudest", jobs=2).measure(*pair(3)) == bound("working:loudest").measure(*pair(3))


def test_a_file_that_changes_while_workers_start_is_told(write, tmp_path):
    write("changing", LOUDEST)
    metric = bound("changing:loudest", jobs=2)
    (tmp_path / "changing.py").write_text(LOUDEST + "\n# another\n")
    with pytest.raises(InputError, match="the file of metric changing:loudest changed meanwhile"):
        metric.measure(*pair())


def test_the_source_is_the_file_and_what_it_imports_from_beside(write):
    def source(helper: str, other: str = "") -> str:
        write("pack.helper", helper)
        write("pack.other", other)
        write("pack.mine", "from pack.helper import f as g\ndef f(reference, estimate, sample_rate):\n    return g()\n")
        return own_metric("pack.mine:f").source

    once = source("def f():\n    return 1.0\n")
    assert source("def f():\n    return 1.0\n", other="x = 1") == once
    assert source("def f():\n    return 2.0\n") != once


@pytest.mark.parametrize(
    ("module", "imports"),
    [
        ("mine", "from helper import LEVEL"),
        ("mine", "from helper import *"),
        ("mine", "def later():\n    import helper"),
        ("pack.mine", "from .helper import LEVEL"),
        ("pack.mine", "from . import helper"),
        ("pack.mine", "def later():\n    import pack.helper"),
        ("pack.mine", "from .between import f as g"),  # which imports it
        ("mine", "try:\n    from .helper import LEVEL\nexcept ImportError:\n    from helper import LEVEL"),
        ("pack.mine", "try:\n    from ...up import LEVEL\nexcept ImportError:\n    from .helper import LEVEL"),
        ("mine", "def later():\n    import of_python_2\nimport helper"),
    ],
)
def test_a_constant_and_a_late_import_belong_to_the_source(write, module, imports):
    """Neither leaves a module behind in the metric's own."""
    package = module.rpartition("mine")[0]

    def source(level: str) -> str:
        write(f"{package}helper", f"LEVEL = {level}\n")
        write("of_python_2", "print 1\n")
        write(f"{package}between", f"def f():\n    from {'.' if package else ''}helper import LEVEL\n")
        write(module, f"{imports}\ndef f(reference, estimate, sample_rate):\n    return 0.0\n")
        return own_metric(f"{module}:f").source

    once = source("1.0")
    assert source("2.0") != once
    assert source("1.0") == once


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
@pytest.mark.parametrize("batch", [False, True])
def test_a_fault_of_the_machine_is_no_failure_of_a_clip(write, error, batch):
    """A stored failure would stand for ever: the schedule would be out of the race for what passed in a minute."""
    write("full", f"def f(reference, estimate, sample_rate):\n    raise {error!r}\nf.batch = {batch}\n")
    with pytest.raises(InputError, match="metric f could not be computed .*; mend that and give the same command"):
        bound("full:f").measure(*pair())


# --- commands ---------------------------------------------------------------------------------------------------------


def run(toy: Toy, command: str, *options: str) -> int:
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    return main([command, "--dataset", "toy", *places, *options])


def test_a_search_improves_it_and_a_changed_source_is_another_study(toy, write, capsys):
    write("wanted", SNR)
    objective = ["--objective", "wanted:signal_to_noise", "--budget", "1candidates"]
    assert run(toy, "search", *objective) == 0
    assert "95 % interval" in (said := capsys.readouterr().out) and "higher is better" in said
    assert "changed since" not in said
    run_json = json.loads((toy.folder / "run.json").read_text())
    entry = run_json["held_out"][0]
    assert (run_json["objective"], entry["metric"]) == ("snr", "snr")
    assert (entry["unit"], entry["better_side"]) == ("dB", "higher is better")
    assert run_json["identity"]["objective"] == "wanted:signal_to_noise"
    page = (toy.folder / "report.html").read_text()
    assert "signal to noise" in page and "higher is better" in page
    assert run(toy, "report", "--iters", "6") == 2
    told = capsys.readouterr().err.strip().partition("; say ")[2]
    assert main(shlex.split(told)[1:]) == 0  # as it is typed
    assert run(toy, "report", "--iters", "6", "--objective", "lsd") == 2
    assert "improved wanted:signal_to_noise, not lsd; leave OBJECTIVE= out" in capsys.readouterr().err
    assert run(toy, "report", "--iters", "6", "--objective", "wanted:signal_to_noise") == 0
    assert run(toy, "report") == 0  # the page of all lengths knows the better side without the function
    assert "higher is better" in (toy.folder.parent / "report.html").read_text()
    write("wanted", SNR.replace("10 *", "20 *"))
    assert run(toy, "report", "--iters", "6", "--objective", "wanted:signal_to_noise") == 2
    assert "another source of your own metrics" in capsys.readouterr().err
    assert run(toy, "search", *objective) == 0
    assert "changed since the last search: source of your own metrics; a new study" in capsys.readouterr().out


def test_a_metric_that_fails_on_every_clip_stops_a_search_before_it_begins(toy, write, capsys):
    write("hopeless", "def f(reference, estimate, sample_rate):\n    return 1 / 0\n")
    before = files_below(toy.root)
    assert run(toy, "search", "--objective", "hopeless:f") == 2
    told = capsys.readouterr().err
    assert "metric hopeless:f" in told and "clip search" in told and "ZeroDivisionError: division by zero" in told
    assert told.count("\n") == 1
    after = {path: content for path, content in files_below(toy.root).items() if "__pycache__" not in path.parts}
    assert after == before


def test_it_is_a_column_of_a_comparison_and_measured_again_when_it_changes(toy, write, capsys):
    write("column", LOUDEST)
    options = ["--iters", "6", "--objective", "spectral", "--metrics", "lsd column:loudest"]

    def compared(*more: str) -> list[float]:
        assert run(toy, "compare", *options, *more) == 0
        with (toy.folder.parent / "comparison.csv").open(newline="") as file:
            return [float(row["mean"]) for row in csv.DictReader(file) if row["metric"] == "loudest"]

    once = compared()
    assert compared() == once
    write("column", LOUDEST.replace("return ", "return 2 * "))
    assert compared() == pytest.approx([2 * value for value in once])


def test_python_scores_and_metrics_lists_it(toy, memory, write, capsys):
    write("scored", SNR)
    voice = schedsearch.open_voice("toy", experiments=toy.root)
    table = voice.score(SIX, metrics=["lsd", "scored:signal_to_noise"])
    assert list(table.index) == ["lsd", "snr"] and np.isfinite(table.loc["snr", "mean"])
    assert main(["metrics", "--metrics", "scored:signal_to_noise"]) == 0
    assert re.search(r"^snr +dB +higher +signal to noise$", capsys.readouterr().out, re.MULTILINE)
