"""Brings audio to one loudness and packs it for a page."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from torch import Tensor

from schedsearch.formatting import counted
from schedsearch.metrics.level import level
from schedsearch.report.page.content import Listening, ListeningRow, Player, data_uri
from schedsearch.report.rendering import Heard

LONGEST = 6.0  # seconds of a clip that are played
LOUDEST = 0.99  # peak after matching, full scale 1
FAINTEST = -60.0  # dB beside the reference; fainter audio is left as it is, or noise would be amplified
MOST_BYTES = 11_000_000  # of audio in a page, as base64


@dataclass(frozen=True)
class Matched:
    """Audio at the reference's RMS level, and the gain in dB that was applied, None if none was."""

    audio: Tensor  # [samples]
    gain: float | None


def matched(reference: Tensor, systems: Sequence[Tensor | None]) -> list[Matched | None]:
    """Brings all systems, [samples] each, to the RMS of the reference.

    If a peak would pass full scale, all of them are turned down alike, so that they still match.
    """
    gains = [None if audio is None else _gain(reference, audio) for audio in systems]
    peaks = [
        float(audio.abs().max()) * 10 ** ((gain or 0.0) / 20)
        for audio, gain in zip(systems, gains, strict=True)
        if audio is not None
    ]
    down = min(0.0, 20 * math.log10(LOUDEST / max(peaks))) if peaks and max(peaks) > 0 else 0.0
    return [None if audio is None else _applied(audio, gain, down) for audio, gain in zip(systems, gains, strict=True)]


def listening(names: Sequence[str], heard: Sequence[Heard], sample_rate: int) -> Listening:
    """Returns players of the first clips, as many as fit into a page. `heard` has the reference first."""
    rows: list[ListeningRow] = []
    size = 0
    for clip, audio in zip(names, zip(*(system.audio for system in heard), strict=True), strict=True):
        row = _row(clip, audio, sample_rate)
        size += sum(len(player.uri) for player in row.players)
        if size > MOST_BYTES:
            break
        rows.append(row)
    left_out = len(names) - len(rows)
    notes = []
    if any(audio is not None and len(audio) > round(LONGEST * sample_rate) for audio in heard[0].audio[: len(rows)]):
        notes.append(f"Only the first {LONGEST:g} s of a clip are played; its score counts more of it.")
    if left_out:
        are = "is" if left_out == 1 else "are"
        notes.append(f"{counted(left_out, 'more clip')} {are} left out to keep the page small.")
    return Listening(tuple(system.label for system in heard), tuple(rows), tuple(notes))


def flac(audio: Tensor, sample_rate: int) -> bytes:
    """Packs [samples] as 16-bit FLAC, which every browser in use decodes (Safari from 11 on)."""
    buffer = io.BytesIO()
    samples = np.clip(audio.numpy(), -1.0, 1.0)
    soundfile.write(buffer, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _row(clip: str, audio: Sequence[Tensor | None], sample_rate: int) -> ListeningRow:
    played = [None if a is None else a[: round(LONGEST * sample_rate)] for a in audio]
    assert played[0] is not None  # the reference was read from a file, with its samples checked
    players = [_player(m, sample_rate) for m in matched(played[0], played)]
    return ListeningRow(clip, len(played[0]) / sample_rate, tuple(players))


def _player(heard: Matched | None, sample_rate: int) -> Player:
    if heard is None:
        return Player("no audio: the synthesis has NaN or infinite samples")
    note = "silent or nearly so, as it is" if heard.gain is None else f"{_decibels(heard.gain)} dB"
    return Player(note, data_uri("audio/flac", flac(heard.audio, sample_rate)))


def _decibels(gain: float) -> str:
    return f"{round(gain, 1) + 0.0:+.1f}".replace("-", "−")  # never -0.0


def _gain(reference: Tensor, audio: Tensor) -> float | None:
    below = float(level(reference, audio))
    return -below if math.isfinite(below) and below > FAINTEST else None


def _applied(audio: Tensor, gain: float | None, down: float) -> Matched:
    if gain is None:
        return Matched(audio, None)
    return Matched(audio * 10 ** ((gain + down) / 20), round(gain + down, 6) + 0.0)
