"""A wheel holds the packages whole, and its commands work in a folder that is no clone of this repository."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

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


def schedsearch(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the wheel in `folder`, where nothing of the repository can be found."""
    where = "import schedsearch, sys; sys.stderr.write(schedsearch.__file__ + '\\n')"
    command = f"{where}; from schedsearch.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", command, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=False,
        capture_output=True,
        text=True,
    )
    origin, _, done.stderr = done.stderr.partition("\n")
    assert Path(origin).is_relative_to(installed)
    return done


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
    for words in (["--help"], ["search", "--help"], ["metrics"], ["verify", "universal-6"], ["show", "ivanvovk-12"]):
        done = schedsearch(installed, tmp_path, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    done = schedsearch(installed, tmp_path, "convert", "universal-6", "mine.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


@pytest.mark.parametrize("command", ["search", "search-all", "compare", "transfer", "report", "train", "synth",
                                     "check-voice", "voice"])
def test_commands_of_a_dataset_say_in_one_line_how_to_name_it(installed, tmp_path, command):
    options = {
        "synth": ["--wav=a.wav", "--out=b.wav", "--schedule=universal-6"],
        "voice": ["--dataset=mine", "--wavs=.", "--checkpoint=a.pt"],
    }
    done = schedsearch(installed, tmp_path, command, *options.get(command, []))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--experiments" in done.stderr
    assert not list(tmp_path.iterdir())
