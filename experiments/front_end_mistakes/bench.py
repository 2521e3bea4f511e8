"""Diagnoses a right voice with its front end, its clips or its weights spoilt."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from schedsearch.voice.config import Voice
from vocoder.audio.listed_clips import read_clips
from vocoder.audio.reading import Clip, typical_excerpt
from vocoder.checkpoints.loading import load_vocoder
from vocoder.front_end_check.diagnosis import Diagnosis, diagnose, examined
from vocoder.front_end_check.examination import USUAL, Effort, Examination
from vocoder.front_end_check.general_mel import GeneralMel, general
from vocoder.front_end_check.measuring import pieces_of
from vocoder.front_end_check.setups import Setup
from vocoder.network import WaveGradNetwork
from vocoder.vocoder import Vocoder

SECONDS = 0.8  # of each clip, as searches take


@dataclass(frozen=True)
class Bench:
    """The voice with everything right."""

    vocoder: Vocoder
    recordings: tuple[Clip, ...]  # whole search clips
    held_out: tuple[Clip, ...]
    effort: Effort = USUAL

    @cached_property
    def mel(self) -> GeneralMel:
        """Its front end, with its choices as fields."""
        mel = general(self.vocoder.front_end)
        if mel is None:
            raise SystemExit("the voice's front end has no variants to plant; name another voice")
        return mel

    @cached_property
    def examination(self) -> Examination:
        """Measurements shared by the mistakes that leave weights and clips alone."""
        pieces = pieces_of(self.excerpts(self.recordings), self.vocoder.hop_length)
        return Examination(self.vocoder, pieces, 0, self.effort)

    def excerpts(self, clips: Sequence[Clip]) -> list[Clip]:
        """Cuts excerpts as a search does."""
        return [typical_excerpt(clip, SECONDS, self.vocoder.hop_length) for clip in clips]

    def with_front_end(self, mel: GeneralMel, factors: tuple[int, ...] | None = None) -> Diagnosis:
        """Diagnoses a wrong front end on the right clips."""
        return examined(self.examination, Setup(mel, factors=factors))

    def one_at_a_time(self, mel: GeneralMel) -> Diagnosis:
        """Diagnoses a wrong front end without trying other implementations' whole front ends."""
        pieces = pieces_of(self.excerpts(self.recordings), self.vocoder.hop_length)
        return examined(Examination(self.vocoder, pieces, 0, replace(self.effort, whole_front_ends=False)), Setup(mel))

    def with_clips(self, spoil: Callable[[Tensor], Tensor], mel: GeneralMel | None = None) -> Diagnosis:
        """Diagnoses spoilt clips, [samples] -> [samples]."""
        vocoder = self.vocoder if mel is None else replace(self.vocoder, front_end=mel)
        spoilt = [
            Clip(clip.name, spoil(clip.audio).float().clamp(-1, 1), vocoder.sample_rate) for clip in self.recordings
        ]
        return diagnose(vocoder, self.excerpts(spoilt), effort=self.effort)

    def with_vocoder(self, vocoder: Vocoder) -> Diagnosis:
        """Diagnoses another vocoder on the right clips."""
        return diagnose(vocoder, self.excerpts(self.recordings), effort=self.effort)

    def with_weights(self, spoil: Callable[[WaveGradNetwork], None]) -> Diagnosis:
        """Diagnoses spoilt weights."""
        network = copy.deepcopy(self.vocoder.network)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            spoil(network)
        return self.with_vocoder(replace(self.vocoder, network=network))


def open_bench(voice: Voice) -> Bench:
    """Reads the voice's vocoder and whole clips."""
    folders = (voice.search_clips, voice.held_out_clips)
    recordings, held_out = (
        tuple(read_clips(folder, sample_rate=voice.sample_rate, resample=voice.resample)) for folder in folders
    )
    return Bench(load_vocoder(voice.checkpoint, voice.config), recordings, held_out)
