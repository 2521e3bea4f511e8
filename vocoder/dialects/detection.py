"""Recognises which implementation a state dict or a configuration comes from."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError

# Wrappers of single modules stand within a name.
_WITHIN = re.compile(r"(?<!\w)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
DIALECTS = (IVANVOVK, LMNT, COQUI)


def network_prefixes(names: Iterable[str]) -> list[str]:
    """Returns what stands before the marks of known dialects; one for each network that has tensors of these names."""
    parts = [_WITHIN.sub("", name).partition(dialect.mark) for name in names for dialect in DIALECTS]
    return sorted({before for before, mark, _ in parts if mark and (not before or before.endswith("."))})


def unwrapped(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Takes off what wrappers put into the names of all weights; returns the state and what was taken off.

    DataParallel and AveragedModel put "module." before them, torch.compile "_orig_mod.", a Lightning module the
    attribute's name. Tensors without the prefix, such as AveragedModel's n_averaged or a loss's, are left out. A state
    that is no known dialect's comes back as it was. InputError for two networks.
    """
    plain = {_WITHIN.sub("", name): tensor for name, tensor in state.items()}
    prefixes = network_prefixes(state)
    if not prefixes:
        return dict(state), ""
    if len(prefixes) > 1:
        raise _several(f"below {' and '.join(map(repr, prefixes))}", f"k.startswith({prefixes[-1]!r})")
    if len(plain) < len(state):
        wrapper = next(match[0] for match in map(_WITHIN.search, state) if match)
        raise _several(f"with and without {wrapper!r} in their names", f"{wrapper!r} not in k")
    [prefix] = prefixes
    inner = {name.removeprefix(prefix): tensor for name, tensor in plain.items() if name.startswith(prefix)}
    return inner, max((_taken_off(name, prefix) for name in state), key=len)


def _several(where: str, one: str) -> InputError:
    return InputError(
        f"it holds the weights of several networks, {where}; save one alone, as in "
        f"torch.save({{k: v for k, v in weights.items() if {one}}}, OTHER)"
    )


def _taken_off(name: str, prefix: str) -> str:
    rest = _WITHIN.sub("", name).removeprefix(prefix)
    return name.removesuffix(rest) if name.endswith(rest) else "".join([prefix, *_WITHIN.findall(name)])


def dialect_of(state: Mapping[str, Tensor]) -> Dialect:
    """Returns the dialect by the keys; InputError for another architecture."""
    for dialect in DIALECTS:
        if any(name.startswith(dialect.mark) for name in state):
            return dialect
    known = ", ".join(f"{dialect.name} ({dialect.mark}...)" for dialect in DIALECTS)
    keys = ", ".join(list(state)[:3])
    raise InputError(
        f"this is no WaveGrad of a known implementation: {known}; its keys are {keys}...; "
        "give the checkpoint of one of these"
    )


def dialect_of_configuration(config: Mapping[str, Any], wanted: str = "") -> Dialect:
    """Returns the dialect whose sections a configuration has. InputError for none, and for another than is `wanted`."""
    match = next((dialect for dialect in DIALECTS if any(section in config for section in dialect.sections)), None)
    by_name = {dialect.name: ", ".join(dialect.sections) for dialect in DIALECTS}
    sections = "; ".join(f"{name}: {names}" for name, names in by_name.items())
    if wanted and wanted not in by_name:
        raise InputError(f"DIALECT must be ivanvovk, lmnt or coqui, and is {wanted!r}; choose one")
    if match is None:
        raise InputError(f"a configuration needs the sections of one implementation ({sections}); write them")
    if wanted and match.name != wanted:
        raise InputError(
            f"the configuration is {match.name}'s, and DIALECT is {wanted}; "
            f"give a dataset whose configuration is {wanted}'s ({sections})"
        )
    return match
