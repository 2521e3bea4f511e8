"""A wheel holds the packages whole, and its commands work in a folder that is no clone of this repository."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("schedsearch", "vocoder")
PARTS = (*PACKAGES, "setup.cfg", "pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves folders where it runs."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    [wheel] = target.iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel is unpacked to, as an installation does."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


PROGRAM = """
import contextlib, io, json, os, sys
import schedsearch
from schedsearch.cli import main

done = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
    done.append([status, out.getvalue(), err.getvalue(), os.listdir()])
print(json.dumps([schedsearch.__file__, done]))
"""


class Done(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str
    files: list[str]  # in its folder, afterwards


def schedsearch(installed: Path, folder: Path, commands: list[list[str]]) -> list[Done]:
    """Runs commands of the wheel one after the other in `folder`, where nothing of the repository can be found."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )
    origin, done = json.loads(process.stdout)
    assert Path(origin).is_relative_to(installed)
    return [Done(*each) for each in done]


def test_a_wheel_holds_every_file_of_both_packages(wheel):
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files
    assert {f"{package}/py.typed" for package in PACKAGES} < names


def test_commands_without_a_dataset_work_in_any_folder(installed, tmp_path):
    words = [["--help"], ["search", "--help"], ["metrics"], ["verify", "universal-6"], ["show", "ivanvovk-12"]]
    *talking, converting = schedsearch(installed, tmp_path, [*words, ["convert", "universal-6", "mine.json"]])
    for done in talking:
        assert (done.status, done.err, done.files) == (0, "", [])
        assert done.out
    assert (converting.status, converting.err, converting.files) == (0, "", ["mine.json"])


def test_commands_of_a_dataset_say_in_one_line_how_to_name_it(installed, tmp_path):
    options = {
        "synth": ["--wav=a.wav", "--out=b.wav", "--schedule=universal-6"],
        "voice": ["--dataset=mine", "--wavs=.", "--checkpoint=a.pt"],
    }
    commands = ["search", "search-all", "compare", "transfer", "report", "train", "synth", "check-voice", "voice"]
    for done in schedsearch(installed, tmp_path, [[command, *options.get(command, [])] for command in commands]):
        assert (done.status, done.err.count("\n"), done.files) == (2, 1, [])
        assert "--experiments" in done.err
