"""`schedsearch verify`: says whether files hold legal schedules, what they are like, and which code reads them."""

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schedsearch.arguments import given_path, sample_rate
from schedsearch.commands.voice_options import add_experiments, chosen_voice
from schedsearch.schedules.facts import SHAKY, final_gain, first_fall, followed_by, survives_float32
from schedsearch.schedules.files import open_schedule
from schedsearch.schedules.readings import doubt
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.voice.config import Voice
from vocoder.checkpoints.configuration import config_found, read_config
from vocoder.checkpoints.file import read_checkpoint
from vocoder.dialects.detection import DIALECTS
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.errors import InputError, printable
from vocoder.training.loop import recipe_from
from vocoder.training.trained_range import STRATIFIED, USUAL, TrainedRange, trained_range


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "files", nargs="+", type=given_path, metavar="FILE", help="schedule files, or names such as universal-6"
    )
    trained = parser.add_argument_group("compare with the noise levels of a training")
    trained.add_argument("--dataset", help="a dataset whose voice was trained on them")
    trained.add_argument("--rate", type=sample_rate, help="sample rate in Hz, if the dataset has several")
    add_experiments(trained)
    trained.add_argument("--config", type=given_path, help="a checkpoint's configuration")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Prints the facts of each file; InputError at the end unless all are legal."""
    trained = _trained(options)
    reports = []
    for path in options.files:
        reports.append(_report(path, trained))
        if not options.json:
            print(_text(reports[-1]))
    if options.json:
        print(json.dumps(reports, indent=1, allow_nan=False))
    illegal = [str(path) for path, report in zip(options.files, reports, strict=True) if not report["legal"]]
    if illegal:
        raise InputError(f"{len(illegal)} of {len(options.files)} files hold no legal schedule: {', '.join(illegal)}")
    return 0


def _report(path: Path, trained: TrainedRange) -> dict[str, Any]:
    """Returns the facts of a file as JSON values."""
    name = printable(str(path))
    try:
        file = open_schedule(path)
    except InputError as error:
        return {"file": name, "legal": False, "unreadable": str(error).removeprefix(f"{name}: ")}
    report = {
        "file": name,
        "legal": file.fault is None,
        "fault": file.fault,
        "content": file.content,
        "steps": len(file.betas),
        "read_by": list(file.read_by),
        "doubt": doubt(file.betas),
    }
    return report if file.fault else report | _facts(file.schedule(), trained)


def _facts(schedule: NoiseSchedule, trained: TrainedRange) -> dict[str, Any]:
    gain = final_gain(schedule)
    fits = survives_float32(schedule)
    readers = [dialect for dialect in DIALECTS if fits or dialect is not IVANVOVK]
    able = {dialect.name: followed_by(dialect, schedule) for dialect in readers}
    return {
        "sigma_1": schedule.residual_noise,
        "terminal_level": schedule.terminal_level,
        "log_snr": schedule.log_snr[[0, -1]].tolist(),
        "betas_fall_at": first_fall(schedule.betas),
        "trained_range": {
            "name": trained.name,
            "log_snr": [float(trained.cleanest), float(trained.noisiest)],
            "steps_outside": trained.outside(schedule.log_snr),
        },
        "final_gain": gain if math.isfinite(gain) else str(gain),
        "survives_float32": fits,
        "read_after_convert_by": [name for name, is_able in able.items() if is_able],
        "not_finite_for": [name for name, is_able in able.items() if not is_able],
    }


def _text(report: Mapping[str, Any]) -> str:
    if "unreadable" in report:
        return f"{report['file']}: unreadable: {report['unreadable']}"
    first = f"{report['file']}: {'legal' if report['legal'] else 'illegal: ' + report['fault']}"
    return "\n".join([first, *(f"  {name:<17} {value}" for name, value in _rows(report))])


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "content", report["content"]
    yield "steps", str(report["steps"])
    readers = ", ".join(report["read_by"]) or "none"
    if not report["legal"]:
        yield "read as it is by", f"{readers}, unchecked" if report["read_by"] else readers
        yield "after convert by", "none: convert writes legal schedules only"
        return
    yield "sigma_1", f"{report['sigma_1']:.6g}, the deviation of the static that is left"
    yield "terminal level", f"{report['terminal_level']:.6g}"
    yield "log-SNR", "{:.2f} to {:.2f}".format(*report["log_snr"])
    fall = report["betas_fall_at"]
    yield "betas", "rise or stay" if fall is None else f"not monotone: they fall at step {fall}, as they may"
    yield "trained range", _range(**report["trained_range"])
    if not abs(float(report["final_gain"]) - 1) <= SHAKY:  # NaN too
        yield "final gain", f"{float(report['final_gain']):.4g} in ivanvovk's float32, where 1 would be right"
    yield "read as it is by", readers
    yield "after convert by", "; ".join(_after_convert(report))
    if report["doubt"]:
        yield "doubt", report["doubt"]


def _range(name: str, log_snr: list[float], steps_outside: list[int]) -> str:
    where = f"log-SNR {log_snr[0]:.2f} to {log_snr[1]:.2f} of {name}"
    if not steps_outside:
        return f"inside {where}"
    first = ", ".join(map(str, steps_outside[:6])) + (", ..." if len(steps_outside) > 6 else "")
    return f"outside {where}: step{'s' if len(steps_outside) > 1 else ''} {first}"


def _after_convert(report: Mapping[str, Any]) -> Iterator[str]:
    """Yields which code samples with the schedule once `convert` has written it, then why other code does not."""
    yield ", ".join(report["read_after_convert_by"]) or "none"
    if not report["survives_float32"]:
        yield "float32 would make a beta 0 or 1"
    if report["not_finite_for"]:
        yield f"in the arithmetic of {', '.join(report['not_finite_for'])} a step's factors are not finite"


def _trained(options: argparse.Namespace) -> TrainedRange:
    if options.config is not None and options.dataset is not None:
        raise InputError("--dataset and --config name two voices; give one of them")
    if options.rate is not None and options.dataset is None:
        raise InputError(f"--rate must go with --dataset, and is {options.rate} without it; leave --rate out")
    if options.config is not None:
        return trained_range(read_config(options.config))
    if options.dataset is None:
        return USUAL
    return _of_voice(chosen_voice(options))


def _of_voice(voice: Voice) -> TrainedRange:
    """Returns the range of the recipe that trained the voice here, or else of its configuration."""
    if voice.training is not None and recipe_from(voice.training.recipe).draw == "stratified":
        return STRATIFIED
    checkpoint = read_checkpoint(voice.checkpoint)
    return trained_range(config_found(checkpoint.dialect, voice.checkpoint, checkpoint.config, voice.config))
