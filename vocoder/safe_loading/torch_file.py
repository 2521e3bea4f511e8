"""Looks through a file that torch wrote before torch loads it: that it takes no more memory than it has bytes."""

import io
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from vocoder.safe_loading.pickle_guard import HostilePickle, check_pickle

LARGEST_PICKLE = 64 << 20  # bytes: names and shapes, no numbers
PACKED = 2  # torch.save does not compress; whoever zipped its file again gains little on weights
SPARE = 1 << 16  # bytes of an archive's own tables
_LEGACY_PICKLES = 5  # magic number, version, system, content, names of storages
_CONSTRUCTORS = re.compile(r"\w+Tensor")  # torch.FloatTensor(n) makes n numbers; files rebuild theirs from storages


def check_torch_file(file: BinaryIO, size: int) -> None:
    """HostilePickle for one whose archive or pickle would grow far beyond its `size` in bytes.

    What is malformed in other ways is left to torch's own reader, but for an archive that Python's can't open.
    """
    file.seek(0)
    if file.read(4) == b"PK\x03\x04":
        _check_archive(file, size)
    else:
        _check_legacy(file, size)
    file.seek(0)


def check_torch_path(path: Path) -> None:
    """The same for a file on the disk."""
    with path.open("rb") as file:
        check_torch_file(file, path.stat().st_size)


def refusal(start: bytes, error: str) -> str:
    """In words, why torch's restricted unpickler did not load a file that begins with these two bytes."""
    asked = re.search(r"GLOBAL ([\w.]{1,80})", error)
    if asked:
        return f"asks for {asked[1]}: it wants to run code or holds objects that are no tensors; refused"
    if start[:1] != b"\x80" and start != b"PK":
        return "is another kind of file, none that torch writes; copy or download it again"
    return "is a pickle of another kind: it wants to run code or holds objects that are no tensors; refused"


def _check_archive(file: BinaryIO, size: int) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if unpacked > PACKED * size + SPARE:
                raise HostilePickle(f"its {size} bytes unpack to {unpacked}")
            pickles = [member for member in members if member.filename.endswith(".pkl")]
            if any(member.file_size > LARGEST_PICKLE for member in pickles):
                raise HostilePickle(f"its table of contents takes more than {LARGEST_PICKLE} bytes")
            for member in pickles:
                data = archive.read(member)
                check_pickle(io.BytesIO(data), len(data), _is_harmless)
    except HostilePickle:
        raise
    except Exception as error:  # zipfile and pickletools raise nearly anything of a damaged file
        raise ValueError(f"a damaged archive: {error}") from error


def _check_legacy(file: BinaryIO, size: int) -> None:
    file.seek(0)
    for _ in range(_LEGACY_PICKLES):
        try:
            check_pickle(file, min(size, LARGEST_PICKLE), _is_harmless)
        except HostilePickle:
            raise
        except Exception:  # no pickle, or the end of the file: torch says so
            return


def _is_harmless(module: str, name: str) -> bool:
    if module in ("builtins", "__builtin__") and name == "bytearray":
        return False
    return not (module.split(".")[0] == "torch" and _CONSTRUCTORS.fullmatch(name) and name != "Tensor")
