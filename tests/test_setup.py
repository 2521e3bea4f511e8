"""When `make` sets up .venv again."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose .venv was set up, as far as make can see."""
    clone = tmp_path / "a clone"
    (clone / ".ci").mkdir(parents=True)
    for name in ("Makefile", "setup.cfg", "pyproject.toml", ".ci/setup.sh"):
        shutil.copy(ROOT / name, clone / name)
        os.utime(clone / name, (0, 0))  # older than the set-up
    (clone / ".venv" / "bin").mkdir(parents=True)
    python(clone, "3.11.7")
    place = (clone / ".venv").resolve()
    stamp = clone / ".venv" / ".stamp"
    stamp.write_text(f"Python 3.11.7 in {place}\n")
    os.utime(stamp, (1, 1))
    return clone


def python(clone: Path, version: str) -> None:
    path = clone / ".venv" / "bin" / "python"
    path.write_text(f"#!/bin/sh\necho Python {version}\n")
    path.chmod(0o755)


def sets_up(clone: Path) -> bool:
    told = subprocess.run(["make", "-n", "metrics"], cwd=clone, check=True, capture_output=True, text=True).stdout
    return "setup.sh" in told


def test_what_is_set_up_is_left_alone(clone):
    assert not sets_up(clone)


def test_a_clone_that_was_moved_is_set_up_again(clone):
    assert sets_up(clone.rename(clone.with_name("moved")))


def test_another_python_and_none_are_set_up_again(clone):
    python(clone, "3.12.0")
    assert sets_up(clone)
    (clone / ".venv" / "bin" / "python").unlink()
    assert sets_up(clone)


def test_a_venv_that_several_clones_share_by_a_link_is_left_alone(clone):
    other = clone.with_name("other")
    shutil.copytree(clone, other, ignore=shutil.ignore_patterns(".venv"))
    (other / ".venv").symlink_to(clone / ".venv")
    assert not sets_up(other)


def make(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-n", *words], cwd=clone, check=False, capture_output=True, text=True)


GIVEN = re.search(r"^GIVEN := (.*?[^\\])$", (ROOT / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
NAMES = GIVEN[1].replace("\\", " ").split() if GIVEN else []


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_in_lower_case_is_told_with_the_right_spelling(clone, name):
    for spelling in {name.lower(), name.capitalize(), name.lower().replace("_", "-")}:
        done = make(clone, "search", f"{spelling}=1 2")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert f"{spelling}= is ignored; write {name}=1 2" in done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"), [("ITER", "ITERS"), ("SCHEDULE", "SCHEDULES"), ("DATASETS", "DATASET"), ("SEEDS", "SEED")]
)
def test_a_variable_with_a_letter_too_few_or_too_many_is_told_with_the_right_spelling(clone, typed, meant):
    done = make(clone, "search", f"{typed}=7")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert f"{typed}= is ignored; write {meant}=7" in done.stderr


@pytest.mark.parametrize(
    ("words", "ignored"),
    [
        (("search", "STEPS=12"), ["STEPS="]),
        (("search-all", "ITERS=6 12", "WAVS=x"), ["WAVS="]),
        (("train", "STEPS=12", "PYTHON=python3", "FORCE=1"), []),
        (("voice", "check-voice", "WAVS=x", "DATASET=y", "RATE=8000"), []),
    ],
)
def test_a_variable_of_another_target_is_told_to_be_ignored(clone, words, ignored):
    done = make(clone, *words)
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "is a variable of another target than" in line]
    assert [line.split(" ")[1] for line in lines] == ignored


def test_other_variables_are_left_to_make(clone):
    done = make(clone, "search", "ITERS=12", "CFLAGS=-O2", "cflags=x")
    assert done.returncode == 0
    told = done.stderr.splitlines()
    assert [line.split(" ")[1] for line in told if "is no variable of this Makefile" in line] == ["CFLAGS=", "cflags="]


def test_a_change_of_what_is_installed_is_set_up(clone):
    with (clone / "setup.cfg").open("a") as file:
        file.write("# a change\n")
    assert sets_up(clone)


def test_a_folder_that_cannot_be_written_is_one_line(clone):
    (clone / ".setup.lock").symlink_to("nowhere")  # mkdir fails, and there is no lock: for root too
    done = set_up(clone)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert f"setup: {clone.resolve()} must be writable: mkdir:" in done.stderr
    assert done.stderr.endswith("mend its rights, or clone it elsewhere\n")


def set_up(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", ".ci/setup.sh"], cwd=clone, check=False, capture_output=True, text=True, timeout=20)
