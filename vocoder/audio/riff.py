"""Tells a truncated WAV file: libsndfile reads one without complaint, as a shorter clip."""

import struct
from pathlib import Path

# A program that writes WAV to a pipe cannot know the size, and leaves one near 2 or 4 GiB: not a truncation.
LARGEST_SIZE = 0x7FFFFFFF - 4096


def missing_bytes(path: Path) -> int:
    """How many bytes of audio the header promises beyond the end of the file; 0 for files other than WAV."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return 0
        while len(header := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", header)
            if kind == b"data":
                return 0 if length >= LARGEST_SIZE else max(0, file.tell() + length - size)
            file.seek(length + length % 2, 1)  # chunks are padded to even lengths
    return 0
