"""Rounds a checkpoint's large layers so that it packs small: `python -m experiments.round_weights FROM TO`.

Float16 weights hardly compress, and a repository keeps every version of them. Each tensor of more than LARGE numbers is
rounded to whole multiples of a power of two near a 32nd of its standard deviation, as plain uniform quantisation does
(Gray & Neuhoff 1998); smaller tensors, which the first and last layers have, to a 128th. An eighth packs to less but
costs quality: 12 steps of demo then have a log-mel L1 of 0.90, and with exact weights 0.86. Names, shapes and types
stay, so that every reader of a checkpoint reads it as before. Biases and gains are left alone.
"""

import io
import math
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from experiments.running import command, parser_of
from vocoder.atomic import atomic_write
from vocoder.checkpoints.file import read_checkpoint

LARGE = 60_000
PARTS_OF_LARGE, PARTS_OF_SMALL = 32, 128  # of a standard deviation


@command("round_weights")
def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the rounded checkpoint."""
    parser = parser_of("round_weights", __doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args(arguments)
    state = read_checkpoint(options.source).state
    before, after = _file(state), _file({name: rounded(tensor) for name, tensor in state.items()})
    atomic_write(options.target, after)
    print(f"{options.target}: packs to {len(zlib.compress(after)):,} bytes, before {len(zlib.compress(before)):,}")


def rounded(weights: Tensor) -> Tensor:
    """Rounds a tensor in its shape and type; biases, gains (one dimension) and constants stay as they are."""
    if weights.dim() < 2 or not weights.is_floating_point():
        return weights
    exact = weights.float()
    deviation = float(exact.std())
    if deviation == 0:
        return weights
    parts = PARTS_OF_LARGE if weights.numel() > LARGE else PARTS_OF_SMALL
    step = 2.0 ** math.floor(math.log2(deviation / parts) + 0.5)
    return (torch.round(exact / step) * step).to(weights.dtype)


def _file(state: Mapping[str, Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save({"model": dict(state)}, buffer)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
