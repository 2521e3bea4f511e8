"""The command line: thin. Bad input is one line on standard error and exit status 2."""

import argparse
import io
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from schedsearch.commands.stopping import Stopped, stoppable
from schedsearch.commands.wording import BY_HAND, CALLED_BY, as_called
from vocoder.errors import InputError, printable

# Each command is a module of schedsearch.commands with `add` (its options) and `run` (its exit status). It is imported
# only when it is chosen: torch and others take seconds.
COMMANDS = {
    "search": "search a schedule for a voice",
    "search-all": "search schedules of several lengths",
    "compare": "compare schedules on held-out clips",
    "transfer": "score every voice's winners on every voice's held-out clips",
    "report": "make the page of a search again",
    "train": "train a WaveGrad from recordings",
    "verify": "say whether schedule files are legal, and which code reads them",
    "convert": "write a schedule in another repository's file format",
    "show": "print a schedule file as a table",
    "synth": "synthesise a recording again from its mel spectrogram, with a schedule",
    "check-voice": "check that the network is trained and that its front end is right",
    "voice": "add a voice: its checkpoint and recordings",
    "metrics": "list the metrics: name, unit, which way is better",
}
RESUMED = ("search", "search-all", "compare", "transfer", "train")
EXAMPLES = """\
  schedsearch search                          search 6 steps for the bundled demo voice
  schedsearch verify universal-6 mine.pt      are these schedules legal, and which code reads them?
  schedsearch compare --schedules "mine.pt"   compare a schedule with the published ones on held-out clips"""
BAD_INPUT, INTERRUPTED, UNREAD = 2, 130, 141


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raises one line, without the usage block. A type's own message already says all."""
        own = getattr(sys.exception(), "__context__", None)
        raise own if isinstance(own, InputError) else InputError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None:
        os.environ.setdefault(CALLED_BY, BY_HAND)
        warnings.formatwarning = _format_warning
    try:
        with stoppable(to_the_end=arguments is None):
            _open_streams()
            status = _run(words)
            sys.stdout.flush()  # a full disk is noticed here, not while Python shuts down
            return status
    except InputError as error:
        line = " ".join(str(error).splitlines())  # file names may hold line ends
        print(f"schedsearch: {as_called(line)}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # the reader of our output has seen enough, such as head
        _drop_output()
        return UNREAD
    except OSError as error:  # missing rights, full disks, odd names
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"schedsearch: {InputError(f'{where}{error.strerror or error}; mend that')}", file=sys.stderr)
        _drop_output()
        return BAD_INPUT
    except KeyboardInterrupt as stopped:
        goes_on = " where it was" if next(iter(words), "") in RESUMED else ", from the beginning"
        print(f"\nschedsearch: stopped; the same command goes on{goes_on}", file=sys.stderr)
        return stopped.status if isinstance(stopped, Stopped) else INTERRUPTED


def _run(words: Sequence[str]) -> int:
    options = _parser(words[:1]).parse_args(words)
    if options.version:
        from importlib.metadata import version

        print(f"schedsearch {version('schedsearch')}")
        return 0
    if options.completion:
        print(_completion(options.completion))
        return 0
    if "command" not in options:
        print(f"Noise schedules for a frozen WaveGrad vocoder.\n\n{EXAMPLES}\n\nschedsearch --help lists all commands.")
        return 0
    return int(options.command(options))


def _completion(shell: str) -> str:
    """Returns a script for a shell's tab completion. Paths are completed as files."""
    import shtab

    from schedsearch.arguments import given_path

    if shell not in shtab.SUPPORTED_SHELLS:
        known = ", ".join(shtab.SUPPORTED_SHELLS)
        raise InputError(f"--completion must be one of {known}, and is {shell!r}; choose one")
    parser = _parser(tuple(COMMANDS))
    for command in _commands_of(parser):
        for action in command._actions:
            if action.type is given_path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _commands_of(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    """Returns the parsers of the commands. argparse keeps them in a private place alone."""
    [commands] = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return commands.choices.values()


def _parser(chosen: Sequence[str]) -> argparse.ArgumentParser:
    """Makes the parser; only the chosen commands have their options."""
    parser = _Parser(
        prog="schedsearch",
        description="Noise schedules for a frozen WaveGrad vocoder.",
        epilog=f"examples:\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "--completion", metavar="SHELL", help="print a script that completes what is typed: bash, zsh, tcsh, fish"
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name in chosen:
            module = import_module(f"schedsearch.commands.{name.replace('-', '_')}")
            module.add(command)
            command.set_defaults(command=module.run)
    return parser


def _format_warning(message: Warning | str, *_: object, **__: object) -> str:
    """Formats a warning as one line, as errors are, without Python's file and line."""
    return f"schedsearch: note: {printable(as_called(' '.join(str(message).split())))}\n"


def _open_streams() -> None:
    """Raises InputError if standard output is closed. Characters that an encoding lacks are printed as escapes."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115: as long as the process
    if sys.stdout is None:
        raise InputError("standard output must be open, and is closed; send it somewhere, such as >/dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Sends the rest of the output nowhere: Python would try to write it at its end, and complain again."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):  # a stand-in for the standard output has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
