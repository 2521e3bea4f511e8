"""Decodes audio files to their end where the header is wrong about the length."""

import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

UNKNOWN = 1 << 40  # samples; where libsndfile reports as many, the header has no length
_TAG_HEADER = 10  # bytes, of ID3
# An MP3's first frame may hold the number of frames in place of sound: Xing at variable, Info at constant bit rates.
_XING = re.compile(rb"\xff[\xe0-\xff].{2,40}?(Xing|Info)(.{12})", re.DOTALL)
_FRAMES, _BYTES = 1, 2  # flags


class AudioFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A recording that is decoded to its end."""

    def seekable(self) -> bool:
        """Returns False: else soundfile stops at the header's length, and seeks after each block, which may fail."""
        return False

    def close(self) -> None:
        """Closes the file that it reads from, too."""
        super().close()
        if isinstance(source := getattr(self, "_name", None), _Endless):
            source.file.close()


class _Endless:
    """An MP3 file that claims to be huge, and has no Xing header.

    From the size of the file libsndfile estimates how long an MP3 without that header is, and stops there. Variable
    bit rates and tags make the estimate wrong in both directions.
    """

    SIZE = 1 << 40
    TAG = 128  # bytes at the end, where a tag may be: the decoder wants to look for one

    def __init__(self, file: BinaryIO, blank: range) -> None:
        self.file, self.blank = file, blank  # bytes to read as zeros
        self.place = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves as a file does."""
        self.place = max(0, offset + (0, self.place, self.SIZE)[whence])
        return self.place

    def tell(self) -> int:
        """Returns the place, as a file does."""
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Gives zeros in the last bytes, and nothing between these and the file's real end."""
        if self.place >= self.SIZE - self.TAG:
            content = bytearray(min(len(buffer), self.SIZE - self.place))
        else:
            self.file.seek(self.place)
            content = bytearray(self.file.read(len(buffer)))
        first, last = (min(max(place - self.place, 0), len(content)) for place in (self.blank.start, self.blank.stop))
        content[first:last] = bytes(last - first)
        buffer[: len(content)] = bytes(content)
        self.place += len(content)
        return len(content)


def open_to_the_end(path: Path) -> AudioFile:
    """Opens a file so that it is read until its decoder ends. Raises RuntimeError for one that libsndfile refuses."""
    file = AudioFile(path)
    if file.format != "MP3":
        return file
    raw = path.open("rb")
    blank = _misleading_xing(raw, path.stat().st_size)
    if blank is None:
        raw.close()
        return file
    file.close()
    try:
        return AudioFile(_Endless(raw, blank))
    except RuntimeError:
        raw.close()
        raise


def promised_samples(file: soundfile.SoundFile) -> int | None:
    """Returns the samples by the header; None where it has no length."""
    return int(file.frames) if file.frames < UNKNOWN else None


def _misleading_xing(file: BinaryIO, size: int) -> range | None:
    """Returns where the Xing header's name is, if it tells no length or one of another file; None if it is right.

    An empty range where there is none.
    """
    begin = _after_tags(file)
    xing = _XING.search(file.read(8192))
    if xing is None:
        return range(0)
    flags, *fields = struct.unpack(">3I", xing[2])
    values = dict(zip([flag for flag in (_FRAMES, _BYTES) if flags & flag], fields, strict=False))
    counted = values.get(_BYTES, size)
    # Files that were joined have the first one's header. A tag at the end is smaller than a tenth, or a few kB.
    if _FRAMES in values and size - begin < 1.1 * counted + 4096:
        return None
    return range(begin + xing.start(1), begin + xing.end(1))


def _after_tags(file: BinaryIO) -> int:
    """Goes to the first byte behind ID3 tags, and returns its place."""
    place = 0
    while (head := file.read(_TAG_HEADER))[:3] == b"ID3" and len(head) == _TAG_HEADER:
        length = sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        place = file.seek(place + _TAG_HEADER + length)
    return file.seek(place)
