"""Text that a spreadsheet shows and does not run."""

# A cell that begins so is run as a formula; a quote before it makes it text (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(text: str) -> str:
    """As a spreadsheet shows it and does not run it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
