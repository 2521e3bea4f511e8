"""Does `check-voice` name what is wrong? `python -m experiments.front_end_mistakes [DATASET] [--rate HZ]`.

Plants one mistake after another into a voice whose front end is known to be right (in its configuration, in its clips,
in its weights, in the front end's code as forks have it) and asks the check, which knows nothing of them. Then the
right setting on random sets of six clips: how often is something named that is not wrong? Writes mistakes.csv and
mistakes.md into results/shipped/<dataset>/<rate>hz/front_end/, a row as soon as it is measured; stopped, it goes on.
What was measured of other weights is measured again.
"""

import argparse
import copy
import csv
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from schedsearch.formatting import markdown_table
from schedsearch.voice.config import Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.audio.listed_clips import read_clips
from vocoder.audio.reading import Clip, resample, typical_excerpt
from vocoder.checkpoints.loading import load_vocoder
from vocoder.front_end_check.diagnosis import Diagnosis, diagnose, examined
from vocoder.front_end_check.examination import USUAL, Effort, Examination
from vocoder.front_end_check.general_mel import GeneralMel, general
from vocoder.front_end_check.measuring import pieces_of
from vocoder.front_end_check.setups import Setup
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.lmnt import LmntMel
from vocoder.network import WaveGradNetwork
from vocoder.vocoder import Vocoder

SHIPPED = Path("results/shipped")
SECONDS = 0.8  # of each clip, as searches take
WRONG_FACTORS = {4: ((8, 4, 4, 2), (5, 5, 4, 3)), 5: ((8, 4, 2, 2, 2), (5, 5, 2, 2, 2))}  # by blocks
SUBSET = 6  # clips of a false-alarm trial


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
        found = general(self.vocoder.front_end)
        if found is None:
            raise SystemExit("the voice's front end has no variants to plant")
        return found

    @cached_property
    def examination(self) -> Examination:
        """Shared by the mistakes that leave weights and clips alone: much of what they measure is the same."""
        pieces = pieces_of(self.excerpts(self.recordings), self.vocoder.hop_length)
        return Examination(self.vocoder, pieces, 0, self.effort)

    def excerpts(self, clips: Sequence[Clip]) -> list[Clip]:
        """As a search takes them."""
        return [typical_excerpt(clip, SECONDS, self.vocoder.hop_length) for clip in clips]

    def with_front_end(self, mel: GeneralMel, factors: tuple[int, ...] | None = None) -> Diagnosis:
        """Of a wrong front end on the right clips."""
        return examined(self.examination, Setup(mel, factors=factors))

    def one_at_a_time(self, mel: GeneralMel) -> Diagnosis:
        """Of a wrong front end on the right clips, where no other implementation's front end is tried whole."""
        pieces = pieces_of(self.excerpts(self.recordings), self.vocoder.hop_length)
        return examined(Examination(self.vocoder, pieces, 0, replace(self.effort, whole_front_ends=False)), Setup(mel))

    def with_clips(self, spoil: Callable[[Tensor], Tensor], mel: GeneralMel | None = None) -> Diagnosis:
        """Of spoilt clips, [samples] -> [samples]."""
        vocoder = self.vocoder if mel is None else replace(self.vocoder, front_end=mel)
        spoilt = [
            Clip(clip.name, spoil(clip.audio).float().clamp(-1, 1), vocoder.sample_rate) for clip in self.recordings
        ]
        return diagnose(vocoder, self.excerpts(spoilt), effort=self.effort)

    def with_vocoder(self, vocoder: Vocoder) -> Diagnosis:
        """Of another one on the right clips."""
        return diagnose(vocoder, self.excerpts(self.recordings), effort=self.effort)

    def with_weights(self, spoil: Callable[[WaveGradNetwork], None]) -> Diagnosis:
        """Of spoilt weights."""
        network = copy.deepcopy(self.vocoder.network)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            spoil(network)
        return self.with_vocoder(replace(self.vocoder, network=network))


@dataclass(frozen=True)
class OtherLevel(Vocoder):
    """A fork's: its network was trained with alphas_cumprod for a noise level, and is handed its root."""

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor, *, first: int = 0) -> Tensor:
        """What the trained network makes of the level that it would take for this one."""
        return super().predict_noise(y, mel, noise_level.sqrt(), first=first)


@dataclass(frozen=True)
class Mistake:
    """What is planted, where, and what the check should say: a kind, or the settings by name (any one of several)."""

    where: str
    name: str
    wanted: tuple[str, ...]
    plant: Callable[[Bench], Diagnosis]

    def named_by(self, found: Diagnosis) -> bool:
        """Whether the check said what it should."""
        return told(found) in self.wanted


