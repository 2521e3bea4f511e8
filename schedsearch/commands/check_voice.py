"""`schedsearch check-voice`: is the network trained, and is this its front end?"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from schedsearch.commands.voice_options import chosen_voice
from schedsearch.voice.check import CHECKING, kept_diagnosis, new_diagnosis
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import open_vocoder, search_excerpts
from vocoder.audio.reading import Clip
from vocoder.errors import InputError
from vocoder.front_end_check.advice import sentence
from vocoder.front_end_check.diagnosis import Diagnosis
from vocoder.vocoder import Vocoder


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="where results go (default: results)")


def run(options: argparse.Namespace) -> int:
    """Prints the measurements and what they say; InputError where a search would be of no use."""
    voice = chosen_voice(options)
    vocoder = open_vocoder(voice)
    clips = search_excerpts(voice, vocoder, seed=0)
    print(vocoder.description)
    found = _diagnosis(voice, vocoder, clips, options.results)
    print(_table(found))
    told = sentence(found, vocoder.dialect.name)
    if not found.passes:
        raise InputError(told)
    print(f"voice: {told}")
    return 0


def _diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis:
    kept = kept_diagnosis(voice, vocoder, clips, results)
    if kept is not None:
        return kept
    print(CHECKING)
    return new_diagnosis(voice, vocoder, clips, results)


def _table(found: Diagnosis) -> str:
    """What was measured beside the given setup, best first."""
    lines = [
        f"{'setup':<58} {'error':>7} {'difference':>11} {'t':>7}",
        f"{'as configured':<58} {found.given:>7.3f}",
        *(f"{row.name:<58} {row.score:>7.3f} {row.difference:>+11.3f} {row.t:>7.1f}" for row in found.rows),
        f"{'predicting no noise':<58} {found.zero:>7.3f}",
        f"error: ln of mean |eps - eps_hat| over a stationary Wiener filter's; {found.pieces} pieces of 0.4 s,",
        f"8 levels; of {found.tried} variants those that screening found near the best; t: paired, over pieces",
    ]
    return "\n".join(lines)
