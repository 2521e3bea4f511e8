"""Records what a schedule was searched for and on, so that one can later see whether it still applies."""

from typing import Any

from schedsearch.search.run import GAIN, Run
from schedsearch.voice.check import VOICE_CHECK
from schedsearch.voice.opened import HELD_OUT_SEED
from vocoder.reverse import ReverseProcess


def origin(run: Run) -> dict[str, Any]:
    """Returns fields of schedule.json and run.json. Hashes are SHA-256, of weights or of clip names and samples."""
    identity = run.store.study.user_attrs["identity"]
    seed = run.settings.seed
    return {
        "dataset": run.voice.dataset,
        "sample_rate": run.vocoder.sample_rate,
        "hop_length": run.vocoder.hop_length,
        "iterations": run.settings.iterations,
        "dialect": run.vocoder.dialect.name,
        **({"mels": "of a TTS"} if run.voice.mels else {}),
        "clipping": clipping(run.vocoder.dialect.reverse),
        "precision": identity["precision"],
        "checkpoint_hash": run.vocoder.weights_hash,
        "search_clips": {"count": len(run.search_clips), "hash": identity["search clips"]},
        "held_out_clips": {"count": len(run.held_out_clips), "hash": identity["held-out clips"]},
        "seeds": {"search": seed, "held_out": seed + HELD_OUT_SEED},
        "held_out_draws": list(run.held_out_draws),
        "gain_left": run.store.recall(GAIN),
        "strategy": ", ".join(run.strategies),
        "voice_check": run.store.recall(VOICE_CHECK),
    }


def clipping(reverse: ReverseProcess) -> str:
    """Says in words what the sampler clamps."""
    clamped = [("the predicted x0", reverse.clamp_x0), ("y after each step", reverse.clamp_y)]
    return " and ".join(f"{what} to [-1, 1]" for what, is_clamped in clamped if is_clamped) or "none"
