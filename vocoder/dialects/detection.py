"""Recognises which implementation a state dict comes from, and lists what its configuration must hold."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vocoder.dialects import coqui, ivanvovk, lmnt
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError

# Wrappers of single modules stand within a name.
_WITHIN = re.compile(r"(?<!\w)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")


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


def network_prefixes(names: Iterable[str]) -> list[str]:
    """Returns what stands before the marks of known layouts; one for each network that has tensors of these names."""
    parts = [_WITHIN.sub("", name).partition(layout.mark) for name in names for layout in LAYOUTS]
    return sorted({before for before, mark, _ in parts if mark and (not before or before.endswith("."))})


def unwrapped(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Takes off what wrappers put into the names of all weights; returns the state and what was taken off.

    DataParallel and AveragedModel put "module." before them, torch.compile "_orig_mod.", a Lightning module the
    attribute's name. Tensors without the prefix, such as AveragedModel's n_averaged or a loss's, are left out. A state
    that is no known layout's comes back as it was. InputError for two networks.
    """
    plain = {_WITHIN.sub("", name): tensor for name, tensor in state.items()}
    prefixes = network_prefixes(state)
    if not prefixes:
        return dict(state), ""
    if len(prefixes) > 1 or len(plain) < len(state):
        raise InputError(
            f"it holds the weights of several networks, below {' and '.join(map(repr, prefixes))}; save one alone, as "
            f"in torch.save({{k: v for k, v in weights.items() if k.startswith({prefixes[-1]!r})}}, OTHER)"
        )
    [prefix] = prefixes
    inner = {name.removeprefix(prefix): tensor for name, tensor in plain.items() if name.startswith(prefix)}
    return inner, max((_taken_off(name, prefix) for name in state), key=len)


def _taken_off(name: str, prefix: str) -> str:
    rest = _WITHIN.sub("", name).removeprefix(prefix)
    return name.removesuffix(rest) if name.endswith(rest) else "".join([prefix, *_WITHIN.findall(name)])


def layout_of(state: Mapping[str, Tensor]) -> Layout:
    """Returns the layout by the keys; InputError for another architecture."""
    for layout in LAYOUTS:
        if any(name.startswith(layout.mark) for name in state):
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
