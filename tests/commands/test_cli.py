"""Bad input gets one clear line and status 2, and leaves nothing behind; what is stopped or killed goes on."""

import csv
import io
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import Toy, files_below, interrupt_at, work_alone
from forked import forked

from schedsearch.cli import COMMANDS, main
from schedsearch.metrics.catalogue import catalogue
from schedsearch.voice.check import KEPT

TESTS = Path(__file__).parents[1]
CLIPS = TESTS.parent / "experiments" / "demo" / "16000hz" / "clips"
VOICE = 'checkpoint = "voice.pt"\nconfig = "voice.json"\nsearch_clips = "search"\nheld_out_clips = "held_out"\n'


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with a dataset "tiny": random weights in ivanvovk's layout, half-second clips of real speech."""
    (tmp_path / "tiny.toml").write_text(f"[rates.16000]\n{VOICE}")
    (tmp_path / "both.toml").write_text(f"[rates.16000]\n{VOICE}\n[rates.8000]\n{VOICE}")
    (tmp_path / "slow.toml").write_text(f"[rates.8000]\n{VOICE}")
    shutil.copy(TESTS / "golden" / "ivanvovk_tiny.pt", tmp_path / "voice.pt")
    shutil.copy(TESTS / "golden" / "ivanvovk_tiny.json", tmp_path / "voice.json")
    for split in ("search", "held_out"):
        (tmp_path / split).mkdir()
        for path in sorted((CLIPS / split).glob("*.flac"))[:3]:
            audio, rate = soundfile.read(path)
            soundfile.write(tmp_path / split / f"{path.stem}.wav", audio[rate : rate + rate // 2], rate)
    return tmp_path


def refused(tiny: Path, capsys: pytest.CaptureFixture, *options: str, command: str = "search") -> str:
    """The one line that a command ends with; asserts that it is the only one, and that nothing was written."""
    before = files_below(tiny)
    forced = ["--results", str(tiny / "results"), "--force=1"]  # its weights are random
    places = ["--experiments", str(tiny)] + (forced if command == "search" else [])
    status = main([command, "--dataset", "tiny", *places, *options])
    captured = capsys.readouterr()
    assert status == 2, captured
    assert len(captured.err.splitlines()) == 1, captured.err
    assert "Traceback" not in captured.out + captured.err
    assert captured.err.startswith("schedsearch: ")
    assert files_below(tiny) == before
    return captured.err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--iters", "0"], "ITERS must be a whole number from 1 to 1000, and is '0'"),
        (["--iters", "-6"], "ITERS"),
        (["--iters", "1.5"], "'1.5'"),
        (["--iters", "5000"], "'5000'"),
        (["--iters", "six"], "'six'"),
        (["--iters", ""], "ITERS"),
        (["--dataset", "demoo"], "known: both, slow, tiny;"),
        (["--dataset", "../tiny"], "known: both, slow, tiny;"),
        (["--dataset", "two\nlines"], "known: both, slow, tiny;"),
        (["--dataset", "both"], "8000, 16000; choose one with RATE="),
        (["--dataset", "both", "--rate", "22050"], "8000, 16000"),
        (["--dataset", "slow"], "is for 16000 Hz, the dataset says 8000"),
        (["--rate", "fast"], "RATE must be a whole number"),
        (["--rate", "-1"], "RATE"),
        (["--budget", "10"], "BUDGET must be"),
        (["--budget", "10hours"], "'10hours'"),
        (["--budget", "0candidates"], "BUDGET"),
        (["--budget", "2.5candidates"], "BUDGET"),
        (["--more", "some"], "MORE must be"),
        (["--more", "4candidates"], "MORE adds to a search that has ended, and this one has not; go on without MORE"),
        (["--budget", "5candidates", "--more", "1min"], "MORE must be in the budget's unit (5candidates)"),
        (["--seed", "-1"], "SEED must be"),
        (["--seed", "lucky"], "'lucky'"),
        (["--seed", str(2**31)], "SEED"),
        (["--strategy", "annealing"], "STRATEGY must be one of auto, model, tpe, gp, random, cmaes, grid"),
        (["--grid", "levels:2"], "GRID=levels:2 is for STRATEGY=grid alone, and STRATEGY is 'auto'; "),
        (["--grid", "levels:3", "--strategy", "tpe"], "or leave GRID out"),
        (["--objective", "mos"], "OBJECTIVE must be one of pesq, spectral_pesq, log_mel_l1"),
        (["--objective", "pesq,pesq_wb", "--strategy", "tpe"], "OBJECTIVE must name each metric once"),
        (["--objective", "level"], "OBJECTIVE must be one of pesq, spectral_pesq, log_mel_l1"),
        (["--storage", "study.db"], "STORAGE="),
        (["--storage", "redis://localhost"], "STORAGE="),
        (["--storage", "sqlite:////nowhere/at/all.db"], "(there is no folder /nowhere/at); make it, then give"),
        (["--storage="], "names a file, folder or storage must not be empty; name one, or leave it out"),
        (["--results="], "must not be empty"),
        (["--experiments="], "must not be empty"),
        (["--results", "/proc/results"], "cannot make the folder /proc/results"),
        (["--colour"], "--colour"),
        (["--experiments", "/nowhere"], "no datasets in /nowhere/"),
        (["extra\nline"], "extra line"),
    ],
)
def test_a_bad_option_is_one_line(tiny, capsys, options, named):
    assert named in refused(tiny, capsys, *options)