def told(found: Diagnosis) -> str:
    """The check's finding as the table has it."""
    return "; ".join(f"{setting} = {value}" for setting, value in found.changes) if found.changes else found.kind


def mistakes(right: GeneralMel, factors: tuple[int, ...]) -> Iterator[Mistake]:
    """All of them, planted into a front end that is `right`."""
    # Those first that share measurements.
    yield from _of_forks(right)
    yield from _of_configuration(right, factors)
    yield from _together(right)
    yield from _of_weights()
    yield from _of_clips(right.sample_rate)


def _of_configuration(right: GeneralMel, own_factors: tuple[int, ...]) -> Iterator[Mistake]:
    own = {
        "f_min": f"{right.f_min:g} Hz",
        "f_max": f"{right.f_max:g} Hz",
        "n_fft": f"{right.n_fft}",
        "win_length": f"{right.win_length}",
    }
    wrong = [("f_min", 0.0), ("f_min", 50.0), ("f_max", 4000.0), ("f_max", 7600.0), ("win_length", 512)]
    wrong += [("win_length", 800), ("n_fft", 2048)]
    for setting, value in wrong:
        mel = replace(right, **{setting: value})  # type: ignore[arg-type]
        yield _front_end("configuration", f"{setting} {value:g}", mel, f"{setting} = {own[setting]}")
    for size in (512, 2048):
        mel = replace(right, n_fft=size, win_length=size)
        wanted = (f"n_fft and win_length = {right.n_fft}", f"n_fft = {right.n_fft}; win_length = {right.win_length}")
        yield _front_end("configuration", f"n_fft and win_length {size}", mel, *wanted)
    for factors in WRONG_FACTORS.get(len(own_factors), ()):
        hop = math.prod(factors)
        yield Mistake(
            "configuration",
            f"factors {list(factors)}, hop {hop}",
            (f"factors = {list(own_factors)}, hop {right.hop_length}",),
            lambda bench, f=factors, h=hop: bench.with_front_end(replace(right, hop_length=h), f),  # type: ignore[misc]
        )
    yield Mistake(
        "configuration",
        "sample_rate 22050, clips resampled to it",
        (f"sample_rate = {right.sample_rate} Hz",),
        lambda bench: bench.with_clips(
            lambda audio: resample(audio, right.sample_rate, 22050), replace(right, sample_rate=22050)
        ),
    )


def _of_forks(right: GeneralMel) -> Iterator[Mistake]:
    scale = right.scale
    wanted = "logarithm = log10 of power"
    yield _front_end("front end", "natural logarithm", replace(right, scale=1.0), wanted, _slope("0.43 times"))
    yield _front_end("front end", "decibels", replace(right, scale=10 * scale), wanted)
    yield _front_end("front end", "magnitude instead of power", replace(right, power=1.0), wanted)
    yield _front_end("front end", "natural logarithm of magnitude", replace(right, power=1.0, scale=1.0), wanted)
    yield _front_end("front end", "no logarithm", replace(right, logarithm=False, scale=0.0), wanted)
    yield _front_end("front end", "Slaney's mel scale", replace(right, mel_scale="slaney"), "mel scale = htk")
    yield _front_end("front end", "Slaney's mel norm", replace(right, mel_norm=True), "mel norm = none")
    both = replace(right, mel_scale="slaney", mel_norm=True)
    yield _front_end("front end", "Slaney's mel scale and norm", both, "mel scale and norm = htk and none")
    yield _front_end(
        "front end",
        "mel made from int16 audio",
        replace(right, gain=32768.0),
        "scale of the audio that the mel is made from = 1/32768 times",
    )
    yield _front_end("front end", "preemphasis 0.97", replace(right, preemphasis=0.97), "preemphasis = 0")
    yield _front_end("front end", "STFT not centred", replace(right, lead=128), "frames = centred on whole hops")
    rate, hop, mels = right.sample_rate, right.hop_length, right.n_mels
    theirs = ("front end = ivanvovk's", "front end = ivanvovk's at its defaults")
    yield _front_end("front end", "lmnt's", _general(LmntMel(rate, hop, mels)), *theirs)
    yield _front_end("front end", "coqui's", _general(CoquiMel(rate, 1024, 1024, hop, 0.0, None, mels)), *theirs)
    yield Mistake(
        "network",
        "noise level is alphas_cumprod",
        ("noise level = alphas_cumprod",),
        lambda bench: bench.with_vocoder(_other_level(bench.vocoder)),
    )


