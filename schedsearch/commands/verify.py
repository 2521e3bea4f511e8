"""`schedsearch verify`: is this file a schedule, what is it like, and whose code can read it?"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from schedsearch.commands.voice_options import chosen_voice
from schedsearch.schedules.facts import SHAKY, final_gain, first_fall, followed_by, survives_float32
from schedsearch.schedules.files import Layout, ScheduleFile, open_schedule
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.voice.config import EXPERIMENTS, Voice
from vocoder.checkpoints.configuration import config_found, read_config
from vocoder.checkpoints.file import read_checkpoint
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.detection import layout_of
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError, printable
from vocoder.training.loop import recipe_from
from vocoder.training.trained_range import STRATIFIED, USUAL, TrainedRange, trained_range

DIALECTS = {Layout.IVANVOVK: IVANVOVK, Layout.LMNT: LMNT, Layout.COQUI: COQUI}


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files, or names such as universal-6")
    parser.add_argument("--dataset", help="compare with the levels that this dataset's voice was trained on")
    parser.add_argument("--rate", help="sample rate in Hz, where the dataset has several")
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--config", type=Path, help="the same, of a checkpoint's configuration file")


def run(options: argparse.Namespace) -> int:
    """Prints what is known of each file; InputError at the end unless all are legal."""
    trained = _trained(options)
    illegal = [path for path in options.files if not _told(path, trained)]
    if illegal:
        named = ", ".join(map(str, illegal))
        raise InputError(f"{len(illegal)} of {len(options.files)} files hold no legal schedule: {named}")
    return 0


def _told(path: Path, trained: TrainedRange) -> bool:
    """Whether it is legal."""
    name = printable(str(path))
    try:
        found = open_schedule(path)
    except InputError as error:
        print(f"{name}: unreadable: {str(error).removeprefix(f'{name}: ')}")
        return False
    print(f"{name}: {f'illegal: {found.fault}' if found.fault else 'legal'}")
    rows = [("content", found.content), ("steps", str(len(found.betas)))]
    rows += _facts(found.schedule(), trained) if found.fault is None else []
    rows += _readers(found)
    print("\n".join(f"  {name:<17} {value}" for name, value in rows))
    return found.fault is None


def _facts(schedule: NoiseSchedule, trained: TrainedRange) -> Iterator[tuple[str, str]]:
    first, last = schedule.log_snr[[0, -1]]
    yield "sigma_1", f"{schedule.residual_noise:.6g}, the deviation of the static that is left"
    yield "terminal level", f"{schedule.terminal_level:.6g}"
    yield "log-SNR", f"{first:.2f} to {last:.2f}"
    fall = first_fall(schedule.betas)
    yield "betas", "rise or stay" if fall is None else f"not monotone: they fall at step {fall}, as they may"
    outside = trained.outside(schedule.log_snr)
    where = f"log-SNR {trained.cleanest:.2f} to {trained.noisiest:.2f} of {trained.name}"
    yield "trained range", f"inside {where}" if not outside else f"outside {where}: {_steps(outside)}"
    gain = final_gain(schedule)
    if not abs(gain - 1) <= SHAKY:  # NaN too
        yield "final gain", f"{gain:.4g} in ivanvovk's float32, where 1 would be right"


def _steps(outside: list[int]) -> str:
    shown = ", ".join(map(str, outside[:6])) + (", ..." if len(outside) > 6 else "")
    return f"step{'s' if len(outside) > 1 else ''} {shown}"


def _readers(found: ScheduleFile) -> Iterator[tuple[str, str]]:
    now = ", ".join(found.read_by) or "none"
    yield "read as it is by", now if found.fault is None else f"{now}, unchecked" if found.read_by else now
    if found.fault is not None:
        yield "after convert by", "none: convert writes legal schedules only"
        return
    yield "after convert by", "; ".join(_after_convert(found.schedule()))


def _after_convert(schedule: NoiseSchedule) -> Iterator[str]:
    """Who reads it and samples with it, then why others don't."""
    fits = survives_float32(schedule)
    readers = [layout for layout in DIALECTS if fits or layout is not Layout.IVANVOVK]
    able = [layout for layout in readers if followed_by(DIALECTS[layout], schedule)]
    yield ", ".join(able) or "none"
    if not fits:
        yield "float32 would make a beta 0 or 1"
    if unable := [layout for layout in readers if layout not in able]:
        yield f"in the arithmetic of {', '.join(unable)} a step's factors are not finite"


def _trained(options: argparse.Namespace) -> TrainedRange:
    if options.config is not None and options.dataset is not None:
        raise InputError("--dataset and --config name two voices; give one of them")
    if options.config is not None:
        return trained_range(read_config(options.config))
    if options.dataset is None:
        if options.rate is not None:
            raise InputError(f"--rate must go with --dataset, and is {options.rate!r} alone; give both or neither")
        return USUAL
    return _of_voice(chosen_voice(options))


def _of_voice(voice: Voice) -> TrainedRange:
    """By the recipe that trained it here, or else its configuration, wherever that stands."""
    if voice.training is not None and recipe_from(voice.training.recipe).draw == "stratified":
        return STRATIFIED
    found = read_checkpoint(voice.checkpoint)
    return trained_range(config_found(layout_of(found.state), voice.checkpoint, found.config, voice.config))
