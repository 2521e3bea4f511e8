"""Turns a page's values into one HTML file that fetches nothing."""

from base64 import b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from schedsearch.formatting import counted, fitting
from schedsearch.report.page.content import Listening, Page
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

MOST_BYTES = 15_000_000
MOST_BYTES_SMALL = 1_000_000


def write_page(page: Page, path: Path) -> None:
    """Writes the whole page. InputError if it would pass MOST_BYTES."""
    document = html(page)
    if len(document) > MOST_BYTES:
        raise InputError(
            f"a page must stay below {MOST_BYTES // 1_000_000} MB, and {path.name} would have "
            f"{len(document) / 1e6:.1f}; give fewer pictures"
        )
    atomic_write(path, document)


def write_small_page(page: Page, path: Path) -> None:
    """Writes a page to be committed: without audio, and without the last pictures if it would pass MOST_BYTES_SMALL."""
    silent = replace(page, listening=Listening())
    room = MOST_BYTES_SMALL - len(html(replace(silent, pictures=()))) - 1_000 * (1 + len(page.pictures))
    sizes = [len(p.uri) + len(p.caption.encode()) + len(p.alt.encode()) for p in page.pictures]
    pictures = fitting(page.pictures, sizes, room)
    left_out = len(page.pictures) - len(pictures)
    are = "is" if left_out == 1 else "are"
    note = (f"{counted(left_out, 'picture')} {are} left out to keep this page small.",) if left_out else ()
    atomic_write(path, html(replace(silent, pictures=tuple(pictures), context=(*page.context, *note))))


def html(page: Page) -> bytes:
    """Returns the document. Every value is escaped, and its policy allows nothing but its own style and script."""
    style, script = _asset("style.css"), _asset("page.js")
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            "media-src data: blob:",
            f"style-src {_source(style)}",
            f"script-src {_source(script)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )
    template = _environment().get_template("page.html")
    # Markup: style and script are ours, and escaping would spoil them.
    return template.render(page=page, style=Markup(style), script=Markup(script), policy=policy).encode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("schedsearch.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _asset(name: str) -> str:
    return files("schedsearch.report.page").joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Returns the source of a policy that allows this text and no other."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
