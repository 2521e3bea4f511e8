"""`python -m experiments.reproduce [STAGE ...]`: makes results/shipped/ again, stage by stage.

Hours in all; a stopped stage goes on. results/shipped/reproduced.csv says what each stage took, on which processor and
from which commit. Needs a voice's clips: those that are not committed are obtained by the command that it names.
"""

import subprocess
import sys
import time
from collections.abc import Sequence

import torch

from experiments.reproduce.stages import STAGES
from experiments.reproduce.transfer import SHIPPED
from experiments.row_cache import RowCache
from experiments.running import command, parser_of
from vocoder.errors import InputError
from vocoder.precision import processor_name

LOG = SHIPPED / "reproduced.csv"


@command("reproduce")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all stages, or those named, in their order."""
    parser = parser_of("reproduce", __doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"{', '.join(STAGES)} (default: all)")
    asked = parser.parse_args(arguments).stages
    unknown = [name for name in asked if name not in STAGES]
    if unknown:
        raise InputError(f"STAGE must be one of {', '.join(STAGES)}, and is {unknown[0]!r}; choose one")
    chosen = [name for name in STAGES if not asked or name in asked]
    for name in chosen:
        STAGES[name].check()
    for name in chosen:
        _run(name)


def _run(name: str) -> None:
    """Runs a stage and stores what it took. A stage that goes on counts from its first run of this commit."""
    log, commit = RowCache(LOG, ".4g"), _commit()
    earlier = next((row for row in log.rows if row["stage"] == name), None)
    took = f" (took {float(earlier['hours']):.2g} h on {earlier['processor']})" if earlier else ""
    print(f"--- {name}: {STAGES[name].what}{took} ---", flush=True)
    began = time.monotonic()
    STAGES[name].run()
    hours = (time.monotonic() - began) / 3600
    if earlier and earlier["commit"] == commit:
        hours += float(earlier["hours"])
    row = {"stage": name, "hours": hours, "commit": commit, "processor": processor_name(torch.device("cpu"))}
    by_name = {other["stage"]: other for other in log.rows} | {name: row}
    log.write(by_name[stage] for stage in STAGES if stage in by_name)


def _commit() -> str:
    """Returns the checked-out commit, with + where files differ from it."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
