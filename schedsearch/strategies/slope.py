"""Loss of a schedule and its gradient, by back-propagation through all reverse steps of the frozen network.

Tong et al. 2024 (LD3) and Watson et al. 2022 (DDSS) tune few-step samplers like this. Each step is checkpointed (Chen
et al. 2016): memory holds the audio between steps, 4 bytes a sample and step, and the network's activations, some kB a
sample, of one step at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from schedsearch.sampling.differentiable import torch_coefficients
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import Noise, NoisePredictor, reverse_step
from schedsearch.schedules.schedule import Array
from schedsearch.strategies.speech import Speech
from vocoder.batches import batches
from vocoder.reverse import Coefficients

Distance = Callable[[Tensor, Tensor], Tensor]  # reference, estimate [..., samples] -> [...]; differentiable, 0 is best

SAMPLES_AT_ONCE = 40_000  # through the network forwards and back: bounds memory at any number of clips
# For each clip, draw and step: the forward pass, the same again for what checkpointing dropped, and a backward pass,
# which counts as two although frozen weights need no gradient.
EVALUATIONS_A_STEP = 4


@dataclass(frozen=True)
class Slope:
    """Loss and gradient at one schedule; NaN if sampling failed."""

    loss: float  # mean over clips and draws
    gradient: tuple[float, ...]  # [N], of the loss in each log-SNR level
    network_evaluations: int


@dataclass(frozen=True)
class SamplerSlope:
    """Log-SNR levels [N] -> Slope, on fixed clips and fixed noise draws: the same for equal levels.

    Give the vocoder in float32: reduced precision (autocast) rounds gradients away. Equal bank and draws give the
    evaluator's noise. Coefficients are computed exactly, in float64. Clamping is the dialect's; where it clamps,
    gradients are zero.
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
            for batch in batches(len(group.names), group.reference.shape[1], SAMPLES_AT_ONCE):
                share = self._total(levels, group, batch, draw) / rows
                gradient += torch.autograd.grad(share, levels)[0]
                loss += float(share.detach())
        return Slope(loss, tuple(gradient.tolist()), EVALUATIONS_A_STEP * len(levels) * rows)

    def _total(self, levels: Tensor, group: Speech, batch: slice, draw: int) -> Tensor:
        """Returns the sum of the clips' losses."""
        # Autograd refuses to save tensors made in inference mode, but takes their clones.
        reference, mel = group.reference[batch].clone(), group.mel[batch].clone()
        bank = self.noise.for_clips(group.names[batch], draw, reference.shape[1])
        coefficients = torch_coefficients(self.vocoder.dialect.reverse, levels[None])
        audio = checkpointed_chain(self.vocoder, mel, coefficients, lambda k: bank(k).to(reference))
        return self.distance(reference, audio).sum()


def checkpointed_chain(vocoder: NoisePredictor, mel: Tensor, coefficients: Coefficients, noise: Noise) -> Tensor:
    """Runs `sampler.reverse_chain` with the activations of one step in memory at a time: [C, K, samples].

    The backward pass draws the noise of a step again instead of storing it.
    """
    steps = len(coefficients)
    y = noise(0).expand(coefficients.noise_level.shape[0], -1, -1)
    for k in range(1, steps + 1):
        n = steps - k

        def step(y: Tensor, at: Coefficients, k: int = k, n: int = n) -> Tensor:
            return reverse_step(vocoder, mel, vocoder.dialect.reverse, at, y, noise(k) if n > 0 else None)

        # no step draws from torch's generators, so their state need not be restored
        y = checkpoint(step, y, coefficients.at(n, y), use_reentrant=False, preserve_rng_state=False)
    return y
