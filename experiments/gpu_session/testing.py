"""Runs the tests with the marker cuda: `python -m experiments.gpu_session.testing REPORT`."""

import subprocess
import sys
from pathlib import Path


def main(report: Path) -> int:
    """Writes what pytest prints; its exit status."""
    command = [sys.executable, "-m", "pytest", "-m", "cuda", "-rs", "tests/vocoder"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report.write_text(done.stdout + done.stderr)
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