def _of_clips(rate: int) -> Iterator[Mistake]:
    louder = "level of the clips = "
    yield _clips("20 dB too quiet", f"{louder}10 times as loud", lambda x: 0.1 * x)
    yield _clips("12 dB too quiet", f"{louder}4 times as loud", lambda x: 0.25 * x)
    yield _clips("12 dB too loud, clipped", f"{louder}a quarter as loud", lambda x: 4 * x)
    yield _clips("polarity inverted", "polarity of the clips = inverted", lambda x: -x)
    yield _clips("played backwards", "direction of the clips = backwards", lambda x: x.flip(0))
    yield _clips("pre-emphasised", "pre-emphasis of the clips = undone (0.97)", _emphasised)
    for other in (22050, 24000):
        wanted = f"true sample rate of the clips = {other} Hz"
        yield _clips(f"{other} Hz, said to be {rate}", wanted, partial(resample, rate=rate, target=other))


def _of_weights() -> Iterator[Mistake]:
    yield Mistake("weights", "random", ("untrained",), lambda bench: bench.with_weights(_reset_all))
    yield Mistake("weights", "shuffled in each tensor", ("untrained",), lambda bench: bench.with_weights(_shuffle))
    yield Mistake("weights", "every other layer random", ("untrained",), lambda bench: bench.with_weights(_reset_half))
    yield Mistake("weights", "mel layer zero", ("deaf",), lambda bench: bench.with_weights(_deafen))


def _together(right: GeneralMel) -> Iterator[Mistake]:
    """Without the whole front ends of others: the demo voice's own is one of these, and would be found at once."""
    band = {"f_min": f"{right.f_min:g} Hz", "f_max": f"{right.f_max:g} Hz"}
    log = {"logarithm": "log10 of power"}
    size = {"n_fft and win_length": f"{right.n_fft}"}
    low, high = {"f_min": band["f_min"]}, {"f_max": band["f_max"]}
    yield _several(right, low | {"mel scale": "htk"}, f_min=0.0, mel_scale="slaney")
    yield _several(right, low | log, f_min=0.0, scale=1.0)
    yield _several(right, high | size, f_max=4000.0, n_fft=2048, win_length=2048)
    yield _several(right, log | {"mel norm": "none"}, power=1.0, mel_norm=True)
    yield _several(right, band | {"preemphasis": "0"}, f_min=0.0, f_max=7600.0, preemphasis=0.97)


def _front_end(where: str, name: str, mel: GeneralMel, *wanted: str) -> Mistake:
    return Mistake(where, name, wanted, lambda bench: bench.with_front_end(mel))


def _clips(name: str, wanted: str, spoil: Callable[[Tensor], Tensor]) -> Mistake:
    return Mistake("clips", name, tuple(wanted.split("|")), lambda bench: bench.with_clips(spoil))


def _several(right: GeneralMel, mends: dict[str, str], **wrong: Any) -> Mistake:
    name = ", ".join(f"{setting} {value}" for setting, value in wrong.items())
    orders = permutations(f"{setting} = {value}" for setting, value in mends.items())
    mel = replace(right, **wrong)
    wanted = tuple("; ".join(order) for order in orders)
    return Mistake("several at once", name, wanted, lambda bench: bench.one_at_a_time(mel))


def _slope(name: str) -> str:
    return f"slope of the logarithm = {name} as steep"


def _general(front_end: LmntMel | CoquiMel) -> GeneralMel:
    found = general(front_end)
    if found is None:
        raise SystemExit("no general form")
    return found


def _other_level(vocoder: Vocoder) -> Vocoder:
    return OtherLevel(vocoder.network, vocoder.dialect, vocoder.front_end, vocoder.weights_hash, vocoder.autocast)


def _emphasised(audio: Tensor) -> Tensor:
    return audio - 0.97 * torch.nn.functional.pad(audio, (1, 0))[:-1]


def _layers(network: WaveGradNetwork) -> list[torch.nn.Conv2d]:
    return [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]


def _reset_all(network: WaveGradNetwork) -> None:
    for layer in _layers(network):
        layer.reset_parameters()


def _reset_half(network: WaveGradNetwork) -> None:
    for layer in _layers(network)[::2]:
        layer.reset_parameters()


def _shuffle(network: WaveGradNetwork) -> None:
    for parameter in network.parameters():
        flat = parameter.flatten()
        parameter.copy_(flat[torch.randperm(len(flat))].view_as(parameter))


def _deafen(network: WaveGradNetwork) -> None:
    network.mel.weight.zero_()


# --- the tables -----------------------------------------------------------------------------------


