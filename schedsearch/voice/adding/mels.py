"""Finds the recordings that have a fitting mel of a TTS."""

from dataclasses import replace
from pathlib import Path

from schedsearch.voice.adding.recording import Fault, LeftOut, Recording
from schedsearch.voice.adding.split import Split
from schedsearch.voice.adding.survey import Survey
from schedsearch.voice.mels.attached import with_mels
from schedsearch.voice.mels.files import MelFiles, mel_paths, read_mel
from schedsearch.voice.mels.scaling import distance_between
from schedsearch.voice.mels.timing import Length, fault_of_hop, fault_of_length
from vocoder.audio.listed_clips import clip_name
from vocoder.audio.reading import read_audio
from vocoder.dialects.dialect import FrontEnd
from vocoder.errors import InputError, printable


def with_fitting_mels(survey: Survey, mels: MelFiles, front_end: FrontEnd) -> Survey:
    """Leaves out recordings without a mel, or with one that can't be read or has another length.

    Raises InputError where all mels have another hop than the checkpoint.
    """
    lengths: dict[str, Length] = {}
    left_out = []
    for recording in survey.usable:
        length = _length(recording, mels, front_end)
        if isinstance(length, Length):
            lengths[recording.name] = length
        else:
            left_out.append(length)
    if lengths and (fault := fault_of_hop(list(lengths.values()), front_end)):
        raise InputError(f"mels of {mels.folder}: {fault}")
    faults = {name: fault_of_length(length, front_end) for name, length in lengths.items()}
    left_out += [LeftOut(name, Fault.MEL, fault) for name, fault in faults.items() if fault]
    usable = tuple(recording for recording in survey.usable if faults.get(recording.name, "") is None)
    return Survey(usable, tuple(sorted((*survey.left_out, *left_out), key=lambda entry: entry.name)))


def _length(recording: Recording, mels: MelFiles, front_end: FrontEnd) -> Length | LeftOut:
    try:
        path = mels.of(recording.name)
        if path is None:
            return LeftOut(recording.name, Fault.NO_MEL)
        frames = read_mel(path, front_end.n_mels).shape[1]
    except InputError as error:
        return LeftOut(recording.name, Fault.MEL, str(error))
    return Length(frames, int(recording.seconds * front_end.sample_rate) // front_end.hop_length)


def mels_line(mels: MelFiles, folder: Path, chosen: Split, front_end: FrontEnd) -> str:
    """Checks the chosen recordings' mels as a search does, and says how near they are to the recordings' own.

    Raises InputError for mels that begin elsewhere, or are scaled in another way, than the checkpoint's.
    """
    names = {clip_name(recording.name): recording.name for recording in (*chosen.search, *chosen.held_out)}
    clips = [
        replace(read_audio(folder / name, sample_rate=front_end.sample_rate, resample=True), name=clip)
        for clip, name in names.items()
    ]
    joined = with_mels(clips, mel_paths(mels, names), front_end)
    given = [clip.mel for clip in joined if clip.mel is not None]
    distance = distance_between(given, [clip.audio for clip in joined], front_end)
    return (
        f"mels of a TTS: {printable(str(mels.folder))}; they begin with their recordings and have the checkpoint's hop "
        f"and scaling (smoothed, they are {distance:.2f} of a mean deviation from the recordings' own; "
        f"{len(joined)} clips)"
    )
