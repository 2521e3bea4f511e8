"""Finds files whose header is wrong about the length: libsndfile reads them as shorter clips."""

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from vocoder.audio.ogg import fault_of_pages

# A program that writes WAV to a pipe cannot know the size, and leaves one near 2 or 4 GiB: not a truncation.
LARGEST_SIZE = 0x7FFFFFFF - 4096
MOST_CHUNKS = 1000  # before the audio; a file of zeros would be millions of empty ones
LARGEST_PLACE = 1 << 62  # no file is as long, though 64 bits can say so; seeking much further fails
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
        if header := _header_of_riff(head):
            audio = _audio_of_riff(file, header)
            rest = _size_without_chunks(file, header, audio.stop, size) if audio else 0
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
        header = _header_of_riff(file.read(16))
        if not header.startswith("<"):
            return None
        chunks = _chunks(file, header, 12)
        data = next((place for kind, place, length in chunks if kind == b"data" and not length), None)
        others = None if data is None else _size_without_chunks(file, header, data, size)
    return range(data, size) if data and others else None


def _header_of_riff(head: bytes) -> str:
    """Returns the struct format of a chunk's header; "" for another kind of file."""
    formats = {b"RIFF": "<4sI", b"RIFX": ">4sI", b"RF64": "<4sI", b"BW64": "<4sI"}
    return formats.get(head[:4], "") if head[8:12] == b"WAVE" else ""


def _audio_of_riff(file: BinaryIO, header: str) -> range:
    """Returns the bytes of the audio by the header; none where it does not say."""
    large = 0
    for kind, place, length in _chunks(file, header, 12):
        if kind == b"ds64":  # RF64 has here, in 64 bits, what the 32 bits of the data chunk cannot hold
            large = int.from_bytes(file.read(16)[8:], "little")
        if kind == b"data" and length == 0xFFFFFFFF and large:
            return range(place, place + large) if large < LARGEST_PLACE else range(0)
        if kind == b"data":
            return range(place, place + length) if length < LARGEST_SIZE else range(0)
    return range(0)


def _size_without_chunks(file: BinaryIO, header: str, place: int, size: int) -> int:
    """Returns how many bytes of the file, from `place` on, are no chunks: 0 for a well-formed one."""
    for kind, start, length in _chunks(file, header, place + place % 2) if place else ():
        if not kind.isascii() or not kind.decode().isprintable() or start + length > size + 1:
            return size - start + struct.calcsize(header)
    return 0


def _audio_of_aiff(file: BinaryIO) -> range:
    return _first(b"SSND", _chunks(file, ">4sI", 12), LARGEST_SIZE)


def _audio_of_au(file: BinaryIO) -> range:
    file.seek(0)
    begin, length = struct.unpack(">4x2I", file.read(12).ljust(12, b"\0"))
    return range(begin, begin + length) if length < LARGEST_SIZE else range(0)


def _audio_of_caf(file: BinaryIO) -> range:
    """Reads Apple's format, where lengths have 64 bits, and -1 is an unknown one."""
    return _first(b"data", _chunks(file, ">4sq", 8, padded_to=1), 1 << 63)


def _audio_of_w64(file: BinaryIO) -> range:
    """Reads Sony Wave64, where lengths have 64 bits and count the 24 bytes of the chunk's header."""
    return _first(_W64_DATA, _chunks(file, "<16sQ", 40, padded_to=8, counts_header=True), LARGEST_PLACE)


def _first(wanted: bytes, chunks: Iterable[tuple[bytes, int, int]], largest: int) -> range:
    """Returns the bytes of the first chunk of a kind; none where its length is not to be believed."""
    place, length = next(((place, length) for kind, place, length in chunks if kind == wanted), (0, 0))
    return range(place, place + length) if 0 <= length < largest else range(0)


def _audio_of_sphere(file: BinaryIO) -> range:
    """Reads NIST's format, whose header is text."""
    file.seek(0)
    fields = dict(re.findall(rb"^(\w+) -i (\d{1,9})\s", file.read(4096), re.MULTILINE))
    samples, size = (int(fields.get(key, 0)) for key in (b"sample_count", b"sample_n_bytes"))
    return range(1024, 1024 + samples * size * int(fields.get(b"channel_count", 1)))


_OTHERS: dict[bytes, Callable[[BinaryIO], range]] = {  # how a file begins -> what finds its audio
    b"FORM": _audio_of_aiff,
    b".snd": _audio_of_au,
    b"caff": _audio_of_caf,
    b"NIST_1A": _audio_of_sphere,
    _W64_RIFF: _audio_of_w64,
}


def _chunks(
    file: BinaryIO, header: str, place: int, *, padded_to: int = 2, counts_header: bool = False
) -> Iterator[tuple[bytes, int, int]]:
    """Yields each chunk's kind, the place of its content and its length.

    `header` is the struct format of kind and length.
    """
    size = struct.calcsize(header)
    for _ in range(MOST_CHUNKS):
        if place >= LARGEST_PLACE:
            return
        file.seek(place)
        start = file.read(size)
        if len(start) < size:
            return
        kind, length = struct.unpack(header, start)
        length -= size if counts_header else 0
        place += size
        yield kind, place, length
        place += max(0, length + -length % padded_to)
