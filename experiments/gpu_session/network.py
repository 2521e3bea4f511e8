"""Times the network on the best device: `python -m experiments.gpu_session.network TABLE [--tiny]`.

Every row runs the same weights (lmnt's size, 15.9M parameters) on the same 16 clips of 1 s. Rows take turns within each
round, and a ratio is formed within its round. The others are compared with the first row, a plain Conv1d execution in
float32.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from experiments.bench_network import SAMPLE_RATE, PlainWaveGrad
from vocoder.dialects.lmnt import LMNT
from vocoder.network import WaveGradNetwork
from vocoder.vocoder import best_device
from vocoder.weights import freeze

Call = Callable[[], Tensor]
PLAIN = "plain Conv1d, float32"


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes one row a way to execute the network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    clips, seconds, rounds = (2, 0.1, 3) if options.tiny else (16, 1.0, 15)
    device = best_device()
    with torch.inference_mode():
        rows = measured(calls(clips, seconds, device, compiled=not options.tiny), rounds)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    pd.DataFrame([{"device": name, "clips": clips, "seconds a clip": seconds, **row} for row in rows]).to_csv(
        options.table, index=False, float_format="%.4g"
    )
    print(options.table.read_text())


def calls(clips: int, seconds: float, device: torch.device, *, compiled: bool) -> dict[str, Call]:
    """What is timed, by row, on the same weights and inputs."""
    torch.manual_seed(0)
    network = freeze(WaveGradNetwork(LMNT.network_config({}), LMNT.quirks)).to(device)
    frames = int(seconds * SAMPLE_RATE) // network.config.hop_length
    y = torch.randn(clips, frames * network.config.hop_length, device=device)
    mel = torch.randn(clips, network.config.n_mels, frames, device=device)
    level = torch.linspace(0.2, 0.99, clips, device=device)
    plain = PlainWaveGrad(network)
    rows: dict[str, Call] = {PLAIN: _call(plain, y, mel, level)}
    rows["plain Conv1d, bfloat16"] = _call(plain, y, mel, level, reduced=True)
    rows["ours, float32"] = _call(network, y, mel, level)
    rows["ours, bfloat16"] = _call(network, y, mel, level, reduced=True)
    if device.type == "cuda":
        rows["plain Conv1d, TF32"] = _call(plain, y, mel, level, tf32=True)
        rows["ours, TF32"] = _call(network, y, mel, level, tf32=True)
        rows["ours, bfloat16, CUDA graph"] = _graph(rows["ours, bfloat16"])
    if compiled:
        rows["ours, bfloat16, compiled"] = _call(torch.compile(network), y, mel, level, reduced=True)
    return rows


def _call(
    network: Callable[..., Tensor], y: Tensor, mel: Tensor, level: Tensor, *, reduced: bool = False, tf32: bool = False
) -> Call:
    def call() -> Tensor:
        with _tf32(tf32), torch.autocast(y.device.type, dtype=torch.bfloat16, enabled=reduced):
            return network(y, mel, level).float()

    return call


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = allowed
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before[0]
        torch.set_float32_matmul_precision(before[1])


def _graph(call: Call) -> Call:
    """The same kernels, launched together."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = call()

    def replay() -> Tensor:
        graph.replay()
        return output

    return replay


def measured(rows: dict[str, Call], rounds: int) -> list[dict[str, object]]:
    """Times every row: median seconds, how many times faster than the plain one, and how far its output differs."""
    reference = rows[PLAIN]()
    for call in rows.values():  # compiles, and chooses kernels
        call()
    times = [{name: _seconds(call) for name, call in rows.items()} for _ in range(rounds)]
    table = []
    for name, call in rows.items():
        ratios = [row[PLAIN] / row[name] for row in times]
        table.append(
            {
                "execution": name,
                "seconds": statistics.median(row[name] for row in times),
                "faster": statistics.median(ratios),
                "faster, least": min(ratios),
                "faster, most": max(ratios),
                "rounds": rounds,
                "largest difference": float((call() - reference).abs().max() / reference.abs().max()),
            }
        )
    return table


def _seconds(call: Call) -> float:
    began = time.perf_counter()
    call().sum().item()  # waits for the device
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
