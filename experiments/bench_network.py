"""Times our network against a plain Conv1d float32 execution of the same weights, side by side.

    python -m experiments.bench_network [--rounds 7] [--seconds 1.0] [--clips 4] [--threads N]

The base network (lmnt's configuration, 15.9M parameters) on a batch of clips at 16 kHz, cut to whole hops.
The rows take turns within each round, so that whatever else the machine does falls on all of them alike; a
ratio is formed within its round.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from vocoder.dialects.lmnt import LMNT
from vocoder.network import WaveGradNetwork
from vocoder.weights import freeze

SAMPLE_RATE = 16_000  # Hz
PLAIN = "plain Conv1d, float32"
ROWS = (PLAIN, "ours, float32", "ours, bfloat16 autocast")
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


def calls(clips: int, seconds: float) -> dict[str, Call]:
    """Returns the calls to time, by row, all on the same weights and inputs."""
    torch.manual_seed(0)
    network = freeze(WaveGradNetwork(LMNT.network_config({}), LMNT.quirks))
    frames = int(seconds * SAMPLE_RATE) // network.config.hop_length
    y = torch.randn(clips, frames * network.config.hop_length)
    mel = torch.randn(clips, network.config.n_mels, frames)
    noise_level = torch.linspace(0.2, 0.99, clips)
    plain = PlainWaveGrad(network)

    def in_bfloat16() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network(y, mel, noise_level).float()  # type: ignore[no-any-return]

    functions: tuple[Call, ...] = (
        lambda: plain(y, mel, noise_level),
        lambda: network(y, mel, noise_level),
        in_bfloat16,
    )
    return dict(zip(ROWS, functions, strict=True))


def timed(call: Call) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def report(rows: dict[str, Call], rounds: int) -> None:
    """Prints a line a row: median seconds, how many times faster than plain, and how far from its output."""
    reference = rows[PLAIN]()
    scale = reference.abs().max()
    errors = {name: float((call() - reference).abs().max() / scale) for name, call in rows.items()}
    seconds = [{name: timed(call) for name, call in rows.items()} for _ in range(rounds)]
    for name, error in errors.items():
        ratios = [times[PLAIN] / times[name] for times in seconds]
        print(
            f"{name:24} {statistics.median(times[name] for times in seconds):7.3f} s  "
            f"{statistics.median(ratios):5.2f} x faster ({min(ratios):.2f} to {max(ratios):.2f})  "
            f"max |difference| / max |eps| {error:.1e}"
        )


def main() -> None:
    """Prints the machine, then the table."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = torch.cpu.get_capabilities()
    bfloat16 = ", ".join(name for name in CAPABILITIES if found.get(name)) or "none"
    work = f"{options.clips} x {options.seconds} s at {SAMPLE_RATE} Hz"
    print(f"{work}, {options.threads} threads, medians of {options.rounds}")
    print(f"bfloat16 in the processor: {bfloat16}")
    with torch.inference_mode():
        report(calls(options.clips, options.seconds), options.rounds)


if __name__ == "__main__":
    main()
