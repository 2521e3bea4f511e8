"""Reads a file of torch.save's without running anything it holds, in little more memory than it has bytes."""

import io
import pickle
import re
import struct
import warnings
import zipfile
from typing import Any, BinaryIO

import torch

from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.numpy_parts import NUMPY_NAMES, ArrayStandIn, DTypeStandIn, RefusedPickle, Resolver, Unread
from vocoder.safe_loading.other_kinds import LONGEST, other_kind
from vocoder.safe_loading.pickle_guard import MOST_STEPS, HostilePickle, check_pickle

LARGEST_PICKLE = 64 << 20  # bytes: names and shapes, no numbers
LARGEST_DIRECTORY = 4 << 20  # bytes of an archive's list of members; a member takes about 100
PACKED = 2  # torch.save does not compress; zipped again, weights shrink little
SPARE = 1 << 16  # bytes of an archive's own tables
_END, _END_64, _LOCATOR_64 = struct.Struct("<4s8xLLH"), struct.Struct("<4s36xQQ"), struct.Struct("<4s4xQ4x")
_LEGACY_PICKLES = 5  # magic number, version, system, content, names of storages
_CONSTRUCTORS = re.compile(r"\w+Tensor")  # torch.FloatTensor(n) makes n numbers; files rebuild theirs from storages


# A member of archives of torch's that hold programs -> what these are called, and how to get at their weights.
_OTHER_ARCHIVES = {
    "/constants.pkl": ("TorchScript", "torch.jit.load(FILE).state_dict()"),
    "/archive_format": ("torch.export", "torch.export.load(FILE).state_dict"),
}


class OtherKind(ValueError):
    """Says what a file is that torch.save did not write, and what to give instead."""


# What trainers keep beside a network. No vocoder needs it.
_UNREAD = (
    *("argparse.Namespace", "datetime.datetime", "datetime.date", "datetime.timedelta"),
    *(f"pathlib{local}.{kind}" for local in ("", "._local") for kind in ("PosixPath", "WindowsPath", "PurePosixPath")),
)
# What may stand beside tensors and can only be data: an optimiser's defaultdict, NumPy's arrays and numbers.
_HARMLESS: list[Any] = [
    dict,
    (lambda *_: {}, "collections.defaultdict"),  # torch's unpickler fills none, and nothing here needs its default
    *((token, name) for name, token in NUMPY_NAMES.items()),
    # torch sets the state of types in this list alone; no pickle can ask for a name with a line end
    (ArrayStandIn, "\narray"),
    (DTypeStandIn, "\ndtype"),
    *((Unread, name) for name in _UNREAD),
]


def load_torch(file: BinaryIO, size: int, *, advice: str, devices: set[str] | None = None) -> Any:
    """Returns the content of a file of `size` bytes: tensors, numbers, text and NumPy arrays in plain containers.

    All tensors are put on the CPU. `devices` gets the names of those that they were saved from, such as cuda:0.
    InputError for every other file, without its name: the cause, then `advice` on what to give instead.
    """

    def on_cpu(storage: Any, device: str) -> Any:
        if devices is not None:
            devices.add(device)
        return storage

    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_HARMLESS):
            warnings.simplefilter("ignore")  # old storages and pickle protocols: harmless if they load
            file.seek(0)
            if kind := other_kind(file.read(LONGEST)):
                raise OtherKind(kind)
            check_torch_file(file, size)
            content = torch.load(file, map_location=on_cpu, weights_only=True)
        return Resolver(2 * MOST_STEPS, others=True).resolve(content)
    except (HostilePickle, RefusedPickle) as error:
        raise InputError(f"refused, {error}; {advice}") from error
    except OtherKind as error:
        raise InputError(str(error)) from error
    except pickle.UnpicklingError as error:
        file.seek(0)
        raise InputError(f"{_refusal(file.read(2), str(error))}; {advice}") from error
    except Exception as error:  # a torn or foreign file can make torch's readers raise nearly anything
        damage = f"truncated, damaged or another kind ({reason_of(error)})"
        raise InputError(f"not a readable torch file: {damage}; copy or download it again") from error


