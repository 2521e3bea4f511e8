"""Writes a finished search into its results folder: tables, schedules, provenance and pictures."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schedsearch.report.audio_folder import AUDIO
from schedsearch.report.pictures.writing import write_pictures
from schedsearch.report.tables import provenance, write_front, write_leaderboard, write_trials
from schedsearch.schedules.files import write_every_layout
from schedsearch.search.asked_budget import finish
from schedsearch.search.run import GAIN, Run
from schedsearch.search.verdict import Verdict
from schedsearch.study.budget import Budget
from schedsearch.study.lock import locked_folder
from schedsearch.voice.check import VOICE_CHECK
from schedsearch.voice.opened import HELD_OUT_SEED, make_writable
from vocoder.atomic import atomic_write, sweep
from vocoder.precision import processor_name
from vocoder.reverse import ReverseProcess

FRONT = "pareto.csv"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing into a results folder, wherever its trials are stored.

    Two searches that end at the same time would mix their audio, pages and schedules. The lock is that of audio/:
    the folder's own is the trial store's, for which a search that still runs would wait.
    """
    audio = folder / AUDIO
    make_writable(audio)
    with locked_folder(audio):
        yield


def write_results(opened: Run, verdict: Verdict, budget: Budget) -> None:
    """Writes every file but the page, then stores that this budget is finished; to be called inside `owned`."""
    store, folder = opened.store, opened.folder
    with store.turn():
        facts = _origin(opened) | provenance(store, verdict)
        sweep(folder)
        write_trials(store, folder / "trials.csv")
        if len(store.objectives) > 1:
            write_front(store, folder / FRONT)
        else:  # an earlier search of several objectives may have left one
            (folder / FRONT).unlink(missing_ok=True)
        write_leaderboard(verdict, folder / "leaderboard.csv")
        write_every_layout(verdict.shipped.schedule, folder / "schedule", facts)
        atomic_write(folder / "run.json", (json.dumps(facts, indent=1) + "\n").encode())
        write_pictures(store, verdict, folder / "pictures", opened.voice.services.draw)
    finish(store, budget)


def _origin(run: Run) -> dict[str, Any]:
    """Says what a schedule was searched for and on, so that one can later see whether it still applies.

    Hashes are SHA-256, of weights or of clip names and samples.
    """
    identity = run.store.study.user_attrs["identity"]
    seed = run.settings.seed
    return {
        "dataset": run.voice.dataset,
        "sample_rate": run.vocoder.sample_rate,
        "hop_length": run.vocoder.hop_length,
        "iterations": run.settings.iterations,
        "dialect": run.vocoder.dialect.name,
        **({"mels": "of a TTS"} if run.voice.mels else {}),
        "clipping": _clipping(run.vocoder.dialect.reverse),
        "precision": identity["precision"],
        "processor": processor_name(run.vocoder.device),  # of the process that wrote this
        "checkpoint_hash": run.vocoder.weights_hash,
        "search_clips": {"count": len(run.clips.excerpts), "hash": identity["search clips"]},
        "held_out_clips": {"count": len(run.clips.held_out), "hash": identity["held-out clips"]},
        "seeds": {"search": seed, "held_out": seed + HELD_OUT_SEED},
        "held_out_draws": list(run.held_out_draws),
        "gain_left": _gain_left(run),
        "strategy": ", ".join(run.strategies),
        "voice_check": run.store.recall(VOICE_CHECK),
    }


def _gain_left(run: Run) -> Any:
    """Returns what the model said is left to gain; None where candidates came after that."""
    gain = run.store.recall(GAIN) or {}
    return gain if gain.get("candidates") == len(run.store.candidates()) else None


def _clipping(reverse: ReverseProcess) -> str:
    """Says in words what the sampler clamps."""
    clamped = [("the predicted x0", reverse.clamp_x0), ("y after each step", reverse.clamp_y)]
    return " and ".join(f"{what} to [-1, 1]" for what, is_clamped in clamped if is_clamped) or "none"
