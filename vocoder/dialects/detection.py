"""Recognises which implementation a state dict comes from, and lists what its configuration must hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vocoder.dialects import coqui, ivanvovk, lmnt
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError


@dataclass(frozen=True)
class Layout:
    """Says how one implementation's files are recognised and completed."""

    dialect: Dialect
    mark: str  # a key that begins so is in its state dicts alone
    sections: tuple[str, ...]  # of its configuration, those that concern us
    demanded: Mapping[str, tuple[str, ...]]  # section -> settings that the tensors' shapes do not show
    has_defaults: bool  # whether its own code fills in settings that a configuration leaves out
    inferred: Callable[[Mapping[str, Tensor]], dict[str, dict[str, Any]]]  # what the shapes show

    @property
    def reason(self) -> str:
        """Says to the user how the layout was recognised."""
        return f"{self.dialect.name}: keys begin with {self.mark}"


LAYOUTS = (
    Layout(
        IVANVOVK,
        mark="nn.ublocks",
        sections=("model_config", "data_config"),
        demanded={
            "model_config": ("factors", "upsampling_dilations", "downsampling_dilations"),
            "data_config": ("sample_rate", "n_fft", "hop_length", "f_min", "f_max"),
        },
        has_defaults=False,
        inferred=ivanvovk.inferred,
    ),
    Layout(
        LMNT,
        mark="upsample.0.block1",
        sections=("sample_rate", "hop_samples"),
        demanded={lmnt.NETWORK: ()},  # its code has one size of network, and takes rate and hop from params.py
        has_defaults=True,
        inferred=lmnt.inferred,
    ),
    Layout(
        COQUI,
        mark="ublocks.0.res_block",
        sections=("model_params", "audio"),
        demanded={
            "model_params": ("upsample_factors", "upsample_dilations"),
            "audio": ("sample_rate", "fft_size", "hop_length", "mel_fmin", "mel_fmax"),
        },
        has_defaults=True,
        inferred=coqui.inferred,
    ),
)


def unwrapped(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Takes off what wrappers put before the name of every weight; returns the state and what was taken off.

    DataParallel and AveragedModel put "module.", torch.compile "_orig_mod.", a Lightning module the attribute's name.
    0-d tensors without the prefix are counters, such as AveragedModel's n_averaged, and are left out. A state that is
    no known layout's whatever is taken off comes back as it was.
    """
    inner, wrapper = dict(state), ""
    while not any(_is_of(layout, inner) for layout in LAYOUTS):
        parts = {name.partition(".")[0] for name, tensor in inner.items() if tensor.ndim}
        prefix = f"{parts.pop()}." if len(parts) == 1 else ""
        inner = {name.removeprefix(prefix): inner[name] for name in inner if prefix and name.startswith(prefix)}
        if not inner:
            return dict(state), ""
        wrapper += prefix
    return inner, wrapper


def _is_of(layout: Layout, state: Mapping[str, Tensor]) -> bool:
    return any(name.startswith(layout.mark) for name in state)


def layout_of(state: Mapping[str, Tensor]) -> Layout:
    """Returns the layout by the keys; InputError for another architecture."""
    for layout in LAYOUTS:
        if _is_of(layout, state):
            return layout
    known = ", ".join(f"{layout.dialect.name} ({layout.mark}...)" for layout in LAYOUTS)
    keys = ", ".join(list(state)[:3])
    raise InputError(
        f"this is no WaveGrad of a known implementation: {known}; its keys are {keys}...; "
        "give the checkpoint of one of these"
    )


def layout_of_configuration(config: Mapping[str, Any], wanted: str = "") -> Layout:
    """Returns the layout whose sections a configuration has. InputError for none, and for another than is `wanted`."""
    match = next((layout for layout in LAYOUTS if any(section in config for section in layout.sections)), None)
    by_name = {layout.dialect.name: ", ".join(layout.sections) for layout in LAYOUTS}
    sections = "; ".join(f"{name}: {names}" for name, names in by_name.items())
    if wanted and wanted not in by_name:
        raise InputError(f"DIALECT must be ivanvovk, lmnt or coqui, and is {wanted!r}; choose one")
    if match is None:
        raise InputError(f"a configuration needs the sections of one implementation ({sections}); write them")
    if wanted and match.dialect.name != wanted:
        raise InputError(
            f"the configuration is {match.dialect.name}'s, and DIALECT is {wanted}; "
            f"give a dataset whose configuration is {wanted}'s ({sections})"
        )
    return match


def reason_for(dialect: Dialect) -> str:
    """Says by what a dialect was recognised."""
    return next((layout.reason for layout in LAYOUTS if layout.dialect.name == dialect.name), dialect.name)
