"""Times the network beside a plain Conv1d execution of the same weights, on the GPU where there is one.

    python -m experiments.bench_network [--rounds 7] [--seconds 1.0] [--clips 4] [--threads N] [--compiled]

The base network (lmnt's configuration, 15.9M parameters) on a batch of clips at 16 kHz, cut to whole hops. The rows
take turns within each round, so that whatever else the machine does falls on all of them alike. A ratio to the first
row is formed within its round. --table writes the rows as CSV too.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from vocoder.dialects.lmnt import LMNT
from vocoder.network import WaveGradNetwork
from vocoder.precision import processor_name
from vocoder.vocoder import best_device
from vocoder.weights import freeze

SAMPLE_RATE = 16_000  # Hz
PLAIN = "plain Conv1d, float32"
CAPABILITIES = ("avx512_bf16", "amx_bf16", "amx_tile", "arm_bf16", "arm_sve_bf16")

Call = Callable[[], Tensor]


class PlainWaveGrad:
    """Runs the same weights through F.conv1d and F.interpolate on [B, channels, T], as in the figures."""

    def __init__(self, network: WaveGradNetwork) -> None:
        self.config = network.config
        self.weights = {
            name: parameter.detach().squeeze(2).contiguous() if parameter.ndim == 4 else parameter.detach()
            for name, parameter in network.named_parameters()
        }

    def __call__(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        """Predicts noise: y [B, samples], mel [B, n_mels, frames], noise_level [B] -> eps [B, samples]."""
        x = self._convolve("signal", y[:, None])
        modulation = [self._film(0, x, noise_level)]
        for i, factor in enumerate(self.config.factors[:0:-1]):
            x = self._down(i, x, factor)
            modulation.append(self._film(i + 1, x, noise_level))
        x = self._convolve("mel", mel)
        for i, factor in enumerate(self.config.factors):
            x = self._up(i, x, factor, *modulation.pop())
        return self._convolve("output", x)[:, 0]

    def _down(self, i: int, x: Tensor, factor: int) -> Tensor:
        residual = F.interpolate(self._convolve(f"down.{i}.residual", x), size=x.shape[-1] // factor)
        x = F.interpolate(x, size=x.shape[-1] // factor)
        for j, dilation in enumerate(self.config.down_dilations[i]):
            x = self._convolve(f"down.{i}.convolutions.{j}", F.leaky_relu(x, 0.2), dilation)
        return x + residual

    def _film(self, i: int, x: Tensor, noise_level: Tensor) -> tuple[Tensor, Tensor]:
        x = F.leaky_relu(self._convolve(f"film.{i}.signal", x), 0.2)
        encoding = LMNT.quirks.encode_noise(noise_level, x.shape[1], x.shape[2])[:, :, 0]
        shift, scale = self._convolve(f"film.{i}.shift_and_scale", x + encoding).chunk(2, dim=1)
        return shift, scale

    def _up(self, i: int, x: Tensor, factor: int, shift: Tensor, scale: Tensor) -> Tensor:
        first, second, third, fourth = self.config.up_dilations[i]
        layer = f"up.{i}.convolutions"
        length = x.shape[-1] * factor
        residual = self._convolve(f"up.{i}.residual", F.interpolate(x, size=length))
        x = self._convolve(f"{layer}.0", F.interpolate(F.leaky_relu(x, 0.2), size=length), first)
        x = residual + self._convolve(f"{layer}.1", F.leaky_relu(shift + scale * x, 0.2), second)
        main = self._convolve(f"{layer}.2", F.leaky_relu(shift + scale * x, 0.2), third)
        return x + self._convolve(f"{layer}.3", F.leaky_relu(shift + scale * main, 0.2), fourth)

    def _convolve(self, name: str, x: Tensor, dilation: int = 1) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        padding = dilation * (weight.shape[-1] - 1) // 2
        return F.conv1d(x, weight, self.weights[f"{name}.bias"], padding=padding, dilation=dilation)


def calls(clips: int, seconds: float, device: torch.device, *, compiled: bool) -> dict[str, Call]:
    """Returns the calls to time, by row, all on the same weights and inputs."""
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
    """Returns the same kernels, launched together."""
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


def _description(device: torch.device, options: argparse.Namespace) -> str:
    """Says what is timed, and on which machine."""
    processor = torch.cpu.get_capabilities()
    bfloat16 = ", ".join(name for name in CAPABILITIES if processor.get(name)) or "none"
    threads = f"{options.threads} threads, bfloat16 in the processor: {bfloat16}"
    return f"{options.clips} x {options.seconds} s at {SAMPLE_RATE} Hz; {processor_name(device)}; {threads}"


def main() -> None:
    """Prints the machine, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--compiled", action="store_true", help="times torch.compile's network too")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = best_device()
    print(_description(device, options))
    for compiled in (False, True) if options.compiled else (False,):  # to compile may fail, or take too long
        with torch.inference_mode():
            rows = measured(calls(options.clips, options.seconds, device, compiled=compiled), options.rounds)
        _write(rows, device, options)


def _write(rows: Sequence[Mapping[str, object]], device: torch.device, options: argparse.Namespace) -> None:
    machine = {"device": processor_name(device), "clips": options.clips, "seconds a clip": options.seconds}
    table = pd.DataFrame([{**machine, **row} for row in rows])
    print(table.drop(columns=list(machine)).to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    if options.table:
        table.to_csv(options.table, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
