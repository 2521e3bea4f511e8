"""Trains a WaveGrad: continuous noise level, L1 on eps (Chen et al. 2020, algorithm 1), from a folder of speech.

Three things differ from the published recipe, each measured on the demo voice: levels are drawn stratified in log-SNR
(noise_draws.py), matrices are updated by Muon (optimisers.py), and FiLM starts as the identity.
A run is a function of its recipe and data: every step draws from its own generator, so that a resumed run equals an
uninterrupted one.
"""

import copy
import hashlib
import io
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vocoder.atomic import atomic_write
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError
from vocoder.network import NetworkConfig, WaveGradNetwork
from vocoder.precision import LEAST_GAIN, bfloat16_gain
from vocoder.training.data import TrainingSet
from vocoder.training.noise_draws import DRAWS
from vocoder.training.optimisers import Muon, optimisers

FILM_GAIN = 0.3  # of FiLM's first weights beside its scale of one


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run but its data and network."""

    steps: int = 20_000
    batch: int = 8
    crop_seconds: float = 0.45
    rate: float = 1e-3  # Adam's, for biases and thin layers
    matrix_rate: float = 0.005  # Muon's; 0.02 diverged after 250 steps
    warm_up: int = 300  # steps
    final_rate: float = 0.01  # of both, at the end of the cosine
    decay: float = 1.0  # the part of the run, at its end, in which both rates fall; before it they stand still
    gradient_clip: float = 1.0
    ema: float = 0.999
    draw: str = "stratified"
    seed: int = 0

    def __post_init__(self) -> None:
        """Rules on what a user can set."""
        if self.draw not in DRAWS:
            raise InputError(f"draw must be one of {', '.join(DRAWS)}, and is {self.draw!r}; choose one")
        for name in ("steps", "batch", "crop_seconds", "rate", "matrix_rate", "gradient_clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} must be positive, and is {getattr(self, name)}; give another one")
        if not 0 <= self.decay <= 1:
            raise InputError(f"decay must lie from 0 to 1, and is {self.decay}; 1 is usual: the rates always fall")
        if not 0 <= self.final_rate <= 1:
            raise InputError(f"final_rate must lie from 0 to 1, and is {self.final_rate}; 0.01 is usual")
        if not -(1 << 63) <= self.seed < 1 << 63:
            raise InputError(f"seed must be a whole number of 64 bits, and is {self.seed}; give a smaller one")
        if not 0 <= self.ema < 1:
            raise InputError(f"ema must lie from 0 to below 1, and is {self.ema}; 0.999 is usual")


@dataclass(frozen=True)
class Progress:
    """One finished step."""

    step: int  # 1 after the first
    loss: float  # mean |eps - eps_hat|
    seconds: float  # of all steps so far, earlier runs included; without what the caller does between them


@dataclass
class TrainingState:
    """All that a run needs to go on exactly: mutable, saved whole."""

    recipe: Recipe
    network: WaveGradNetwork
    average: WaveGradNetwork  # exponential moving average: what is validated and shipped
    optimisers: list[torch.optim.Optimizer]
    step: int = 0
    seconds: float = 0.0
    precision: str = ""  # float32 or bfloat16, the same in the whole run; "" until it is chosen
    whole: bool = True  # False while weights move: what is interrupted then must not be saved

    @property
    def autocast(self) -> torch.dtype | None:
        """The reduced precision that the network runs in, if any."""
        return torch.bfloat16 if self.precision == "bfloat16" else None

    def use(self, precision: str) -> None:
        """Runs the network, and Muon's wide matrices, in this precision from now on."""
        self.precision = precision
        for optimiser in self.optimisers:
            if isinstance(optimiser, Muon):
                optimiser.reduced = self.autocast


