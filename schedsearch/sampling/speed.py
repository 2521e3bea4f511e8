"""How fast a voice synthesises: a measurement of the machine, the same for all schedules of one length.

Time depends on how many steps a schedule has and not on its betas, so that one measurement serves a length.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from schedsearch.formatting import counted
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder

ROUNDS = 5
LEAST_ROUNDS = 3
PATIENCE = 20.0  # seconds: of long schedules no further round begins then, once there are LEAST_ROUNDS

Clock = Callable[[], float]


@dataclass(frozen=True)
class Speed:
    """Wall time of synthesising one clip alone in so many steps, several times over."""

    iterations: int
    audio_seconds: float  # of the clip
    seconds: tuple[float, ...]  # of each round

    def __post_init__(self) -> None:
        if not self.seconds or self.audio_seconds <= 0 or min(self.seconds) <= 0:
            raise InputError(
                "a speed needs rounds and a clip that last longer than zero seconds, and has "
                f"{list(self.seconds)} for {self.audio_seconds:g} s of audio; measure again"
            )

    @property
    def rounds(self) -> int:
        """Returns the number of rounds."""
        return len(self.seconds)

    @property
    def real_time_factor(self) -> float:
        """Returns seconds of synthesis a second of audio, the median round; below 1 is faster than real time."""
        return float(np.median(self.seconds)) / self.audio_seconds

    @property
    def quartiles(self) -> tuple[float, float]:
        """The real-time factor that a quarter of the rounds stays below, and the one that a quarter exceeds."""
        low, high = np.quantile(self.seconds, [0.25, 0.75]) / self.audio_seconds
        return float(low), float(high)

    @property
    def evaluations_per_second(self) -> float:
        """Network evaluations (the clip through the network once) a second of wall time, the median round."""
        return self.iterations / float(np.median(self.seconds))


def measure(
    vocoder: Vocoder, clip: Clip, schedule: NoiseSchedule, *, rounds: int = ROUNDS, clock: Clock = time.perf_counter
) -> Speed:
    """Synthesises the clip alone, after one unmeasured network call: sampler, noise and network, neither metrics nor
    the mel. Fewer rounds where they last longer than PATIENCE together, never fewer than LEAST_ROUNDS.
    """
    audio = cut_to_hops(clip.audio, vocoder.hop_length)[None].to(vocoder.device)
    with torch.inference_mode():
        mel = vocoder.front_end(audio)
    noise = NoiseBank(seed=0).for_clips([clip.name], 0, audio.shape[1])

    def synthesise(what: NoiseSchedule) -> float:
        began = clock()
        ancestral_sample(vocoder, mel, [what], noise).cpu()  # waits for a GPU
        return clock() - began

    synthesise(NoiseSchedule(schedule.betas[:1]))
    seconds: list[float] = []
    while len(seconds) < rounds and (len(seconds) < LEAST_ROUNDS or sum(seconds) < PATIENCE):
        seconds.append(synthesise(schedule))
    return Speed(len(schedule), audio.shape[1] / vocoder.sample_rate, tuple(seconds))


def machine(vocoder: Vocoder) -> str:
    """Says what a speed was measured on: the device, and on a CPU torch's threads."""
    if vocoder.device.type == "cuda":
        return torch.cuda.get_device_name(vocoder.device)
    return f"{vocoder.device.type}, {counted(torch.get_num_threads(), 'thread')}"


def typical_length(clips: Sequence[Clip]) -> Clip:
    """Returns the clip of median length, the one to measure speed on."""
    return sorted(clips, key=lambda clip: len(clip.audio))[len(clips) // 2]


def evaluations_per_audio_second(iterations: int, clips: Sequence[Clip]) -> float:
    """Counts network evaluations a second of audio: one a step and clip, over the clips' seconds together.

    It falls as clips get longer: an evaluation is a whole clip through the network once.
    """
    return iterations * len(clips) / sum(len(clip.audio) / clip.sample_rate for clip in clips)