@pytest.mark.parametrize(
    ("arguments", "named"), [(["--colour"], "colour"), (["serch"], "serch"), (["search", "--iters"], "iters")]
)
def test_a_bad_command_is_one_line(capsys, arguments, named):
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert named in told


SPEECH = 0.1 * np.sin(np.arange(16000) * 0.1)


def wav(samples, rate=16000):
    """Writes a clip among the others."""
    return lambda folder: soundfile.write(folder / "bad.wav", np.asarray(samples), rate, subtype="FLOAT")


def only(content: bytes):
    return lambda folder: (folder / "bad.wav").write_bytes(content)


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def cut_short(folder: Path) -> None:
    path = min(folder.iterdir())
    path.write_bytes(path.read_bytes()[:4000])


@pytest.mark.parametrize("split", ["search", "held_out"])
@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (emptied, "must hold audio"),
        (shutil.rmtree, "no such folder"),
        (wav(SPEECH, 22050), "22050 Hz, the vocoder needs 16000 Hz"),
        (wav(np.where(np.arange(16000) == 9, np.nan, SPEECH)), "NaN"),
        (wav(np.stack([SPEECH, SPEECH], axis=1)), "must be mono, has 2 channels"),
        (only(b""), "empty, 0 bytes"),
        (wav(np.zeros(0)), "has 0"),
        (wav(np.zeros(16000)), "silent"),
        (wav(SPEECH[:3999]), "must last at least 0.25 s"),
        (only(b"a letter, and no recording"), "cannot be decoded"),
        (cut_short, "truncated"),
    ],
    ids=["no audio", "no folder", "rate", "nan", "stereo", "empty", "no samples", "silent", "short", "text", "torn"],
)
def test_bad_clips_are_one_line(tiny, capsys, split, spoil, named):
    spoil(tiny / split)
    assert named in refused(tiny, capsys)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_nan(path: Path) -> None:
    model = torch.load(path, weights_only=True)
    state = model.get("model", model)
    name = next(n for n in state if n.endswith("weight"))
    state[name] = state[name] * float("nan")
    torch.save(model, path)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (Path.unlink, "no checkpoint file"),
        (truncated, "truncated"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("<html>not found</html>"), "a web page or XML; download the file itself"),
        (lambda path: path.write_bytes(pickle.dumps(Malicious())), "refused"),
        (lambda path: torch.save({"model": Malicious()}, path), "refused"),
        (lambda path: torch.save({"model": {"linear.weight": torch.ones(3, 3)}}, path), "no WaveGrad of a known"),
        (lambda path: torch.save([torch.ones(3)], path), "not a state dict"),
        (lambda path: shutil.copy(TESTS / "golden" / "coqui_tiny.pth", path), "coqui"),
        (of_nan, "NaN"),
    ],
    ids=["none", "torn", "empty", "text", "pickle", "zipped pickle", "linear", "list", "coqui", "nan"],
)
def test_a_bad_checkpoint_is_one_line_and_runs_nothing(tiny, capsys, monkeypatch, spoil, named):
    monkeypatch.chdir(tiny)
    spoil(tiny / "voice.pt")
    assert named in refused(tiny, capsys)
    assert not (tiny / "pwned").exists()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "voice.json"),
        ("{", "voice.json must be a JSON configuration"),
        ("[]", "voice.json must be a JSON table"),
        ('{"model_config": 3}', "model_config"),
        ("{}", "voice.json"),
    ],
)
def test_a_bad_configuration_is_one_line(tiny, capsys, content, named):
    (tiny / "voice.json").unlink()
    if content:
        (tiny / "voice.json").write_text(content)
    assert named in refused(tiny, capsys)


