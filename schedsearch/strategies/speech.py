"""What the strategies that run the network themselves need of the search clips."""

from typing import Protocol

from torch import Tensor


class Speech(Protocol):
    """Clips of one length, on the vocoder's device."""

    @property
    def names(self) -> tuple[str, ...]:
        """[clip]: the noise of each hangs on its name."""

    @property
    def reference(self) -> Tensor:
        """[clip, samples], -1..1, whole hops."""

    @property
    def mel(self) -> Tensor:
        """[clip, n_mels, frames]."""
