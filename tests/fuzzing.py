"""Mutated and hostile files for every reader, and the laws that a read keeps whatever the file: no exception but our
InputError in a short line, nothing run, nothing written, no hang, no memory beyond what a file of that size can need.

`python tests/fuzzing.py --examples 20000` (make fuzz) prints what came of each reader.
"""

import argparse
import ctypes
import io
import platform
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from vocoder.errors import InputError

SECONDS = 10  # of processor time, and six times that of the clock: no file of these sizes may need them
MEMORY = 256 << 20  # bytes that a read may add; the seeds are below 1 MB
BATCH = 500  # examples; each batch draws anew
LONGEST_MESSAGE = 1010  # characters
RUN: list[str] = []  # what a canary that was run has left
_FORBIDDEN = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect", "os.remove",
              "os.rename", "os.mkdir", "shutil.rmtree")  # fmt: skip


def canary(*_: object) -> str:
    """Named by hostile pickles; never to be called."""
    RUN.append("canary")
    return "canary"


class Hostile:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., object] = canary, *arguments: object) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


class LawBroken(AssertionError):
    """A read that hung, ran, wrote or grew; and what it raised, where that was no InputError."""


@dataclass(frozen=True)
class Reader:
    """Something that reads a file."""

    name: str
    file: str  # what it is called in the folder
    seeds: Sequence[bytes]  # files that it reads
    read: Callable[[Path], object]
    text: bool = False  # whose numbers and strings are replaced too
    beside: Mapping[str, bytes] | None = None  # other files in the folder
    hostile: Sequence[bytes] = ()  # files that it must refuse, changed as the seeds are


# --- laws -----------------------------------------------------------------------------------------

_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes or event in _FORBIDDEN:
        RUN.append(f"{event} {arguments[0] if arguments else ''}")


sys.addaudithook(_watch)


def judged(reader: Reader, path: Path) -> str:
    """"read" or "refused"; LawBroken."""
    global _watching
    RUN.clear()
    before = _peak_from_now()
    try:
        with _limited():
            _watching = True
            reader.read(path)
        found = "read"
    except InputError as error:
        found = _refusal(str(error))
    except Exception as error:
        raise LawBroken(f"{reader.name}: {type(error).__name__}: {error}"[:400]) from error
    finally:
        _watching = False
    if RUN:
        raise LawBroken(f"{reader.name}: ran or wrote {RUN[:3]}")
    if (grown := _peak() - before) > MEMORY:
        raise LawBroken(f"{reader.name}: took {grown >> 20} MiB")
    return found


def _refusal(message: str) -> str:
    if not message or len(message) > LONGEST_MESSAGE:
        raise LawBroken(f"a message of {len(message)} characters: {message[:200]}")
    if not message.isprintable():
        raise LawBroken(f"a message of several lines, or that terminals obey: {message[:300]!r}")
    return "refused"


@contextmanager
def _limited() -> Iterator[None]:
    """Stops what takes too long, by an exception, and what takes very much memory, by MemoryError."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise LawBroken(f"still reading after {SECONDS} s of processor time")

    old = {kind: signal.signal(kind, stop) for kind in (signal.SIGPROF, signal.SIGALRM)}
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + (8 << 30), hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 6 * SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for kind, handler in old.items():
            signal.signal(kind, handler)


def _status(name: str) -> int:
    """Bytes, of /proc/self/status."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def _peak() -> int:
    return _status("VmHWM")


def _peak_from_now() -> int:
    """Resident memory now; the peak is counted from it on (Linux; elsewhere memory is not measured).

    What vocoder.allocator keeps free is given back first: a read that used it again would seem to take nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _status("VmRSS")


# --- hostile files --------------------------------------------------------------------------------


def two_directories(shown: Mapping[str, bytes], hidden: Mapping[str, bytes]) -> bytes:
    """A zip archive with two lists of members, of the same names.

    zipfile takes the list before the end record, which is `shown`'s; torch the one at the offset that the record
    states, which is `hidden`'s.
    """
    first, first_list = _halves(hidden, zipfile.ZIP_DEFLATED)
    second, second_list = _halves(shown, zipfile.ZIP_STORED)
    before = len(first) + len(first_list)
    apart = before + len(second) - len(first)
    moved, at = b"", 0
    for name in shown:
        offset = int.from_bytes(second_list[at + 42 : at + 46], "little")
        moved += second_list[at : at + 42] + struct.pack("<L", before + offset - apart) + name.encode()
        at += 46 + len(name)
    count = len(shown)
    end = struct.pack("<4s4xHHLLH", b"PK\x05\x06", count, count, len(first_list), len(first), 0)
    return first + first_list + second + moved + end


def _halves(members: Mapping[str, bytes], method: int) -> tuple[bytes, bytes]:
    """A zip archive's files and its list of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    data = buffer.getvalue()
    offset = int.from_bytes(data[-6:-2], "little")
    return data[:offset], data[offset:-22]


