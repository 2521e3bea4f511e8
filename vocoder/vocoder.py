"""A frozen WaveGrad with its front end: what the search is handed and never changes."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect, FrontEnd
from vocoder.errors import InputError
from vocoder.network import WaveGradNetwork
from vocoder.weights import weights_hash

FLOAT32_STEPS = 2


@dataclass(frozen=True)
class Vocoder:
    """A network with its dialect and mel front end.

    `autocast` is the reduced precision it runs in, if any. The `float32_steps` cleanest steps of a sampling run in
    float32 all the same: what they round stays in the audio, and what earlier steps round is cleaned by those after
    them (experiments/precision_bias.py).
    """

    network: WaveGradNetwork
    dialect: Dialect
    front_end: FrontEnd
    weights_hash: str
    autocast: torch.dtype | None = None
    float32_steps: int = FLOAT32_STEPS
    wrapper: str = ""  # what stood before the name of every weight in the checkpoint, such as "module."

    def __post_init__(self) -> None:
        """Raises InputError unless front end and network agree on mel count and hop."""
        config = self.network.config
        if self.front_end.n_mels != config.n_mels:
            raise InputError(
                f"the front end makes {self.front_end.n_mels} mels, the network takes {config.n_mels}; "
                f"{self.dialect.size_advice}"
            )
        if self.front_end.hop_length != config.hop_length:
            raise InputError(
                f"the front end's hop is {self.front_end.hop_length} samples, the network's factors "
                f"{list(config.factors)} make {config.hop_length}; {self.dialect.size_advice}"
            )

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.front_end.sample_rate

    @property
    def hop_length(self) -> int:
        """Samples a mel frame."""
        return self.front_end.hop_length

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def description(self) -> str:
        """One line for the user: by what the dialect was known, and the sizes that matter."""
        config = self.network.config
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        remark = self.dialect.remark(config)
        below = f" below {self.wrapper}" if self.wrapper else ""
        return (
            f"{self.dialect.reason}{below}; {parameters / 1e6:.1f}M parameters, {self.sample_rate} Hz, "
            f"hop {self.hop_length} = {' x '.join(map(str, config.factors))}, {config.n_mels} mels"
            + (f"; {remark}" if remark else "")
        )

    @property
    def precision(self) -> str:
        """The precision in words, as a study's identity and tables name it."""
        if self.autocast is None:
            return "float32"
        reduced = str(self.autocast).removeprefix("torch.")
        return f"{reduced}, {self.float32_steps} steps in float32" if self.float32_steps else reduced

    def at_step(self, n: int) -> "Vocoder":
        """Returns the vocoder for step n of a sampling, 0 the cleanest: the same weights in the step's precision."""
        return in_precision(self, None) if self.autocast is not None and n < self.float32_steps else self

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor, *, first: int = 0) -> Tensor:
        """Predicts eps [B, samples], float32, from y [B, samples], mel [B, n_mels, frames] and noise_level [B].

        `y` begins at sample `first` of its recording.
        """
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            return self.network(y, mel, noise_level, first).float()  # type: ignore[no-any-return]

    def unchanged(self) -> bool:
        """Says whether the weights are still those that were loaded."""
        return weights_hash(self.network) == self.weights_hash


def in_precision(vocoder: Vocoder, autocast: torch.dtype | None) -> Vocoder:
    """Returns the same weights run in another precision; None is float32."""
    return replace(vocoder, autocast=autocast)


def best_device() -> torch.device:
    """Returns the GPU where there is one that torch can use, else the CPU.

    A GPU's convolutions then keep all of float32's bits: by default torch has them round to TF32, which keeps ten. What
    is called float32 is to be it, and bfloat16 is there for speed.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")
