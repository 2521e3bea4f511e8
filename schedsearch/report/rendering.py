"""Renders held-out clips to listen to with several schedules.

One hears what was scored: the dialect's own arithmetic, whole clips, the first noise draw of the verdict.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from torch import Tensor

from schedsearch.evaluation.evaluator import Evaluator, Keep
from schedsearch.report.audio_folder import AUDIO, AudioFolder
from schedsearch.report.titles import title
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import linear
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.loop import Progress
from schedsearch.search.network_limit import LENGTHS, TRAINING_STEPS, long_schedule
from schedsearch.search.run import Run
from schedsearch.search.verdict import Verdict
from schedsearch.study.store import study_name
from schedsearch.voice.opened import held_out_noise
from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.vocoder import Vocoder

LISTENING_CLIPS = 8  # the default: the first ones
Kept = dict[tuple[NoiseSchedule, str], Tensor]  # of a schedule and a clip: audio [samples], as the verdict scored it


@dataclass(frozen=True)
class System:
    """A schedule to listen to."""

    key: str  # of its files
    label: str  # for people
    schedule: NoiseSchedule


@dataclass(frozen=True)
class Heard:
    """One system's audio of the clips; None where it is not finite."""

    label: str
    audio: tuple[Tensor | None, ...]  # [samples] each, in the order of the clips


@dataclass(frozen=True)
class Renderer:
    """Renders clips into a folder, each once. `identity` names all that audio depends on beside the schedule."""

    vocoder: Vocoder
    clips: tuple[Clip, ...]
    noise: NoiseBank
    draw: int
    identity: str
    folder: AudioFolder
    kept: "Kept" = field(default_factory=dict)

    @property
    def reference(self) -> Heard:
        """The recordings in whole hops, as they were scored."""
        return Heard("reference", tuple(cut_to_hops(clip.audio, self.vocoder.hop_length) for clip in self.clips))

    def missing(self, system: System) -> list[Clip]:
        """Returns the clips that the folder does not have yet."""
        return [clip for clip, audio in zip(self.clips, self.heard(system).audio, strict=True) if audio is None]

    def render(self, system: System) -> Iterator[Progress]:
        """Renders the missing clips one by one. Audio that is not finite is not written, and tried again next time."""
        missing = self.missing(system)
        for i, clip in enumerate(missing):
            audio = self.kept.get((system.schedule, clip.name))
            audio = self._synthesis(clip, system.schedule) if audio is None else audio
            if audio.isfinite().all():
                self.folder.write(clip.name, system.key, audio, origin=self._origin(system))
            yield Progress(f"to hear: {system.key}", (i + 1) / len(missing), None)

    def drop_others(self, systems: Sequence[System]) -> None:
        """Removes audio of other searches, or of schedules that ship no more: it may be of any clip."""
        self.folder.drop_all_but({self._origin(system) for system in systems})

    def heard(self, system: System) -> Heard:
        """Returns the audio of a system that `render` has written."""
        origin = self._origin(system)
        return Heard(system.label, tuple(self.folder.read(clip.name, system.key, origin) for clip in self.clips))

    def seconds_a_step(self) -> float:
        """Times all clips through the network once, after a warm call."""
        one_step = linear(1, 0.5, 0.5)
        self._synthesis(self.clips[0], one_step)
        began = time.perf_counter()
        for clip in self.clips:
            self._synthesis(clip, one_step)
        return time.perf_counter() - began

    def _synthesis(self, clip: Clip, schedule: NoiseSchedule) -> Tensor:
        return Evaluator(self.vocoder, [clip], [], self.noise).audio(schedule, self.draw)[clip.name].cpu()

    def _origin(self, system: System) -> str:
        parts = f"{self.identity} {self.noise.seed} {self.draw} ".encode() + system.schedule.betas.tobytes()
        return f"schedsearch {sha256(parts).hexdigest()}"


def of_verdict(verdict: Verdict) -> list[System]:
    """Returns a verdict's winner and baseline, to be heard."""
    winner, baseline = verdict.winner, verdict.baseline
    return [
        System("searched", title(winner, verdict), winner.schedule),
        System("baseline", f"best baseline ({baseline.name})", baseline.schedule),
    ]


def renderer_of(run: Run, clips: int, kept: Kept) -> Renderer:
    """Returns the renderer of a run's first held-out clips, as its verdict scores them."""
    return Renderer(
        vocoder=run.exact.vocoder,
        clips=run.clips.held_out[:clips],
        noise=held_out_noise(run.settings.seed),
        draw=run.held_out_draws[0],
        identity=study_name(run.store.study.user_attrs["identity"]),
        folder=AudioFolder(run.folder / AUDIO, run.vocoder.sample_rate),
        kept=kept,
    )


def keeping(run: Run, kept: Kept) -> Keep:
    """Returns what puts into `kept` the verdict's audio that the page plays: it need not be sampled again."""
    names, first = {clip.name for clip in run.clips.held_out[:LISTENING_CLIPS]}, run.held_out_draws[0]

    def keep(schedule: NoiseSchedule, clip: str, draw: int, audio: Tensor) -> None:
        if clip in names and draw == first:
            kept[schedule, clip] = audio.cpu().clone()  # a view would keep the batch

    return keep


def affordable_long(renderer: Renderer, iterations: int, seconds: float | None) -> System | None:
    """Returns the training schedule in as many steps as `seconds` allow, but always more than `iterations`.

    Steps that the folder already has cost nothing. Without `seconds` only those count. None where nothing fits.
    """
    if seconds == 0:
        return None
    longer = [long_system(n) for n in LENGTHS if n > iterations]
    rendered_before = next((system for system in longer if not renderer.missing(system)), None)
    if seconds is None or not renderer.clips:
        return rendered_before
    affordable = seconds / renderer.seconds_a_step()
    fits = (system for system in longer if system is rendered_before or len(system.schedule) <= affordable)
    return next(fits, None)


def long_system(steps: int) -> System:
    """Returns the training schedule in `steps` steps, to be heard."""
    label = f"training schedule, all {TRAINING_STEPS} steps"
    if steps < TRAINING_STEPS:
        label = f"training schedule in {steps} instead of {TRAINING_STEPS} steps"
    return System("long", label, long_schedule(steps))
