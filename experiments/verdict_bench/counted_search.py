"""Runs one search and counts what it costs: `counted_search.py COSTS.json search --dataset ...`.

It is run by its path, with the tree whose engine is to be measured first on PYTHONPATH. So it imports nothing of that
tree but what every version has.
"""

import json
import resource
import sys
import time
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from schedsearch.cli import main
from vocoder.vocoder import Vocoder


class Count:
    """Network evaluations, and the seconds of audio that they ran on."""

    def __init__(self) -> None:
        """Counts every call of `Vocoder.predict_noise` from now on."""
        self.evaluations, self.audio_seconds = 0, 0.0
        plain = Vocoder.predict_noise

        def counted(vocoder, y, *args, **kwargs):  # type: ignore[no-untyped-def]
            self.evaluations += len(y)
            self.audio_seconds += y.numel() / vocoder.sample_rate
            return plain(vocoder, y, *args, **kwargs)

        Vocoder.predict_noise = counted  # type: ignore[method-assign, assignment]


def run(costs: Path, arguments: list[str]) -> int:
    """Runs the command and writes its costs; returns its status."""
    count, began = Count(), time.perf_counter()
    status = main(arguments)
    get_reusable_executor().shutdown()  # the time of a metric's processes counts once they have ended
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    written = {
        "evaluations": count.evaluations,
        "audio_seconds": round(count.audio_seconds, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(sum(each.ru_utime + each.ru_stime for each in used), 1),
    }
    if not status:
        costs.write_text(json.dumps(written))
    return status


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
