"""Decodes audio files to their end where the header is wrong about the length."""

import os
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

from vocoder.audio.riff import unfinished_wav

UNKNOWN = 1 << 40  # samples; where libsndfile reports as many, the header has no length
_TAG_HEADER = 10  # bytes, of ID3
# An MP3's first frame may hold the number of frames in place of sound: Xing at variable, Info at constant bit rates.
_XING = re.compile(rb"\xff[\xe0-\xff].{2,40}?(Xing|Info)(.{12})", re.DOTALL)
_FRAMES, _BYTES = 1, 2  # flags
_LONGEST_FRAME = 1500  # bytes


class AudioFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A recording that is decoded to its end."""

    def seekable(self) -> bool:
        """Returns False: else soundfile stops at the header's length, and seeks after each block, which may fail."""
        return False

    def close(self) -> None:
        """Closes the file that it reads from, too."""
        super().close()
        if isinstance(source := getattr(self, "_name", None), _Overlaid):
            source.file.close()


class _Overlaid:
    """A file in which some bytes are read as others, and which may claim to be longer."""

    TAG = 128  # bytes at the end of an endless file, where a tag may be: the decoder wants to look for one

    def __init__(self, file: BinaryIO, place: int, content: bytes, *, end: int, size: int) -> None:
        self.file, self.end, self.size = file, end, size  # end: of the bytes that are read
        self.overlay, self.content = place, content
        self.place = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves as a file does."""
        self.place = max(0, offset + (0, self.place, self.size)[whence])
        return self.place

    def tell(self) -> int:
        """Returns the place, as a file does."""
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Gives zeros in the last bytes of an endless file, and nothing between these and the file's real end."""
        if self.size > self.end and self.place >= self.size - self.TAG:
            content = bytearray(min(len(buffer), self.size - self.place))
        else:
            self.file.seek(self.place)
            content = bytearray(self.file.read(min(len(buffer), max(0, self.end - self.place))))
        for place, byte in enumerate(self.content, self.overlay - self.place):
            if 0 <= place < len(content):
                content[place] = byte
        buffer[: len(content)] = bytes(content)
        self.place += len(content)
        return len(content)


def open_to_the_end(path: Path) -> AudioFile:
    """Opens a file so that it is read until its decoder ends. Raises RuntimeError for one that libsndfile refuses."""
    size = path.stat().st_size
    if audio := unfinished_wav(path):
        length = struct.pack("<I", min(len(audio), 0xFFFFFFFF))  # more is refused as too long
        return _overlaid(path, audio.start - len(length), length, end=size, size=size)
    file = AudioFile(os.fsencode(path))  # soundfile refuses a text that is not UTF-8
    if file.format != "MP3":
        return file
    with path.open("rb") as raw:
        end = _end_of_mp3(raw, size)
        blank = _misleading_xing(raw, end)
    if blank is None:
        return file
    file.close()
    # From the size of the file libsndfile estimates how long an MP3 without a Xing header is, and stops there. Variable
    # bit rates and tags make the estimate wrong in both directions; of an endless file it is never too short.
    return _overlaid(path, blank.start, bytes(len(blank)), end=end, size=1 << 40)


def _overlaid(path: Path, place: int, content: bytes, **sizes: int) -> AudioFile:
    raw = path.open("rb")
    try:
        return AudioFile(_Overlaid(raw, place, content, **sizes))
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


def _end_of_mp3(file: BinaryIO, size: int) -> int:
    """Returns where tags at the end begin (ID3v1, APE, Lyrics3), or else zeros that some programs pad with."""
    end = size
    while (shorter := end - _tag_at(file, end)) < end:
        end = max(0, shorter)
    padded, step = end, 1 << 16
    while padded > 0:
        file.seek(max(0, padded - step))
        block = file.read(min(step, padded))
        padded -= len(block) - len(block.rstrip(b"\0"))
        if not block.endswith(b"\0" * len(block)):
            break
    return min(end, padded + _LONGEST_FRAME)  # the last frame may itself end in zeros


def _tag_at(file: BinaryIO, end: int) -> int:
    """Returns the bytes of the tag that ends here; 0 if none does."""
    file.seek(max(0, end - 128))
    tail = file.read(min(128, end))
    if tail.startswith(b"TAG"):
        return len(tail)
    if tail[-32:-24] == b"APETAGEX":
        length, _, flags = struct.unpack("<3I", tail[-20:-8])
        return int(length) + (32 if flags >> 31 else 0)  # whether it has a header, too
    if tail.endswith(b"LYRICS200") and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0


def _after_tags(file: BinaryIO) -> int:
    """Goes to the first byte behind ID3 tags, and returns its place."""
    place = 0
    while (head := file.read(_TAG_HEADER))[:3] == b"ID3" and len(head) == _TAG_HEADER:
        length = sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        place = file.seek(place + _TAG_HEADER + length)
    return file.seek(place)
