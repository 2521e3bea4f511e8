"""The one exception for bad input: the command line prints it as a single line and exits with status 2."""

LONGEST = 1000  # characters: a message quotes names and values, and those of a hostile file have no end
_END = 300


class InputError(ValueError):
    """Bad input. The message is one line: the rule, the value, the way out.

    It may quote a stranger's file: line ends and control characters, which terminals obey, are spelt out, and the
    middle of a long message is left out.
    """

    def __init__(self, message: str) -> None:
        text = printable(" ".join(message[: 1 << 16].splitlines()))
        super().__init__(text if len(text) <= LONGEST else f"{text[: LONGEST - _END]} [...] {text[-_END:]}")


def printable(text: str) -> str:
    """One line that no terminal obeys and every encoding of text can hold: other signs are spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
