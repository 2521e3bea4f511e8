"""Finds files whose header is wrong about the length: libsndfile reads them as shorter clips."""

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from vocoder.audio.ogg import fault_of_pages

# A program that writes WAV to a pipe cannot know the size, and leaves one near 2 or 4 GiB: not a truncation.
LARGEST_SIZE = 0x7FFFFFFF - 4096
MOST_CHUNKS = 1000  # before the audio; a file of zeros would be millions of empty ones
_HEADER = 8  # bytes of a chunk: its kind and length
_W64_RIFF, _W64_DATA = (  # how a file and its audio begin in Sony Wave64
    name + bytes.fromhex(rest)
    for name, rest in ((b"riff", "2e91cf11a5d628db04c10000"), (b"data", "f3acd3118cd100c04f8edb8a"))
)


def fault_of_length(path: Path) -> str | None:
    """Says how a header and its file disagree about the length; None where they agree, and for other kinds of file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        if head.startswith(b"OggS"):
            return fault_of_pages(file, size)
        audio, rest = range(0), 0
        if order := _order_of_riff(head):
            audio = _audio_of_riff(file, order)
            rest = _size_without_chunks(file, order, audio.stop, size) if audio else 0
        elif head == _W64_RIFF:
            audio = _audio_of_w64(file, size)
        elif kind := next((kind for kind in _OTHERS if head.startswith(kind)), None):
            audio = _OTHERS[kind](file)
            rest = size - audio.stop if audio and kind == b".snd" else 0
    if audio.stop > size:
        return f"truncated, {audio.stop - size} bytes are missing at the end; copy it again"
    if rest > len(audio) / 10:
        return f"the header promises {len(audio)} bytes of audio, and {rest} more follow; write the file again"
    return None


def unfinished_wav(path: Path) -> range | None:
    """Returns the bytes of the audio in a WAV whose writer ended before it wrote the length, which is 0; else None."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if _order_of_riff(file.read(16)) != "<":
            return None
        data = next((place for kind, place, length in _chunks(file, "<", 12) if kind == b"data" and not length), None)
        chunks = None if data is None else _size_without_chunks(file, "<", data, size)
    return range(data, size) if data and chunks else None


def _order_of_riff(head: bytes) -> str:
    orders = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
    return orders.get(head[:4], "") if head[8:12] == b"WAVE" else ""


def _audio_of_riff(file: BinaryIO, order: str) -> range:
    """Returns the bytes of the audio by the header; none where it does not say."""
    large = 0
    for kind, place, length in _chunks(file, order, 12):
        if kind == b"ds64":  # RF64 has here, in 64 bits, what the 32 bits of the data chunk cannot hold
            large = int.from_bytes(file.read(16)[8:], "little")
        if kind == b"data" and length == 0xFFFFFFFF and large:
            return range(place, place + large) if large < 1 << 62 else range(0)
        if kind == b"data":
            return range(place, place + length) if length < LARGEST_SIZE else range(0)
    return range(0)


def _size_without_chunks(file: BinaryIO, order: str, place: int, size: int) -> int:
    """Returns how many bytes of the file, from `place` on, are no chunks: 0 for a well-formed one."""
    for kind, start, length in _chunks(file, order, place + place % 2) if place else ():
        if not kind.isascii() or not kind.decode().isprintable() or start + length > size + 1:
            return size - start + _HEADER
    return 0


def _audio_of_aiff(file: BinaryIO) -> range:
    chunks = _chunks(file, ">", 12)
    place, length = next(((place, length) for kind, place, length in chunks if kind == b"SSND"), (0, 0))
    return range(place, place + length) if length < LARGEST_SIZE else range(0)


def _audio_of_au(file: BinaryIO) -> range:
    file.seek(0)
    begin, length = struct.unpack(">4x2I", file.read(12).ljust(12, b"\0"))
    return range(begin, begin + length) if length < LARGEST_SIZE else range(0)


def _audio_of_caf(file: BinaryIO) -> range:
    """Returns the same of Apple's format, where lengths have 64 bits, and -1 is an unknown one."""
    place = 8
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        header = file.read(12)
        if len(header) < 12:
            break
        kind, length = struct.unpack(">4sq", header)
        place += 12 + max(0, length)
        if kind == b"data":
            return range(place - length, place) if length >= 0 else range(0)
    return range(0)


def _audio_of_sphere(file: BinaryIO) -> range:
    """Returns the same of NIST's format, whose header is text."""
    file.seek(0)
    fields = dict(re.findall(rb"^(\w+) -i (\d{1,9})\s", file.read(4096), re.MULTILINE))
    samples, size = (int(fields.get(key, 0)) for key in (b"sample_count", b"sample_n_bytes"))
    return range(1024, 1024 + samples * size * int(fields.get(b"channel_count", 1)))


_OTHERS: dict[bytes, Callable[[BinaryIO], range]] = {  # how a file begins -> what finds its audio
    b"FORM": _audio_of_aiff,
    b".snd": _audio_of_au,
    b"caff": _audio_of_caf,
    b"NIST_1A": _audio_of_sphere,
}


def _chunks(file: BinaryIO, order: str, place: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields each chunk's kind, the place of its content and its length. Chunks are padded to even lengths."""
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        header = file.read(_HEADER)
        if len(header) < _HEADER:
            return
        kind, length = struct.unpack(f"{order}4sI", header)
        yield kind, place + _HEADER, length
        place += _HEADER + length + length % 2


def _audio_of_w64(file: BinaryIO, size: int) -> range:
    """Returns the same of a W64 file, where lengths have 64 bits and count the 24 bytes of the chunk's header."""
    place = 40
    for _ in range(MOST_CHUNKS):
        if place >= size:
            break
        file.seek(place)
        header = file.read(24)
        length = int.from_bytes(header[16:], "little")
        if header[:16] == _W64_DATA:
            return range(place + 24, place + length) if length < 1 << 62 else range(0)
        place += max(24, (length + 7) // 8 * 8)
    return range(0)
