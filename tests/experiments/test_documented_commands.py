"""Every command of README and docs has words that its program takes; those that are not too long are run."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import schedsearch
from experiments.documentation.commands import MARKS, Command, documented, main
from experiments.documentation.pages import pages
from schedsearch.cli import COMMANDS, _parser
from vocoder.errors import InputError

ROOT = Path(__file__).parents[2]
FOUND = re.search(r"^GIVEN := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
GIVEN = set(FOUND[1].split()) if FOUND else set()
SEPARATOR = "\037"
RECORDER = """#!/bin/sh
printf '%s\037' called "$(basename "$0")" "$@"
echo
"""


@pytest.fixture(scope="module", autouse=True)
def _in_the_root():
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)


def commands(*, mark: str | None = None, language: str | None = None) -> list[Command]:
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        every = list(documented(pages()))
    finally:
        os.chdir(before)
    return [c for c in every if mark in (None, c.mark) and language in (None, c.language)]


def name(command: Command) -> str:
    return f"{command.page}: {command.text.splitlines()[0]}"


@pytest.fixture(scope="module")
def recorders(tmp_path_factory) -> Path:
    """A folder with programs that print how they were called."""
    folder = tmp_path_factory.mktemp("bin")
    for program in ("schedsearch", "python", "pip"):
        (folder / program).write_text(RECORDER)
        (folder / program).chmod(0o755)
    return folder


def calls(command: Command, recorders: Path) -> list[list[str]]:
    """What a command calls; `make` is asked, its programs replaced by recorders."""
    words = command.words
    if words[0] != "make":
        return [[words[0].removeprefix(".venv/bin/"), *words[1:]]]
    assert {word.partition("=")[0] for word in words[1:] if "=" in word} <= GIVEN
    made = subprocess.run(
        [*words, "-o", ".venv/.stamp", f"BIN={recorders}"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    lines = [line.split(SEPARATOR) for line in made.stdout.splitlines()]
    return [words[:-1] for first, *words in lines if first == "called"]


# make targets that do more than call one program
WRITES = {"setup", "clean", "test", "check", "golden", "lowest", "mos"}


@pytest.mark.parametrize("command", commands(language="sh"), ids=name)
def test_its_program_takes_its_words(command, recorders):
    assert command.mark in ("", *MARKS)
    if command.words[0] == "make" and command.words[1] in {*WRITES, "help"}:
        assert re.search(rf"^{command.words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    called = calls(command, recorders)
    assert called
    for program, *words in called:
        check(program, words, whole=command.mark != "mention")


def check(program: str, words: list[str], *, whole: bool) -> None:
    if program == "schedsearch":
        check_options(words, whole=whole)
    elif program == "python" and words[:2] == ["-m", "schedsearch.cli"]:
        check_options(words[2:], whole=whole)
    elif program == "python" and words[:2] == ["-m", "wavegrad.inference"]:
        pass  # lmnt's
    elif program == "python" and words[0] == "-m":
        check_module(words[1], words[2:])
    elif program == "python":
        assert (ROOT / words[0]).is_file()
    else:
        assert (program, words[0]) == ("pip", "install")


def check_options(words: list[str], *, whole: bool) -> None:
    if "--help" in words:
        assert words[0] in COMMANDS or words == ["--help"]
        return
    try:
        _parser(words[:1]).parse_args(words)
    except InputError as error:
        assert not whole, error
        assert "arguments are required" in str(error), error


def check_module(module: str, words: list[str]) -> None:
    spec = find_spec(module)
    assert spec and spec.origin
    files = [Path(spec.origin)] if not spec.submodule_search_locations else Path(spec.origin).parent.glob("*.py")
    text = "".join(file.read_text() for file in files)
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f'"{option}"' in text, f"{module} has no {option}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A folder with all that is in the repository, by links; what a command writes stays in it."""
    folder = tmp_path_factory.mktemp("clone")
    for path in ROOT.iterdir():
        if path.name not in (".git", ".venv", "results"):
            (folder / path.name).symlink_to(path)
    (folder / "results").mkdir()
    for path in (ROOT / "results" / "README.md", ROOT / "results" / "shipped"):
        (folder / "results" / path.name).symlink_to(path)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(mark="", language="sh"), ids=name)
def test_it_runs(command, recorders, clone):
    for program, *words in calls(command, recorders):
        code = ["-c", "import sys; from schedsearch.cli import main; sys.exit(main(sys.argv[1:]))"]
        start = code if program == "schedsearch" else []
        subprocess.run([sys.executable, *start, *words], cwd=clone, check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(mark="", language="python"), ids=name)
def test_python_runs(command, clone):
    subprocess.run([sys.executable, "-c", command.text], cwd=clone, check=True, capture_output=True)


@pytest.mark.parametrize("command", commands(language="python"), ids=name)
def test_python_names_what_is_there(command):
    compile(command.text, name(command), "exec")
    for attribute in re.findall(r"schedsearch\.(\w+)\(", command.text):
        assert attribute in schedsearch.__all__


def test_the_list_says_which_are_too_long(capsys):
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(commands())
    assert any(line.startswith("too long to run   README.md: make search") for line in lines)
    assert any(line.startswith("run by a test") for line in lines)