def members_of(data: bytes) -> dict[str, bytes]:
    """What a zip archive holds, by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def growing_bytes(doublings: int) -> bytes:
    """A pickle whose bytes the codec "hex" doubles again and again."""
    step = b"c_codecs\nencode\nh\x00X\x03\x00\x00\x00hex\x86Rq\x00"
    return b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x06\x00\x00\x00latin1\x86Rq\x00" + step * doublings + b"."


def number_for_bytes() -> bytes:
    """A pickle of NumPy's _frombuffer(n, dtype("u1"), (n,), "C"): an array whose bytes are the number n, of 2 GiB."""
    number = b"J\x00\x00\x00\x7f"
    dtype = b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R"
    return b"\x80\x02cnumpy._core.numeric\n_frombuffer\n(" + number + dtype + number + b"\x85X\x01\x00\x00\x00CtR."


_EXTREMES = [b"\x00" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00" * 8, b"\xff" * 8, b"\xff" * 7 + b"\x7f",
             b"\x00\x00\x00\x80", b"\n", b"{", b"[", b"(", b".", b"\x80\x04", b"PK\x03\x04", b"\x93NUMPY"]  # fmt: skip
_LITERALS = [
    "nan", "NaN", "inf", "-inf", "Infinity", "-Infinity", "-1", "0", "-0.0", "1e308", "1e-320", "1e999", "0.5",
    "1000000000",     "9223372036854775808", "1" + "0" * 400, "9" * 5000,
    "0x" + "f" * 5000, '""', '"a"', '"\\u0000"', '"../../../etc/passwd"',
    '"/dev/zero"', '"/dev/stdin"', '"."', '"\\n"', '"\\u2028"', '"\\ud800"', '"=1+1"', '"' + "x" * 5000 + '"',
    "null", "true", "false", "[]", "{}", "[[]]",
    "[1000000000]", "[1, 1, 1, 1]", '{"a": 1}', '["x"]', "[" * 5000, "[" * 100_000 + "]" * 100_000,
    '{"a":' * 5000, "1979-05-27", "'''", '"""', ",", ";", "\t", "\r", "é", "\x00", "\ufeff", '"\\u202e"',
    "[" + "1," * 20_000 + "1]",
    "1_000", "0b1", "1e5", "3.0", "16", "1e18",
]  # fmt: skip
_TOKEN = re.compile(rb'"(?:\\.|[^"\\\n])*"|[-+0-9.eE]+|\w+|[\[\]{},:=#]')

_position = st.floats(0, 1, exclude_max=True)


def _at(data: bytes, where: float) -> int:
    return int(where * len(data)) if data else 0


def _flip(data: bytes, where: float, bit: int) -> bytes:
    if not data:
        return data
    i = _at(data, where)
    return data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :]


def _cut(data: bytes, where: float, length: int) -> bytes:
    i = _at(data, where)
    return data[:i] + data[i + length :]


def _insert(data: bytes, where: float, new: bytes) -> bytes:
    i = _at(data, where)
    return data[:i] + new + data[i:]


def _overwrite(data: bytes, where: float, new: bytes) -> bytes:
    i = _at(data, where)
    return data[:i] + new + data[i + len(new) :]


def _duplicate(data: bytes, where: float, length: int, to: float) -> bytes:
    i = _at(data, where)
    return _insert(data, to, data[i : i + length])


def _token(data: bytes, where: float, literal: str) -> bytes:
    found = list(_TOKEN.finditer(data))
    if not found:
        return literal.encode("utf-8", "surrogatepass")
    chosen = found[int(where * len(found))]
    return data[: chosen.start()] + literal.encode("utf-8", "surrogatepass") + data[chosen.end() :]


def _beginning(where: st.SearchStrategy[float]) -> st.SearchStrategy[float]:
    """Headers and pickles' globals stand at the front: half of all positions are there."""
    return st.one_of(where, where.map(lambda x: x / 50))


Operation = Callable[[bytes], bytes]


