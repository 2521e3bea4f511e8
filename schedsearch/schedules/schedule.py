"""A noise schedule is a value: the betas in float64, and everything else derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from vocoder.errors import InputError

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """Betas of a diffusion process (Ho et al. 2020), n = 0 the cleanest step.

    Every 0 < beta < 1; they need not increase. Two schedules are equal if every beta is. InputError for other betas.
    """

    betas: Array  # [N], float64, read-only

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", _checked_betas(self.betas))

    @classmethod
    def from_log_snr(cls, log_snr: ArrayLike) -> "NoiseSchedule":
        """Makes the schedule of falling `log_snr` [N] = log(a / (1 - a)), so log(a) = -log(1 + exp(-log_snr))."""
        values = _checked_falling(log_snr, "log-SNR")
        return cls(_betas_of_log_alphas(-np.logaddexp(0.0, -values)))

    @classmethod
    def from_noise_levels(cls, noise_level: ArrayLike) -> "NoiseSchedule":
        """Makes the schedule of `noise_level` [N] = sqrt(alphas_cumprod), which must fall inside (0, 1)."""
        return cls(_betas_of_log_alphas(2 * _log_levels(noise_level, "noise level")))

    @classmethod
    def from_alphas_cumprod(cls, alphas_cumprod: ArrayLike) -> "NoiseSchedule":
        """Makes the schedule of `alphas_cumprod` [N], which must fall inside (0, 1)."""
        return cls(_betas_of_log_alphas(_log_levels(alphas_cumprod, "alphas_cumprod")))

    def __len__(self) -> int:
        return len(self.betas)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoiseSchedule) and np.array_equal(self.betas, other.betas)

    def __hash__(self) -> int:
        return hash(self.betas.tobytes())

    def __reduce__(self) -> tuple[type["NoiseSchedule"], tuple[Array]]:
        # An unpickled array is writable again. The constructor makes a worker's copy read-only too.
        return NoiseSchedule, (np.array(self.betas),)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the betas' SHA-256, by which stores and files recognise a schedule."""
        return sha256(self.betas.tobytes()).hexdigest()[:16]

    @cached_property
    def log_alphas_cumprod(self) -> Array:
        """[N], log(a_n)."""
        return _read_only(np.cumsum(np.log1p(-self.betas)))  # log1p: 1 - 1e-6 would keep 10 of beta's 16 digits

    @cached_property
    def alphas_cumprod(self) -> Array:
        """[N], a_n = prod(1 - beta), falling."""
        return _read_only(np.exp(self.log_alphas_cumprod))

    @cached_property
    def noise_level(self) -> Array:
        """[N], sqrt(a_n), the network's second input (Chen et al. 2020, WaveGrad); falling."""
        return _read_only(np.exp(self.log_alphas_cumprod / 2))

    @cached_property
    def log_snr(self) -> Array:
        """[N], log(a_n / (1 - a_n)), falling."""
        return _read_only(self.log_alphas_cumprod - np.log(self._noise_power))

    @cached_property
    def sigma(self) -> Array:
        """[N], posterior's, sqrt((1 - a_{n-1}) / (1 - a_n) * beta_n), 0 at n = 0: Ho et al., eq. 7."""
        before = np.concatenate([[0.0], self._noise_power[:-1]])
        return _read_only(np.sqrt(before / self._noise_power * self.betas))

    def distance(self, other: "NoiseSchedule") -> float:
        """Returns the root mean square difference of log-SNR to a schedule of equal length."""
        return float(np.sqrt(np.mean((self.log_snr - other.log_snr) ** 2)))

    @property
    def residual_noise(self) -> float:
        """sigma_1 = sqrt(1 - a_0): deviation of the static that is left after the last network call."""
        return float(np.sqrt(self._noise_power[0]))

    @property
    def terminal_level(self) -> float:
        """sqrt(a_{N-1}): 0 is pure noise, from which sampling starts."""
        return float(self.noise_level[-1])

    @property
    def _noise_power(self) -> Array:
        """[N], 1 - a_n without cancellation."""
        return -np.expm1(self.log_alphas_cumprod)


def _checked_betas(betas: ArrayLike) -> Array:
    values = _vector(betas, "betas")
    _raise_at((values <= 0) | (values >= 1), values, "beta must lie in (0, 1)")
    return _read_only(values)


def _checked_falling(values: ArrayLike, name: str) -> Array:
    checked = _vector(values, name)
    for step in range(1, len(checked)):
        if checked[step] >= checked[step - 1]:
            raise InputError(f"{name} must fall: step {step} is {checked[step]:g} after {checked[step - 1]:g}")
    return checked


def _log_levels(values: ArrayLike, name: str) -> Array:
    levels = _checked_falling(values, name)
    _raise_at((levels <= 0) | (levels >= 1), levels, f"{name} must lie in (0, 1)")
    return np.asarray(np.log(levels))


def _vector(values: ArrayLike, name: str) -> Array:
    """Returns a float64 copy; InputError unless it is a non-empty, finite, real vector."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of different lengths; tensors that NumPy cannot take
        raise InputError(f"{name} must be a list of numbers") from error
    if array.dtype.kind not in "iuf" or array.ndim != 1 or array.size == 0:
        raise InputError(f"{name} must be a non-empty list of numbers: got shape {array.shape} of {array.dtype}")
    vector = np.array(array, dtype=np.float64)
    _raise_at(~np.isfinite(vector), vector, f"{name} must be finite")
    return vector


def _raise_at(bad: np.ndarray[Any, np.dtype[np.bool_]], values: Array, rule: str) -> None:
    if bad.any():
        step = int(np.argmax(bad))
        raise InputError(f"{rule}: step {step} is {_shortest(values[step])}")


def _shortest(value: float) -> str:
    """Writes few digits, or all of them if a value such as 1 - 1e-12 would read as 1."""
    short = f"{value:.6g}"
    return short if float(short) not in (0.0, 1.0) else repr(float(value))


def _betas_of_log_alphas(log_alphas: Array) -> Array:
    return np.asarray(-np.expm1(np.diff(log_alphas, prepend=0.0)))


def _read_only(values: Array | Sequence[float]) -> Array:
    array = np.asarray(values, dtype=np.float64)
    array.flags.writeable = False
    return array
