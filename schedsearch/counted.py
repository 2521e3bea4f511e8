"""Numbers with their nouns, one or many."""


def counted(number: int, noun: str, many: str = "") -> str:
    """`1 clip`, `24 clips`, `1000 clips`, `12,000 clips`; `many` where it is not the noun with an s."""
    written = str(number) if number < 10_000 else f"{number:,}"
    return f"{written} {noun if number == 1 else many or noun + 's'}"
