"""Defines the one exception for bad input: the command line prints it as one line and exits with status 2."""

LONGEST = 1000  # characters; a message quotes names and values, which a hostile file may make very long
_END = 300


class InputError(ValueError):
    """Reports bad input in one line: the rule, the value, the way out.

    A message may quote a stranger's file. So line ends and control characters are escaped, and the middle of a long
    message is left out.
    """

    def __init__(self, message: str) -> None:
        text = printable(" ".join(message[: 1 << 16].splitlines()))
        super().__init__(text if len(text) <= LONGEST else f"{text[: LONGEST - _END]} [...] {text[-_END:]}")


def reason_of(error: Exception) -> str:
    """Returns the beginning of a library's message as one line, or the error's name where it has none."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def printable(text: str) -> str:
    """Returns one line with every unprintable character escaped, safe for any terminal and encoding."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
