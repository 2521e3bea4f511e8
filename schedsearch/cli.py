"""The command line: thin. Bad input is one line on standard error and exit status 2."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from schedsearch.commands import check_voice
from schedsearch.commands import compare as compare_command
from schedsearch.commands import convert
from schedsearch.commands import metrics as metrics_command
from schedsearch.commands import report as report_command
from schedsearch.commands import search as search_command
from schedsearch.commands import search_all, show, synth
from schedsearch.commands import train as train_command
from schedsearch.commands import transfer, verify
from schedsearch.commands import voice as voice_command
from schedsearch.commands import voice_options
from schedsearch.commands.stopping import Stopped, stoppable
from vocoder.errors import InputError

RESUMED = ("search", "search-all", "compare", "transfer", "train")
BAD_INPUT, NO_IMPROVEMENT, INTERRUPTED, UNREAD = 2, 3, 130, 141


_Function = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the usage block."""
        raise InputError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    try:
        with stoppable(to_the_end=arguments is None):
            options = _parser().parse_args(arguments)
            status = int(options.command(options))
            sys.stdout.flush()  # what can't be written is known here, not while Python shuts down
            return status
    except InputError as error:
        print(f"schedsearch: {' '.join(str(error).splitlines())}", file=sys.stderr)  # file names may hold line ends
        return BAD_INPUT
    except BrokenPipeError:  # who read our output has seen enough, such as head
        _drop_output()
        return UNREAD
    except OSError as error:  # rights, disks and names that nobody foresaw
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"schedsearch: {InputError(f'{where}{error.strerror or error}; mend that')}", file=sys.stderr)
        _drop_output()
        return BAD_INPUT
    except KeyboardInterrupt as stopped:
        goes_on = " where it was" if _goes_on(arguments) else ", from the beginning"
        print(f"\nschedsearch: stopped; the same command goes on{goes_on}", file=sys.stderr)
        return stopped.status if isinstance(stopped, Stopped) else INTERRUPTED


def _goes_on(arguments: Sequence[str] | None) -> bool:
    """Whether the command keeps what it has done: those that work for long."""
    words = sys.argv[1:] if arguments is None else arguments
    return next(iter(words), "") in RESUMED


def _drop_output() -> None:
    """Or Python writes what is left of it, and complains once more."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):  # a stand-in for the standard output has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="schedsearch", description="Noise schedules for a frozen WaveGrad vocoder.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    search_command.add(_of_a_voice(commands, "search", "search a schedule for a dataset", search_command.run))
    search_all.add(_of_a_voice(commands, "search-all", "search schedules of several lengths", search_all.run))
    compare_command.add(_of_a_voice(commands, "compare", "compare schedules on held-out clips", compare_command.run))
    text = "score every voice's winners on every voice's held-out clips"
    transfer.add(_command(commands, "transfer", text, transfer.run))
    report_command.add(_of_a_voice(commands, "report", "make the page of a search again", report_command.run))
    train_command.add(_of_a_voice(commands, "train", "train a WaveGrad from recordings", train_command.run))
    verify.add(_command(commands, "verify", "say of schedule files whether and where they can be used", verify.run))
    convert.add(_command(commands, "convert", "write a schedule in another repository's file", convert.run))
    show.add(_command(commands, "show", "print a schedule file as a table", show.run))
    synth.add(_of_a_voice(commands, "synth", "copy synthesis of a recording with a schedule", synth.run))
    text = "is the network trained, and is this the front end it was trained with?"
    check_voice.add(_of_a_voice(commands, "check-voice", text, check_voice.run))
    voice_command.add(_command(commands, "voice", "add a voice: its checkpoint and recordings", voice_command.run))
    _command(commands, "metrics", "list the metrics: name, unit, which way is better", metrics_command.run)
    return parser


def _command(
    commands: "argparse._SubParsersAction[_Parser]", name: str, text: str, function: _Function
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=function)
    return parser


def _of_a_voice(
    commands: "argparse._SubParsersAction[_Parser]", name: str, text: str, function: _Function
) -> argparse.ArgumentParser:
    parser = _command(commands, name, text, function)
    voice_options.add(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