def main() -> int:
    """Measures what is not in the table yet."""
    options = _options()
    voice = load_voice(options.dataset, options.rate)
    bench = _bench(voice)
    folder = SHIPPED / voice.dataset / f"{voice.sample_rate}hz" / "front_end"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mistakes.csv"
    rows = _kept(path, bench)
    done = {(row["where"], row["mistake"]) for row in rows}
    planted = mistakes(bench.mel, bench.vocoder.network.config.factors)
    for mistake in [*planted, *_right_ones(bench, options.false_alarms)]:
        if (mistake.where, mistake.name) in done:
            continue
        rows.append(_row(mistake, bench))
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
        atomic_write(path, pd.DataFrame(rows).to_csv(index=False).encode())
    atomic_write(folder / "mistakes.md", _page(rows).encode())
    return 0


def _kept(path: Path, bench: Bench) -> list[dict[str, str]]:
    """Rows of the same weights."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("checkpoint") == _weights(bench)]


def _weights(bench: Bench) -> str:
    return bench.vocoder.weights_hash[:12]


def _row(mistake: Mistake, bench: Bench) -> dict[str, str]:
    began = time.process_time()
    found = mistake.plant(bench)
    return {
        "where": mistake.where,
        "mistake": mistake.name,
        "named": told(found),
        "right": "yes" if mistake.named_by(found) else "no",
        "ties": "; ".join(found.ties),
        "score": f"{found.given:.3f}",
        "best": f"{found.best:.3f}",
        "other_mels": f"{found.others_mels:.3f}",
        "pieces": str(found.pieces),
        "variants": str(found.tried),
        "cpu_seconds": f"{time.process_time() - began:.1f}",
        "checkpoint": _weights(bench),
    }


def _right_ones(bench: Bench, trials: int) -> Iterator[Mistake]:
    """Nothing is wrong: other clips and other noise each time."""
    clips = [*bench.recordings, *bench.held_out]

    def planted(trial: int) -> Callable[[Bench], Diagnosis]:
        chosen = np.random.default_rng(trial).choice(len(clips), size=SUBSET, replace=False)
        return lambda bench: diagnose(bench.vocoder, bench.excerpts([clips[i] for i in chosen]), seed=trial)

    yield Mistake("nothing", "the search clips", ("matches",), lambda bench: bench.with_front_end(bench.mel))
    for trial in range(trials):
        yield Mistake("nothing", f"{SUBSET} clips, seed {trial}", ("matches",), planted(trial))


def _page(rows: Sequence[dict[str, str]]) -> str:
    planted = sorted((row for row in rows if row["where"] != "nothing"), key=lambda row: row["where"])
    right = [row for row in rows if row["where"] == "nothing"]
    named = sum(row["right"] == "yes" for row in planted)
    alarms = sum(row["right"] == "no" for row in right)
    lines = [
        "# What the check makes of planted mistakes",
        "",
        f"{named} of {len(planted)} mistakes are named as they should be"
        f" ({_part(planted, 'several at once')} of those with several settings wrong at once). With nothing wrong, "
        f"{alarms} of {len(right)} checks (random sets of {SUBSET} clips, other noise each) raise an alarm.",
        "",
        "Scores are natural logarithms of the network's denoising error over that of a stationary Wiener filter, mean",
        "over eight log-SNR levels and the pieces of 0.4 s: as given, and with what was named. Made by",
        "`python -m experiments.front_end_mistakes`; mistakes.csv has more columns.",
        "",
        "What this does not show: the right value is always among the check's candidates, and the check's thresholds",
        "and the names of its variants were settled with this voice and some of these mistakes in view. Several",
        "settings at once are tried without the whole front ends of other implementations, one of which is this",
        "voice's own.",
        "",
    ]
    columns = {name: name for name in ("where", "mistake", "score", "named")}
    columns |= {"best": "score then", "right": "right", "ties": "cannot be told from it"}
    cells = [[row[name] for name in columns] for row in [*planted, *right]]
    return "\n".join([*lines, markdown_table(list(columns.values()), cells)]) + "\n"


def _part(rows: Sequence[dict[str, str]], where: str) -> str:
    found = [row["right"] == "yes" for row in rows if row["where"] == where]
    return f"{sum(found)} of {len(found)}"


def _bench(voice: Voice) -> Bench:
    vocoder = load_vocoder(voice.checkpoint, voice.config)
    folders = (voice.search_clips, voice.held_out_clips)
    recordings, held_out = (
        tuple(read_clips(folder, sample_rate=voice.sample_rate, resample=voice.resample)) for folder in folders
    )
    return Bench(vocoder, recordings, held_out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="front_end_mistakes", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", nargs="?", default="demo")
    parser.add_argument("--rate", type=int)
    parser.add_argument("--false-alarms", type=int, default=12, metavar="N", help="sets of clips with nothing wrong")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
