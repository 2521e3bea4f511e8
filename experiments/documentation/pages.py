"""Which pages are kept true."""

from pathlib import Path

PATTERNS = ("README.md", "docs/*.md", "results/README.md", "results/shipped/README.md")


def pages() -> list[Path]:
    """Returns the pages below the working folder."""
    return [page for pattern in PATTERNS for page in sorted(Path().glob(pattern))]