def start(
    recipe: Recipe,
    dialect: Dialect,
    config: NetworkConfig,
    *,
    warm_start: nn.Module | None = None,
    device: torch.device,
) -> TrainingState:
    """Begins a run from seeded weights and, where they fit, from those of `warm_start` (see `fitting`)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = WaveGradNetwork(config, dialect.quirks)
    _initialise(network)
    if warm_start is not None:
        network.load_state_dict(fitting(warm_start, network), strict=False)
    network = network.to(device)
    average = copy.deepcopy(network).requires_grad_(False).eval()
    return TrainingState(recipe, network, average, optimisers(network, recipe.rate, recipe.matrix_rate))


def fitting(source: nn.Module, network: nn.Module) -> dict[str, Tensor]:
    """Returns the weights of `source` that have a place of the same name and shape in `network`.

    Names are ours, so that a network of another dialect gives its weights too; InputError where none fits.
    """
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    weights = {name: tensor for name, tensor in source.state_dict().items() if shapes.get(name) == tensor.shape}
    if not weights:
        raise InputError("WARM_START must be of a network like the one to train, and no tensor fits; give another one")
    return weights


def train(state: TrainingState, data: TrainingSet) -> Iterator[Progress]:
    """Runs from state.step to the recipe's last step, yielding after each; stop iterating to stop."""
    while state.step < state.recipe.steps:
        began = time.perf_counter()
        loss = _step(state, data)
        state.seconds += time.perf_counter() - began
        yield Progress(state.step, loss, state.seconds)


def save(state: TrainingState, path: Path) -> None:
    """Writes the whole state atomically; ValueError while it is not whole."""
    if not state.whole:
        raise ValueError("the state was interrupted while its weights moved: go on from the one saved before")
    buffer = io.BytesIO()
    torch.save(
        {
            "recipe": asdict(state.recipe),
            "step": state.step,
            "seconds": state.seconds,
            "precision": state.precision,
            "network": state.network.state_dict(),
            "average": state.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in state.optimisers],
        },
        buffer,
    )
    atomic_write(path, buffer.getvalue())


def resume(state: TrainingState, path: Path) -> None:
    """Loads what `save` wrote into a freshly started state; InputError when the recipe is another one.

    `steps` alone may change: the rate then follows the cosine of the new length. The run goes on in the precision that
    it began in, on whatever machine.
    """
    saved = _saved(path)
    _check_recipe(saved["recipe"], state.recipe, path)
    _check_network(saved["network"], state.network, path)
    state.network.load_state_dict(saved["network"])
    state.average.load_state_dict(saved["average"])
    for optimiser, values in zip(state.optimisers, saved["optimisers"], strict=True):
        optimiser.load_state_dict(values)
    state.step, state.seconds = saved["step"], saved["seconds"]
    state.use(saved["precision"])


_SAVED = ("recipe", "step", "seconds", "precision", "network", "average", "optimisers")


def _saved(path: Path) -> dict[str, Any]:
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); mend its rights or the disk, and go on") from error
    try:
        saved: dict[str, Any] = torch.load(content, weights_only=True, map_location="cpu")
        saved.setdefault("precision", "")  # of a run that was begun before runs kept it
        return {name: saved[name] for name in _SAVED}
    except MemoryError:
        raise
    except Exception as error:  # a torn or foreign file can make torch's reader raise nearly anything
        raise InputError(f"{path} is no state of a training run; move that file away to start anew") from error


def _check_network(saved: dict[str, Tensor], network: nn.Module, path: Path) -> None:
    if {n: t.shape for n, t in saved.items()} != {n: t.shape for n, t in network.state_dict().items()}:
        raise InputError(
            f"{path.name} is a run of another network; go on with its configuration, "
            "or move that file away to start anew"
        )


def _check_recipe(saved: dict[str, Any], recipe: Recipe, path: Path) -> None:
    names = (f.name for f in fields(recipe) if f.name != "steps")
    usual = Recipe()  # a field that the run does not know yet had no effect at its default
    changed = [name for name in names if saved.get(name, getattr(usual, name)) != getattr(recipe, name)]
    if changed:
        raise InputError(
            f"{path.name} is a run with another recipe ({', '.join(changed)} changed); "
            "go on with the old values, or move that file away to start anew"
        )


