"""Which pictures stand on a page: those that a search left in its folder, and spectrograms of what is heard."""

from collections.abc import Sequence
from pathlib import Path

from schedsearch.rendering import Heard
from schedsearch.report.page.content import Picture
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.spectrograms import spectrograms

_CAPTIONS = {  # file: caption, alternative text
    "schedules.png": (
        "The schedules: log-SNR and betas, step 0 the cleanest.",
        "Two plots against the step: log-SNR and betas of the searched schedule and of the baselines.",
    ),
    "held_out.png": (
        "Held-out clips: searched minus baseline, clip by clip.",
        "A dot for each clip's difference in the objective, with the mean and its 95 % interval.",
    ),
    "convergence.png": (
        "The course of the search.",
        "The best score so far against network evaluations, candidates as dots, the best baseline as a line.",
    ),
    "iterations.png": (
        "Quality against the number of steps.",
        "Held-out scores with 95 % intervals for each length: searched schedule and best baseline.",
    ),
}


def left_behind(folder: Path) -> list[Picture]:
    """Those in `folder`, in the order of the page."""
    found = [(folder / name, *texts) for name, texts in _CAPTIONS.items()]
    return [Picture(caption, alt, path.read_bytes()) for path, caption, alt in found if path.is_file()]


def spectrogram_of(name: str, heard: Sequence[Heard], sample_rate: int) -> list[Picture]:
    """Of one clip, the reference first in `heard`; nothing where one of them failed there."""
    tracks = {system.label: system.audio[0] for system in heard}
    sound = {label: audio.numpy() for label, audio in tracks.items() if audio is not None}
    if len(sound) < len(tracks):
        return []
    reference, *_ = sound
    figure = spectrograms(sound.pop(reference), sound, sample_rate)
    alt = "Spectrograms of the recording and of each synthesis, and the difference of each to the recording in dB."
    return [Picture(f"Spectrograms of {name}.", alt, png(figure))]
