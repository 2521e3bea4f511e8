"""Hashes the files that a user's own metric consists of, as far as its user wrote them."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

PACKAGE = "__init__.py"


def hashed_source(module: ModuleType) -> str:
    """Returns the SHA-256 of the module's file and of those beside it that it imports; empty where it has no file."""
    file = Path(getattr(module, "__file__", None) or "")
    if not file.is_file():
        return ""
    digest = sha256()
    for each in sorted(_files(module.__name__, file)):
        digest.update(each.name.encode())
        digest.update(each.read_bytes())
    return digest.hexdigest()


def _files(name: str, own: Path) -> set[Path]:
    """Returns the file, and those of its package or folder that it imports, directly or not.

    They are read from the source, for a constant that was imported, or an import within a function, leaves no module
    behind.
    """
    root = own.parents[name.count(".") + (own.name == PACKAGE)]
    seen, waiting = {own}, [(name, own)]
    while waiting:
        for imported in _imported(*waiting.pop()):
            stem = root.joinpath(*imported.split("."))
            for file in (stem.with_suffix(".py"), stem / PACKAGE):
                is_beside = file.parent == own.parent or imported.partition(".")[0] == name.partition(".")[0]
                if is_beside and file not in seen and file.is_file():
                    seen.add(file)
                    waiting.append((imported, file))
    return seen


def _imported(name: str, file: Path) -> Iterator[str]:
    """Yields the modules that a file imports, and the packages that these are in; of `from a import b` also a.b."""
    if file.suffix != ".py":
        return
    package = name if file.name == PACKAGE else name.rpartition(".")[0]
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError):  # of another Python, and imported under a guard
        return
    for node in nodes:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            with suppress(ImportError):  # beyond the package; under a guard, too
                base = resolve_name("." * node.level + (node.module or ""), package)
                names = [f"{base}.{alias.name}" for alias in node.names]
        for full in names:
            parts = full.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
