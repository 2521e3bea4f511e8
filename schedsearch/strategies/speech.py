"""The search clips, as the strategies that run the network themselves need them."""

from typing import Protocol

from torch import Tensor


class Speech(Protocol):
    """Clips of one length, on the vocoder's device."""

    @property
    def names(self) -> tuple[str, ...]:
        """[clip]: each clip's noise is drawn for its name."""

    @property
    def reference(self) -> Tensor:
        """[clip, samples], -1..1, whole hops."""

    @property
    def mel(self) -> Tensor:
        """[clip, n_mels, frames]."""
