"""Audio of any length from a mel spectrogram or, by way of its mel, from a recording."""

from torch import Tensor
from torch.nn import functional as F

from schedsearch.formatting import counted
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.audio.reading import Clip
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder
from vocoder.windows import Windowed


def synthesise(vocoder: Vocoder, mel: Tensor, schedule: NoiseSchedule, *, seed: int = 0, name: str = "") -> Tensor:
    """Turns a mel [n_mels, frames] of the vocoder's front end into audio [frames * hop_length], on its device.

    The dialect's sampler over the whole; the network runs in windows (see vocoder/windows.py), so that memory beyond
    that of a few copies of the audio is bounded. The noise is the search's of `seed` for a clip of this name.
    InputError for a mel of another shape or with NaN, and for a schedule that float32 can't follow.
    """
    _check_mel(mel, vocoder.front_end.n_mels)
    mels = mel[None].to(vocoder.device)
    noise = NoiseBank(seed).for_clips([name], 0, mels.shape[-1] * vocoder.hop_length)
    audio = ancestral_sample(Windowed(vocoder), mels, [schedule], noise)[0, 0]
    if not audio.isfinite().all():
        raise InputError(
            f"a schedule must give finite audio, and this one of {counted(len(schedule), 'step')} "
            f"(betas {schedule.betas.min():.3g} to {schedule.betas.max():.3g}) gives NaN or infinite samples; "
            "schedsearch verify says what float32 does to a file's betas; choose another"
        )
    return audio


def _check_mel(mel: Tensor, n_mels: int) -> None:
    if mel.dim() != 2 or mel.shape[0] != n_mels or not mel.shape[1]:
        raise InputError(
            f"mel must be [n_mels, frames] with {n_mels} mels and a frame at least, and is {list(mel.shape)}; "
            "make it with the voice's own front end"
        )
    if not mel.isfinite().all():
        raise InputError("a mel must be finite, and has NaN or infinite values; make it from finite audio")


def copy_synthesis(vocoder: Vocoder, clip: Clip, schedule: NoiseSchedule, *, seed: int = 0) -> Tensor:
    """Synthesises the clip again from its mel alone, a TTS's where it has one: as many [samples].

    Silence fills the last hop before that.
    """
    if clip.sample_rate != vocoder.sample_rate:
        raise InputError(
            f"clip {clip.name}: {clip.sample_rate} Hz, the vocoder needs {vocoder.sample_rate} Hz; resample it"
        )
    samples = len(clip.audio)
    audio = F.pad(clip.audio, (0, -samples % vocoder.hop_length)).to(vocoder.device)
    mel = vocoder.front_end(audio[None])[0] if clip.mel is None else clip.mel
    return synthesise(vocoder, mel, schedule, seed=seed, name=clip.name)[:samples]