def operations(text: bool) -> st.SearchStrategy[Operation]:
    """One change of a file."""
    where = _beginning(_position)
    lengths = st.sampled_from([1, 2, 3, 4, 8, 16, 64, 1000, 1 << 30])
    kinds: list[st.SearchStrategy[Operation]] = [
        st.builds(lambda w, b: lambda d: _flip(d, w, b), where, st.integers(0, 7)),
        st.builds(lambda w, n: lambda d: _cut(d, w, n), where, lengths),
        st.builds(lambda w, n: lambda d: _insert(d, w, n), where, st.sampled_from(_EXTREMES) | st.binary(max_size=12)),
        st.builds(lambda w, n: lambda d: _overwrite(d, w, n), where, st.sampled_from(_EXTREMES)),
        st.builds(lambda w, n, t: lambda d: _duplicate(d, w, n, t), where, lengths, where),
    ]
    if text:
        kinds += 3 * [st.builds(lambda w, x: lambda d: _token(d, w, x), _position, st.sampled_from(_LITERALS))]
    return st.one_of(kinds)


def in_member(change: Operation, name: float) -> Operation:
    """The change of one file of an archive, which is packed again with right checksums."""

    def changed(data: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [(info.filename, archive.read(info)) for info in archive.infolist()]
        except Exception:  # no archive, or one that was changed before
            return change(data)
        chosen = 0 if name < 0.6 else int(name * len(members))  # the pickle stands first
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for i, (member, content) in enumerate(members):
                archive.writestr(member, change(content) if i == chosen else content)
        return buffer.getvalue()

    return changed


def files(reader: Reader) -> st.SearchStrategy[bytes]:
    """Seeds and hostile files with up to four changes; now and then random bytes."""
    change = operations(reader.text)
    if any(seed.startswith(b"PK") for seed in reader.seeds):
        change = st.one_of(change, st.builds(in_member, change, _position))
    changes = st.lists(change, min_size=1, max_size=1) | st.lists(change, min_size=2, max_size=4)
    changed = st.tuples(st.sampled_from([*reader.seeds, *reader.hostile]), changes).map(_applied)
    return st.one_of(changed, changed, changed, changed, st.binary(max_size=200))


def _applied(drawn: tuple[bytes, Sequence[Operation]]) -> bytes:
    data, changes = drawn
    for change in changes:
        data = change(data)[: 1 << 22]
    return data


def fuzz(
    reader: Reader, folder: Path, examples: int, *, seconds: float = 1e9, derandomize: bool = False
) -> Counter[str]:
    """How many files were read and refused; LawBroken with the smallest file that breaks a law left in `folder`."""
    counts: Counter[str] = Counter()
    for name, content in (reader.beside or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    path, end = folder / reader.file, time.monotonic() + seconds
    path.parent.mkdir(parents=True, exist_ok=True)
    for seed in reader.seeds:
        path.write_bytes(seed)
        if judged(reader, path) != "read":
            raise LawBroken(f"{reader.name}: a seed is refused, so that changes of it would try nothing")
        counts["read"] += 1
    for hostile in reader.hostile:
        path.write_bytes(hostile)
        if judged(reader, path) != "refused":
            raise LawBroken(f"{reader.name}: a hostile file is read")
        counts["refused"] += 1

    @settings(max_examples=min(examples, BATCH), deadline=None, database=None, derandomize=derandomize,
              phases=(Phase.generate, Phase.shrink) if not derandomize else (Phase.generate,),
              suppress_health_check=list(HealthCheck), report_multiple_bugs=False)  # fmt: skip
    @given(files(reader))
    def each(content: bytes) -> None:
        path.write_bytes(content)
        counts[judged(reader, path)] += 1

    each()
    while counts.total() < examples and time.monotonic() < end and not derandomize:
        each()
    return counts


def main() -> None:
    """Prints counts a reader; exit status 1 where a law was broken."""
    from fuzzed_readers import readers

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20_000, help="a reader")
    parser.add_argument("--seconds", type=float, default=1e9, help="a reader, at most")
    parser.add_argument("--only", default="", help="readers whose names contain this")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="where what breaks a law goes")
    options = parser.parse_args()
    broken = 0
    for reader in readers():
        if options.only not in reader.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            try:
                counts = fuzz(reader, Path(folder), options.examples, seconds=options.seconds)
                told = f"{counts['read']:>7} read {counts['refused']:>7} refused"
            except LawBroken as error:
                broken += 1
                kept = options.keep / f"broken-{reader.name.replace(' ', '-')}-{Path(reader.file).name}"
                kept.write_bytes((Path(folder) / reader.file).read_bytes())
                told = f"BROKEN: {error} ({kept})"
            print(f"{reader.name:<28} {told}  {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(broken > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.modules["fuzzing"] = sys.modules["__main__"]  # one canary, whoever imports it
    main()
