"""Times a search of 6 steps on the demo voice: `python -m experiments.gpu_session.searching TABLE SCRATCH [--tiny]`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from experiments.gpu_session.demo import DATASET, configuration, write_random_weights, write_voice
from schedsearch.cli import main as schedsearch
from schedsearch.report.result import read_result


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes seconds, device, verdict and budget as JSON; the search's exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    steps, budget = ("2", "1candidates") if options.tiny else ("6", "80candidates")
    began = time.perf_counter()
    words = ["search", "--iters", steps, "--budget", budget, "--results", str(options.scratch / "results")]
    status = schedsearch([*words, *(_untrained(options.scratch / "voice") if options.tiny else [])])
    if status == 0:
        [run] = options.scratch.rglob("run.json")
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
        facts = {"device": device, "steps": int(steps), "budget": budget, "seconds": time.perf_counter() - began}
        options.table.write_text(json.dumps(facts | {"verdict": read_result(run.parent).verdict}, indent=1))
    return status


def _untrained(folder: Path) -> list[str]:
    """Writes a tiny network; returns the options that search its schedules all the same."""
    config = configuration(tiny=True)
    write_random_weights(write_voice(folder, config, {}), config)
    return ["--dataset", DATASET, "--experiments", str(folder), "--objective", "spectral", "--force"]


if __name__ == "__main__":
    sys.exit(main())