def _initialise(network: WaveGradNetwork) -> None:
    """Sets FiLM near the identity and a silent output.

    With orthogonal FiLM weights and no bias, as published, the first 250 steps learn nothing: their loss stays above
    that of predicting zero (0.80); so begun, it is 0.55 after 150.
    """
    with torch.no_grad():
        network.output.weight.zero_()
        for film in network.film:
            layer: nn.Conv2d = film.shift_and_scale  # type: ignore[assignment]
            layer.weight.mul_(FILM_GAIN)
            layer.bias[layer.out_channels // 2 :] = 1.0  # type: ignore[index]


def choose_precision(state: TrainingState, data: TrainingSet) -> None:
    """Times one step's gradients in float32 and in bfloat16, and uses the faster; changes no weight."""

    def gradients(precision: torch.dtype | None) -> None:
        state.use("float32" if precision is None else "bfloat16")
        _batch_loss(state, data).backward()  # type: ignore[no-untyped-call]
        sum(float(p.grad.sum()) for p in state.network.parameters() if p.grad is not None)  # waits for a GPU
        state.network.zero_grad()

    state.use("bfloat16" if bfloat16_gain(gradients) >= LEAST_GAIN else "float32")


def _batch_loss(state: TrainingState, data: TrainingSet) -> Tensor:
    """Returns the loss of the batch that belongs to the state's step."""
    recipe, device = state.recipe, next(state.network.parameters()).device
    seed = hashlib.blake2b(f"{recipe.seed} {state.step}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(seed) >> 1)
    y0, mel = data.batch(recipe.batch, generator)
    level = DRAWS[recipe.draw](recipe.batch, generator)
    eps = torch.randn(y0.shape, generator=generator)
    y0, mel, level, eps = (t.to(device) for t in (y0, mel, level, eps))
    y = level[:, None] * y0 + (1 - level[:, None] ** 2).sqrt() * eps
    with torch.autocast(y.device.type, dtype=state.autocast, enabled=state.autocast is not None):
        predicted: Tensor = state.network(y, mel, level)
    return (predicted.float() - eps).abs().mean()


def _step(state: TrainingState, data: TrainingSet) -> float:
    loss = _batch_loss(state, data)
    if not loss.isfinite():
        raise InputError(
            f"training diverged at step {state.step + 1}: its loss is {float(loss.detach())}; "
            "give a lower rate and matrix_rate, and start anew"
        )
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.network.parameters(), state.recipe.gradient_clip)
    _update(state)
    return float(loss.detach())


def _update(state: TrainingState) -> None:
    state.whole = False
    factor = _rate_factor(state.recipe, state.step)
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimiser.step()
    state.network.zero_grad()
    decay = min(state.recipe.ema, (state.step + 1) / (state.step + 10))  # short memory at first
    with torch.no_grad():
        torch._foreach_lerp_(list(state.average.parameters()), list(state.network.parameters()), 1 - decay)
    state.step += 1
    state.whole = True


def _rate_factor(recipe: Recipe, step: int) -> float:
    """Returns the factor of both rates: linear warm-up, a constant rate, then a cosine down to final_rate."""
    warm = min(1.0, (step + 1) / max(1, recipe.warm_up))
    left = (1 - step / recipe.steps) / recipe.decay if recipe.decay else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * max(0.0, 1 - left)))
    return warm * (recipe.final_rate + (1 - recipe.final_rate) * cosine)


def recipe_from(settings: Mapping[str, Any]) -> Recipe:
    """Makes a recipe from a configuration's table; InputError names a field that is unknown or of another kind."""
    known = {f.name: f.default for f in fields(Recipe)}
    for name, value in settings.items():
        if name not in known:
            raise InputError(f"recipe has no field {name!r}; its fields are {', '.join(known)}")
        wanted = (int, float) if isinstance(known[name], float) else type(known[name])
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise InputError(f"recipe.{name} must be like {known[name]!r}, and is {value!r}; correct it")
    return Recipe(**settings)
