"""`schedsearch check-voice`: checks that the network is trained and that its front end is right."""

import argparse

from schedsearch.arguments import add_results
from schedsearch.commands import voice_options
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.voice.check import CHECKING, kept_diagnosis, new_diagnosis
from schedsearch.voice.opened import description, open_vocoder, search_excerpts
from vocoder.errors import InputError
from vocoder.front_end_check.advice import sentence
from vocoder.front_end_check.diagnosis import Diagnosis


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    voice_options.add(parser)
    add_results(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the measurements and the verdict; InputError if a search would be useless."""
    voice = chosen_voice(options)
    vocoder = open_vocoder(voice)
    clips = search_excerpts(voice, vocoder, seed=0)
    print(description(voice, vocoder))
    diagnosis = kept_diagnosis(voice, vocoder, clips, options.results)
    if diagnosis is None:
        print(CHECKING)
        diagnosis = new_diagnosis(voice, vocoder, clips, options.results)
    print(_table(diagnosis))
    verdict = sentence(diagnosis, vocoder.dialect.name)
    if not diagnosis.passes:
        raise InputError(verdict)
    print(f"voice: {verdict}")
    return 0


def _table(diagnosis: Diagnosis) -> str:
    """Lists the measurements beside those of the configured setup, best first."""
    lines = [
        f"{'setup':<58} {'error':>7} {'difference':>11} {'t':>7}",
        f"{'as configured':<58} {diagnosis.given:>7.3f}",
        *(f"{row.name:<58} {row.score:>7.3f} {row.difference:>+11.3f} {row.t:>7.1f}" for row in diagnosis.rows),
        f"{'predicting no noise':<58} {diagnosis.zero:>7.3f}",
        f"error: ln of mean |eps - eps_hat| over a stationary Wiener filter's; {diagnosis.pieces} pieces of 0.4 s,",
        f"8 levels; of {diagnosis.tried} variants those that screening found near the best; t: paired, over pieces",
    ]
    return "\n".join(lines)