def _refusal(start: bytes, error: str) -> str:
    """Says why torch's restricted unpickler did not load a file that begins with these two bytes."""
    name = re.search(r"GLOBAL ([\w.]{1,80})", error)
    if name:
        return f"refused, it asks for {name[1]}: it wants to run code or holds objects that are no tensors"
    if start[:1] != b"\x80" and start != b"PK":
        return "not a file that torch writes"
    return "refused, a pickle of another kind: it wants to run code or holds objects that are no tensors"


def check_torch_file(file: BinaryIO, size: int) -> None:
    """Raises HostilePickle for an archive or pickle that would grow far beyond its `size` in bytes.

    Other faults are left to torch's own reader, except an archive that Python's zipfile cannot open.
    """
    file.seek(0)
    if file.read(4) == b"PK\x03\x04":
        _check_archive(file, size)
    else:
        _check_legacy(file, size)
    file.seek(0)


def _check_archive(file: BinaryIO, size: int) -> None:
    try:
        _check_directory(file, size)
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, size)
    except (HostilePickle, OtherKind):
        raise
    except Exception as error:  # zipfile and pickletools raise nearly anything of a damaged file
        raise ValueError(f"a damaged archive: {error}") from error


def _check_directory(file: BinaryIO, size: int) -> None:
    """Raises HostilePickle unless the list of members stands right before the record that ends the archive.

    Otherwise readers disagree: Python's zipfile takes the list before the record, torch the one at the offset that the
    record states.
    """
    end_64 = size - _END.size - _LOCATOR_64.size - _END_64.size
    file.seek(max(0, end_64))
    tail = file.read()
    mark, length, offset, comment = _END.unpack(tail[-_END.size :])
    if mark != b"PK\x05\x06" or comment:
        raise ValueError("it has no end record")
    end = size - _END.size
    locator, stated = _LOCATOR_64.unpack(tail[-_END.size - _LOCATOR_64.size : -_END.size])
    if locator == b"PK\x06\x07":
        mark, length, offset = _END_64.unpack(tail[: _END_64.size])
        end = end_64
        if mark != b"PK\x06\x06" or stated != end:
            raise HostilePickle("its two end records do not stand side by side")
    if offset + length != end:
        raise HostilePickle(f"its list of members ends at byte {offset + length} and its end record begins at {end}")
    if length > LARGEST_DIRECTORY:
        raise HostilePickle(f"its list of members takes {length} bytes")


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Names are compared as torch compares them, which finds data.PKL where it looks for data.pkl."""
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > PACKED * size + SPARE:
        raise HostilePickle(f"its {size} bytes unpack to {unpacked}")
    names = [member.orig_filename.lower() for member in members]
    for ending, (kind, weights) in _OTHER_ARCHIVES.items():
        if any(name.endswith(ending) for name in names):
            raise OtherKind(f"a {kind} archive, which holds code; give its weights: torch.save({weights}, OTHER)")
    if not any(name.endswith("/data.pkl") for name in names):
        shown = ", ".join(names[:2])[:80]
        raise OtherKind(f"a zip archive of other files, as {shown}; unpack it and give the right one")
    for member in members:
        # orig_filename: zipfile changes names that hold a null byte, or that an extra field renames
        name = member.orig_filename.lower()
        storage = name.partition("/data/")[2]
        if storage.upper() != storage:  # under another spelling torch would load the same storage again
            raise HostilePickle(f"its storages have letters in their names, as {member.orig_filename[:80]!r}")
        if name.endswith(".pkl"):
            if member.file_size > LARGEST_PICKLE:
                raise HostilePickle(f"its table of contents takes more than {LARGEST_PICKLE} bytes")
            data = archive.read(member)
            check_pickle(io.BytesIO(data), len(data), _is_harmless)


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
