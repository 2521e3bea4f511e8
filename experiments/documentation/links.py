"""Finds links of a page that lead nowhere: files, folders and anchors. Addresses on the web are not looked up."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.*)$", re.MULTILINE)


def dead_links(page: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the fault of each link that leads nowhere."""
    plain = without_code(text)
    for link in LINK.finditer(plain):
        address = link[1] or link[2]
        if not re.match(r"[a-z]+:", address) and (fault := _fault(page, plain, address)):
            yield plain.count("\n", 0, link.start()) + 1, fault


def without_code(text: str) -> str:
    """Blanks fenced code, and keeps the lines' numbers."""
    return FENCED.sub(lambda code: "\n" * code[0].count("\n"), text)


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives a page's headings."""
    names = [_slug(heading) for heading in HEADING.findall(without_code(text))]
    seen: Counter[str] = Counter()
    unique = set()
    for name in names:
        unique.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return unique


def _fault(page: Path, text: str, address: str) -> str:
    name, _, anchor = address.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return f"there is no {name}: mend the link"
    if anchor and anchor not in anchors(text if not name else target.read_text()):
        return f"{name or 'this page'} has no heading #{anchor}: mend the link"
    return ""


def _slug(heading: str) -> str:
    """Makes an anchor as GitHub does: lower case, spaces to hyphens, other signs gone."""
    words = re.sub(r"<!--.*?-->", "", heading)
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words)
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
