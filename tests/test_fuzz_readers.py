"""Whatever stands in a file, every reader gives its content or one line, and neither hangs, runs, writes nor grows."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from fuzzed_readers import readers
from fuzzing import RUN, Hostile, LawBroken, Reader, canary, fuzz, growing_bytes, judged, number_for_bytes

from vocoder.errors import LONGEST, InputError

READERS = {reader.name: reader for reader in readers()}
EXAMPLES = 40  # of each reader; `make fuzz` takes many more


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_mutated_file_is_read_or_refused_in_one_line(name, tmp_path):
    counts = fuzz(READERS[name], tmp_path, EXAMPLES, derandomize=True)
    assert counts.total() >= EXAMPLES // 2  # some files are no other than one before


# --- the laws are watched: a reader that breaks one is caught ------------------------------------


def no_reader(read: Callable[[Path], object]) -> Reader:
    return Reader("no reader", "a", [b"a"], read)


@pytest.mark.parametrize(
    ("read", "named"),
    [
        (lambda path: 1 / 0, "ZeroDivisionError"),
        (lambda path: pickle.loads(pickle.dumps(Hostile(canary))), "ran or wrote"),
        (lambda path: path.write_bytes(b""), "ran or wrote"),
        (lambda path: os.system("true"), "ran or wrote"),
        (lambda path: bytes(b"x" * (300 << 20)), "took"),
    ],
    ids=["raises", "runs", "writes", "starts", "grows"],
)
def test_a_reader_that_breaks_a_law_is_caught(tmp_path, read, named):
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(LawBroken, match=named):
        judged(no_reader(read), tmp_path / "a")
    RUN.clear()


# --- files made to harm, each found by fuzzing or by reading the code -----------------------------


def zipped(pickled: bytes, **more: bytes) -> bytes:
    """As torch's archives are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {"data.pkl": pickled, "byteorder": b"little", "version": b"3\n", **more}.items():
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def deflated(content: object) -> bytes:
    packed, buffer = io.BytesIO(), io.BytesIO()
    torch.save(content, packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    return buffer.getvalue()


def one_storage_under_many_names() -> bytes:
    """torch finds data/aaaaaaaaa under 512 spellings, and loads its megabyte for each."""
    name, pickled = "a" * 9, b"\x80\x02]("
    for variant in range(1 << len(name)):
        key = "".join(letter.upper() if variant >> i & 1 else letter for i, letter in enumerate(name))
        pickled += b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x09\x00\x00\x00" + key.encode()
        pickled += b"X\x03\x00\x00\x00cpuJ\x00\x00\x04\x00tQ"
    return zipped(pickled + b"e.", **{f"data/{name}": b"\x01" * (1 << 20)})


def flac_of(frames: int) -> bytes:
    """Half a second of it; the header promises more: STREAMINFO's total, the low 36 bits from byte 18 on."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.sin(np.arange(8000) / 9) / 3, 16000, format="FLAC")
    data = bytearray(buffer.getvalue())
    head = int.from_bytes(data[18:26], "big") >> 36 << 36 | frames
    data[18:26] = head.to_bytes(8, "big")
    return bytes(data)


LEGACY = b"".join(pickle.dumps(part, 2) for part in (torch.serialization.MAGIC_NUMBER, 1001, {"little_endian": True}))
FOR_EVER = b"\x80\x02})" + b"q\x00h\x00\x86" * 64 + b"K\x01s."  # {((((), ()), ...), ...): 1}
FOR_EVER_DOUBLED = b"\x80\x02})" + b"2\x86" * 64 + b"K\x01s."
SET_FOR_EVER = b"\x80\x02c__builtin__\nset\n](" + b")" + b"q\x00h\x00\x86" * 64 + b"e\x85R."
DEEP_KEY = b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s."  # hashing it would take the whole stack
MANY_BYTES = b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x7f\x85R."  # 2 GiB
MANY_NUMBERS = b"\x80\x02}X\x01\x00\x00\x00actorch\nDoubleTensor\nJ\x00\x00\x00\x7f\x85Rs."
PICKLES = {
    "a key that hashes for ever": FOR_EVER,
    "the same by DUP": FOR_EVER_DOUBLED,
    "a set of it": SET_FOR_EVER,
    "a key nested too deep": DEEP_KEY,
    "2 GiB of bytes": MANY_BYTES,
    "16 GiB of numbers": MANY_NUMBERS,
    "2 GiB of an array's bytes": number_for_bytes(),
    "bytes that double": growing_bytes(29),
    "a million sets": b"\x80\x02](" + b"\x8f" * 1_000_000 + b"e.",
    "a call": pickle.dumps(Hostile(canary), 2),
    "a call in a list": pickle.dumps([Hostile(eval, "__import__('fuzzing').canary()")], 2),
}
HARMFUL = {
    **{f"{what}, {kind}": (name, pack(pickled))
       for what, pickled in PICKLES.items()
       for kind, name, pack in (
           ("checkpoint", "checkpoint, zip", zipped),
           ("legacy checkpoint", "checkpoint, legacy", lambda pickled: LEGACY + pickled),
           ("schedule .pt", "schedule .pt", zipped),
           ("schedule .npy", "schedule .npy", lambda pickled: pickled),
           ("statistics", "mel statistics", lambda pickled: pickled))},
    "a checkpoint that unpacks": ("checkpoint, zip", deflated({"a": torch.zeros(1 << 24)})),
    "a schedule that unpacks": ("schedule .pt", deflated(torch.zeros(1 << 24))),
    "a checkpoint of one storage in 512 spellings": ("checkpoint, zip", one_storage_under_many_names()),
    "a pickle in capitals": ("checkpoint, zip", zipped(MANY_BYTES).replace(b"data.pkl", b"data.PKL")),
    "a number of 5,000 digits, configuration": ("ivanvovk's configuration", b'{"model_config": ' + b"9" * 5000 + b"}"),
    "comments without an end": ("ivanvovk's configuration", b"{" + b"/* " * 340_000),
    "quotation marks without an end": ("ivanvovk's configuration", b'{"' + b'\\"' * 500_000 + b"\\"),
    "a name without an end": ("schedule .csv", b"a" * 1_000_000 + b" [x]"),
    "keys of which the last stands twice": (
        "schedule .json", json.dumps({f"{n:x}": 0 for n in range(80_000)})[:-1].encode() + b', "13877": 0}'),
    "a number of 5,000 digits, experiment": ("experiment", b"rates = " + b"9" * 5000),
    "a deep experiment": ("experiment", b"rates = " + b"[" * 100_000),
    "a key without end": ("experiment", b'"' + b"x" * 100_000 + b'" = 1'),
    "a key that terminals obey": ("experiment", b'"\\u001b]0;a\\u0007" = 1'),
    "a number of 5,000 digits, run.json": ("run.json", b'{"a": ' + b"9" * 5000 + b"}"),
    "a deep run.json": ("run.json", b"[" * 100_000),
    "a run.json of bytes": ("run.json", b"\xff\xfe"),
    "held out is no list": ("run.json", json.dumps({"objective": "a", "held_out": 3}).encode()),
    "trials of nothing": ("trials.csv", b""),
    "trials of bytes": ("trials.csv", b"a\n\xff\xfe"),
    "a FLAC that promises 2 ** 36 samples": ("audio .flac", flac_of((1 << 36) - 1)),
}  # fmt: skip


@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=pytest.mark.slow) if w.startswith("a million") else w for w in HARMFUL]
)
def test_a_file_made_to_harm_is_refused(what, tmp_path):
    name, content = HARMFUL[what]
    reader = READERS[name]
    for beside, data in (reader.beside or {}).items():
        (tmp_path / beside).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / beside).write_bytes(data)
    path = tmp_path / reader.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert judged(reader, path) == "refused"


def test_a_message_is_one_printable_line_of_bounded_length():
    assert str(InputError("a: must be b,\nand is \x1b[2J; correct it")) == "a: must be b, and is \\x1b[2J; correct it"
    told = str(InputError(f"{'x' * 5000}; correct it"))
    assert len(told) <= LONGEST + 10
    assert told.endswith("; correct it")
