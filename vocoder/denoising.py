"""Measures how well a network removes noise at each level: the cheapest test of whether it is trained."""

from collections.abc import Sequence

import torch

from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.vocoder import Vocoder

BANDS = tuple(float(level) for level in range(-5, 15, 2))  # log-SNR


def denoising_error(
    vocoder: Vocoder, clips: Sequence[Clip], log_snrs: Sequence[float] = BANDS, *, seed: int = 0
) -> dict[float, float]:
    """Returns log-SNR -> mean |eps - eps_hat| over clips, eps ~ N(0, 1): the training loss; zero would give 0.80."""
    totals = dict.fromkeys(log_snrs, 0.0)
    with torch.inference_mode():
        for index, clip in enumerate(clips):
            audio = cut_to_hops(clip.audio, vocoder.hop_length)[None].to(vocoder.device)
            mel = vocoder.front_end(audio)
            generator = torch.Generator().manual_seed(seed + index)
            for log_snr in log_snrs:
                eps = torch.randn(audio.shape, generator=generator).to(audio)
                a = torch.sigmoid(torch.tensor(log_snr, dtype=torch.float64))
                y = float(a.sqrt()) * audio + float((1 - a).sqrt()) * eps
                level = torch.full((1,), float(a.sqrt()), device=audio.device)
                error = (vocoder.predict_noise(y, mel, level) - eps).abs().mean()
                totals[log_snr] += float(error) / len(clips)
    return totals
