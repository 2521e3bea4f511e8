"""Finds Ogg files that are cut or joined: a decoder reads them as shorter clips (RFC 3533)."""

import struct
from typing import BinaryIO

_HEADER = struct.Struct("<4sxB20xB")  # of a page: its kind, flags, number of segments
_FIRST, _LAST = 2, 4  # flags: the page begins a stream, or ends it
MOST_PAGES = 1_000_000


def fault_of_pages(file: BinaryIO, size: int) -> str | None:
    """Says what is wrong with the pages of an Ogg file: the last one is missing, or other streams follow it."""
    place, ended = 0, False
    for _ in range(MOST_PAGES):
        file.seek(place)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or header[:4] != b"OggS":
            break
        _, flags, segments = _HEADER.unpack(header)
        if ended and flags & _FIRST:
            return "several recordings joined in one file, of which a decoder reads the first; write it again"
        ended = ended or bool(flags & _LAST)
        place += _HEADER.size + segments + sum(file.read(segments))
    if place > size or not ended:
        return "truncated, its last page is missing; copy it again"
    return None