@pytest.mark.parametrize("place", ["results", "results/tiny", "results/tiny/16000hz/6iters"])
def test_a_file_in_the_results_folders_place_is_one_line(tiny, capsys, place):
    (tiny / place).parent.mkdir(parents=True, exist_ok=True)
    (tiny / place).write_text("mine")
    assert "cannot make the folder" in refused(tiny, capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_write_protected_results_folder_is_one_line(tiny, capsys):
    (tiny / "results").mkdir(mode=0o500)
    assert "cannot" in refused(tiny, capsys)


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_corrupt_study_is_one_line_and_stays_for_its_owner_to_see(tiny, capsys, content):
    folder = tiny / "results" / "tiny" / "16000hz" / "6iters"
    folder.mkdir(parents=True)
    (folder / "study.db").write_bytes(content)
    assert "study.db" in refused(tiny, capsys)


def test_a_study_that_is_a_folder_is_one_line(tiny, capsys):
    (tiny / "results" / "tiny" / "16000hz" / "6iters" / "study.db").mkdir(parents=True)
    assert "study.db" in refused(tiny, capsys)


@pytest.mark.parametrize("text", ["", "rates = [", "[rates.16000]\n", "[rates.16000.training]\n"])
def test_a_bad_dataset_file_is_one_line(tiny, capsys, text):
    (tiny / "tiny.toml").write_text(text)
    assert "tiny.toml" in refused(tiny, capsys)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "training"),  # its file has no training table
        (["--hours", "many"], "HOURS must be a positive number, and is 'many'"),
        (["--hours", "nan"], "HOURS"),
        (["--hours", "-1"], "HOURS"),
        (["--validate-every", "0"], "--validate-every must be"),
    ],
)
def test_a_bad_option_of_training_is_one_line(tiny, capsys, options, named):
    assert named in refused(tiny, capsys, *options, command="train")


def test_more_in_another_unit_than_a_begun_search_leaves_it_as_it_was(toy: Toy, capsys):
    assert toy.search("--budget", "1candidates") == 0
    results = {path: content for path, content in files_below(toy.root).items() if path.name != "study.db"}
    capsys.readouterr()
    assert toy.search("--more", "1min") == 2
    assert "MORE must be in the budget's unit (1candidates)" in capsys.readouterr().err
    assert {p: c for p, c in files_below(toy.root).items() if p.name != "study.db"} == results
    assert toy.store().recall("asked")["budget"] == "1candidates"


@pytest.mark.parametrize("evaluation", [0, 8, 11, 14], ids=["baselines", "late baselines", "candidates", "leaders"])
def test_ctrl_c_is_one_line_and_status_130_and_the_same_command_goes_on(toy, memory, monkeypatch, capsys, evaluation):
    with monkeypatch.context() as patch:
        interrupt_at(patch, evaluation)
        assert toy.search("--budget", "9candidates") == 130
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == "schedsearch: stopped; the same command goes on where it was"
    assert "Traceback" not in captured.err + captured.out
    assert {path.name for path in files_below(toy.root / "results")} == {KEPT}
    assert toy.search("--budget", "9candidates") == 0
    stopped = table(toy.folder)
    shutil.rmtree(toy.root / "results")
    assert toy.search("--budget", "9candidates", "--storage", "sqlite:///another") == 0
    assert stopped == table(toy.folder)


