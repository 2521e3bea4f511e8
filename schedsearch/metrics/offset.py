"""Takes a constant offset off audio before it is compared.

Recording equipment adds such an offset, and nobody hears it. PESQ and most spectral distances would count it as
distortion: 0.02 in the recording alone costs PESQ 0.13. A recording with an offset is so judged as if it had none, and
the same holds for an estimate.
"""

import torch
from torch import Tensor

# Of full scale, -60 dB. A smaller mean stays, so that clips without an offset keep their scores bit for bit. It costs
# PESQ nothing and the spectral distance 0.008 at most.
LEAST = 1e-3


def without_offset(audio: Tensor) -> Tensor:
    """Returns audio [..., samples] without its mean, where that is more than LEAST."""
    mean = audio.mean(-1, keepdim=True)
    return torch.where(mean.abs() > LEAST, audio - mean, audio)
