"""Lists the commands of README and docs, and which no test runs: `python -m experiments.documentation.commands`.

A block of code says in Markdown what it is: ```sh and ```python are run by the tests, ```sh long takes too long for
that, ```sh yours needs the reader's own files. The tests check the words and options of all of them.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.documentation.pages import pages

BLOCK = re.compile(r"^```(sh|python)((?: \w+)*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`((?:make|schedsearch|python) [^`]+)`(?!,? (?:made by .*)?of\s+commit)")
MARKS = ("long", "yours", "mention")


@dataclass(frozen=True)
class Command:
    """A line of shell, or a block of Python."""

    page: Path
    language: str
    text: str
    mark: str  # "" is run by a test; long, yours, or a mention in running text

    @property
    def words(self) -> list[str]:
        """The words of a line of shell, without its comment."""
        return shlex.split(self.text, comments=True)


def main(_: Sequence[str] | None = None) -> int:
    """Prints a line a command."""
    told = {"": "run by a test", "long": "too long to run", "yours": "needs your files", "mention": "in running text"}
    for command in documented(pages()):
        print(f"{told[command.mark]:18}{command.page}: {command.text.splitlines()[0]}")
    return 0


def documented(files: Sequence[Path]) -> Iterator[Command]:
    """Yields the commands of the pages' blocks, and those that stand in running text, which are not run."""
    for page in files:
        text = page.read_text()
        for block in BLOCK.finditer(text):
            language, mark = block[1], block[2].strip()
            lines = block[3].replace("\\\n", " ").splitlines() if language == "sh" else [block[3]]
            yield from (Command(page, language, line, mark) for line in lines if line.strip())
        for span in SPAN.finditer(BLOCK.sub("", text)):
            yield Command(page, "sh", " ".join(span[1].split()), "mention")


if __name__ == "__main__":
    raise SystemExit(main())