def table(folder: Path, score: str = "spectral_mean") -> set[tuple[str, str]]:
    """(betas, score) of every row of trials.csv; the names count the trials that were begun, and may differ."""
    with (folder / "trials.csv").open() as file:
        return {(row["betas"], row[score]) for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--help", ["search", "train"]),
        ("search --help", ["--iters", "--more"]),
        ("train --help", ["--hours", "--draw"]),
        ("compare --help", ["--schedules", "--draws"]),
        ("voice --help", ["--wavs", "--resample"]),
    ],
)
def test_help_goes_to_standard_output_with_status_0(capsys, option, named):
    with pytest.raises(SystemExit) as end:
        main(option.split())
    captured = capsys.readouterr()
    assert (end.value.code, captured.err) == (0, "")
    assert all(name in captured.out for name in named)


CANDIDATES = 14


@pytest.mark.slow
def test_a_search_killed_at_any_moment_goes_on_and_ends_as_the_one_that_was_left_alone(tiny, request):
    work_alone(request)
    for trials in (3, 8, 12):  # that have a result when it is killed: in the descent, and within both batches after it
        killed_with(tiny, "killed", trials)
    for name in ("killed", "whole"):
        assert begun(tiny, name).wait() == 0, (tiny / f"{name}.said").read_text()
    killed, whole = (tiny / name / "tiny" / "16000hz" / "3iters" for name in ("killed", "whole"))
    with closing(sqlite3.connect(killed / "study.db")) as database:
        evaluated = database.execute("SELECT count(*) FROM trial_user_attributes WHERE key = 'result'").fetchone()[0]
        running = database.execute("SELECT count(*) FROM trials WHERE state = 'RUNNING'").fetchone()[0]
    assert (evaluated, running) == (CANDIDATES, 0)
    assert json.loads((killed / "run.json").read_text())["candidates"] == CANDIDATES
    assert rounded(killed) == rounded(whole)
    # But for SQLite's log, which leaves with the last connection.
    names, wanted = ({path.name for path in folder.iterdir() if ".db-" not in path.name} for folder in (killed, whole))
    assert names == wanted
    betas = [torch.load(folder / "schedule.pt", weights_only=True) for folder in (killed, whole)]
    torch.testing.assert_close(*betas)


def rounded(folder: Path) -> list[tuple[str, str]]:
    """Scores to 4 digits: threads may add in another order."""
    scored = "spectral_mean"
    return sorted((betas, f"{float(score):.4g}" if score else "stopped") for betas, score in table(folder, scored))


def begun(tiny: Path, results: str) -> "subprocess.Popen[bytes]":
    """The search in a process of its own."""
    options = ["--dataset", "tiny", "--experiments", str(tiny), "--results", str(tiny / results), "--iters", "3"]
    forced = ["--force", "--objective", "spectral", "--budget", f"{CANDIDATES}candidates"]  # its weights are random
    return forked(lambda: main(["search", *options, *forced]), tiny / f"{results}.said")


def killed_with(tiny: Path, results: str, wanted: int) -> None:
    """Starts the search and kills it once so many trials have a result, unless it ends before."""
    search = begun(tiny, results)
    for found in results_found(tiny / results / "tiny" / "16000hz" / "3iters" / "study.db"):
        if found >= wanted or search.poll() is not None:
            break
    search.kill()
    search.wait()
    assert found >= wanted


def results_found(path: Path) -> Iterator[int]:
    """How many trials of a growing study have a result, until the one who asks is content."""
    while True:
        time.sleep(0.01)
        found = 0
        with suppress(sqlite3.OperationalError):  # not there yet, or without its tables
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
                query = "SELECT count(*) FROM trial_user_attributes WHERE key = 'result'"
                found = database.execute(query).fetchone()[0]
        yield found


