"""Loss of a schedule and its gradient, by back-propagation through all reverse steps of the frozen network.

Tong et al. 2024 (LD3) and Watson et al. 2022 (DDSS) tune few-step samplers so. Each step is checkpointed (Chen et al.
2016): between steps only the audio itself is kept, 4 bytes a sample and step, while the network's activations, some kB
a sample, are those of one step at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from schedsearch.sampling.differentiable import torch_coefficients
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import Noise, NoisePredictor, reverse_step
from schedsearch.schedules.schedule import Array
from schedsearch.strategies.speech import Speech
from vocoder.reverse import Coefficients

Distance = Callable[[Tensor, Tensor], Tensor]  # reference, estimate [..., samples] -> [...]; differentiable, 0 is best

SAMPLES_AT_ONCE = 40_000  # through the network forwards and back: bounds memory at any number of clips
# Of a clip, draw and step: the forward pass, the same again for what checkpointing threw away, and a backward pass,
# which counts as two although frozen weights need no gradient of theirs.
EVALUATIONS_A_STEP = 4


@dataclass(frozen=True)
class Slope:
    """At one schedule. NaN where sampling failed."""

    loss: float  # mean over clips and draws
    gradient: tuple[float, ...]  # [N], of the loss in each log-SNR level
    network_evaluations: int


@dataclass(frozen=True)
class SamplerSlope:
    """Log-SNR levels [N] -> Slope, on fixed clips and fixed noise draws: the same for equal levels.

    The vocoder runs in the precision it is handed in: reduced ones (autocast) round gradients away, so hand it in
    float32. Noise is the evaluator's where bank and draws are. Coefficients are formed exactly, in float64, and
    clamping is the dialect's; where it clamps, gradients are zero.
    """

    vocoder: NoisePredictor
    speech: Sequence[Speech]
    distance: Distance
    noise: NoiseBank
    draws: Sequence[int] = (0, 1)

    def __call__(self, log_snr: Array) -> Slope:
        """`log_snr` [N], falling."""
        levels = torch.from_numpy(log_snr.copy()).requires_grad_()
        parts = [(group, draw) for group in self.speech for draw in self.draws]
        rows = sum(len(group.names) for group, _ in parts)
        loss, gradient = 0.0, torch.zeros_like(levels)
        for group, draw in parts:
            for chunk in _chunks(group):
                share = self._total(levels, group, chunk, draw) / rows
                gradient += torch.autograd.grad(share, levels)[0]
                loss += float(share.detach())
        return Slope(loss, tuple(gradient.tolist()), EVALUATIONS_A_STEP * len(levels) * rows)

    def _total(self, levels: Tensor, group: Speech, chunk: slice, draw: int) -> Tensor:
        """Sum of the clips' losses."""
        # Whoever made the group in inference mode made tensors that autograd refuses to save; their clones it takes.
        reference, mel = group.reference[chunk].clone(), group.mel[chunk].clone()
        bank = self.noise.for_clips(group.names[chunk], draw, reference.shape[1])
        coefficients = torch_coefficients(self.vocoder.dialect.reverse, levels[None])
        audio = checkpointed_chain(self.vocoder, mel, coefficients, lambda k: bank(k).to(reference))
        return self.distance(reference, audio).sum()


def checkpointed_chain(vocoder: NoisePredictor, mel: Tensor, coefficients: Coefficients, noise: Noise) -> Tensor:
    """`sampler.reverse_chain` with one step's activations held at a time: [C, K, samples].

    The noise is drawn again with the step instead of being kept.
    """
    steps = len(coefficients)
    y = noise(0).expand(coefficients.noise_level.shape[0], -1, -1)
    for k in range(1, steps + 1):
        n = steps - k

        def step(y: Tensor, at: Coefficients, k: int = k, n: int = n) -> Tensor:
            return reverse_step(vocoder, mel, vocoder.dialect.reverse, at, y, noise(k) if n > 0 else None)

        # nothing in a step draws from torch's generators, so there is no state of theirs to restore
        y = checkpoint(step, y, coefficients.at(n, y), use_reentrant=False, preserve_rng_state=False)
    return y


def _chunks(group: Speech) -> Iterator[slice]:
    """Of a group's clips."""
    clips, samples = group.reference.shape
    size = max(1, SAMPLES_AT_ONCE // samples)
    return (slice(i, i + size) for i in range(0, clips, size))
