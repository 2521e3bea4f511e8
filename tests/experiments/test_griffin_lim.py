"""Griffin-Lim gives audio with nearly the mel that it was given, in every dialect's mel."""

import pytest
import torch

from experiments.griffin_lim import griffin_lim
from vocoder.errors import InputError
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel

TONE = 0.3 * torch.sin(2 * torch.pi * 440 * torch.arange(16 * 256) / 16000)
FRONT_ENDS = (
    IvanvovkMel(16000, 1024, 1024, 256, 80.0, 8000.0, 80),
    LmntMel(16000, 256),
    CoquiMel(16000),
    CoquiMel(16000, preemphasis=0.9),
)


@pytest.mark.slow
@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=["ivanvovk", "lmnt", "coqui", "coqui with pre-emphasis"])
def test_audio_has_nearly_the_mel_that_it_was_made_of(front_end):
    mel = front_end(TONE[None])[0]
    audio = griffin_lim(mel, front_end, len(TONE))
    assert audio.shape == TONE.shape
    natural = torch.tensor(front_end.log_units)[:, None]  # natural logs of power in a unit of this mel
    mel, again = mel[:, 3:-3], front_end(audio[None])[0, :, 3:-3]  # the ends have half a window
    loud = mel > mel.max() - 4 / natural.max()
    assert float(((again - mel) * natural)[loud].abs().mean()) < 0.25
    assert float(audio.square().mean().sqrt()) == pytest.approx(float(TONE.square().mean().sqrt()), rel=0.2)


def test_a_mel_without_a_logarithm_is_refused():
    front_end = CoquiMel(16000, decibels=False)
    with pytest.raises(InputError, match="one logarithm"):
        griffin_lim(front_end(TONE[None])[0], front_end, len(TONE))