def test_metrics_are_listed_with_what_can_be_an_objective(capsys):
    assert main(["metrics"]) == 0
    listed, pesq, beside = capsys.readouterr().out.split("\n\n")
    lines = listed.splitlines()
    assert [line.split()[0] for line in lines] == [definition.name for definition in catalogue(16_000)]
    assert {line.split()[0] for line in lines if " - " in line} == {"level"}
    assert "pesq_nb" in pesq  # what the rate decides
    compared = [line.split()[0] for line in beside.splitlines()[1:]]
    assert compared == ["real_time_factor", "network_evaluations_per_audio_second", "failure_rate"]


@pytest.mark.slow
def test_a_real_network_is_compared_in_the_usual_metrics(tiny, capsys, monkeypatch):
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: False)
    mine = tiny / "mine.pt"
    torch.save(torch.tensor([1e-4, 1e-2, 0.3]), mine)
    places = ["--experiments", str(tiny), "--results", str(tiny / "results"), "--dataset", "tiny"]
    assert main(["compare", *places, "--schedules", str(mine)]) == 0
    with (tiny / "results" / "tiny" / "16000hz" / "comparison.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["schedule"] == "mine.pt"]
    usual = ["spectral", "log_mel_l1", "pesq_wb", "stoi", "lsd", "level"]
    assert [row["metric"] for row in rows] == ["spectral_pesq_wb", *usual]
    for row in rows:
        assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
        assert float(row["real_time_factor"]) > 0
    assert "mine.pt" in capsys.readouterr().out


def statuses(tmp_path: Path, closed: str, *commands: str) -> tuple[list[int], subprocess.CompletedProcess[str]]:
    """Runs commands one after the other in a process with a closed stream, and returns their exit statuses."""
    told = tmp_path / "statuses"
    code = """if True:
        import pathlib, sys
        from schedsearch.cli import main
        pathlib.Path(sys.argv[1]).write_text(str([main(command.split()) for command in sys.argv[2:]]))
    """
    line = f'exec "$@" {closed}>&-'
    words = ["bash", "-c", line, "bash", sys.executable, "-c", code, str(told), *commands]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(told.read_text()), done


def test_a_closed_standard_output_is_one_line(tmp_path):
    commands = ("metrics", "--help", "show universal-6")
    found, done = statuses(tmp_path, "", *commands)
    assert (found, done.stdout) == ([2] * len(commands), "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(commands)
    assert all(line.startswith("schedsearch: standard output must be open, and is closed") for line in lines)


@pytest.mark.slow
def test_a_closed_standard_error_stops_nothing(tmp_path):
    found, _ = statuses(tmp_path, "2", "metrics", "show none.pt")
    assert found == [0, 2]


def as_printed(monkeypatch, encoding: str, *words: str) -> tuple[int, str, str]:
    """Runs a command whose output has this encoding; its exit status and what it printed."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    with monkeypatch.context() as patch:
        for name, stream in zip(("stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        status = main(words)
    for stream in streams:
        stream.flush()
    output, errors = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    return status, output, errors


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_an_encoding_lacks_are_escaped(tmp_path, monkeypatch, encoding):
    (tmp_path / "é€.json").write_text("[1e-4, 0.1]")
    status, output, errors = as_printed(monkeypatch, encoding, "verify", f"{tmp_path}/é€.json")
    assert (status, errors) == (0, "")
    assert "json: legal" in output
    status, _, errors = as_printed(monkeypatch, encoding, "show", f"{tmp_path}/ü€.json")
    assert (status, len(errors.splitlines())) == (2, 1)


def test_without_a_command_three_examples_are_printed(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert sum(line.startswith("  schedsearch ") for line in text.splitlines()) == 3


def test_a_script_for_tab_completion_knows_every_command_and_its_options(capsys):
    assert main(["--completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    for name in COMMANDS:
        assert name in script.split("subparsers=(")[1].split(")")[0].split()
    assert "--warm-start" in script
    assert main(["--completion", "ksh"]) == 2
    assert "--completion must be one of bash, zsh" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"schedsearch {version('schedsearch')}\n"


def test_help_of_all_commands_imports_nothing_heavy():
    code = "import sys, schedsearch.cli as cli; cli.main([]); print({'torch', 'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.slow
def test_a_search_imports_pictures_only_when_it_ends():
    code = "import sys, schedsearch.commands.search; print({'matplotlib', 'pystoi', 'cmaes'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
