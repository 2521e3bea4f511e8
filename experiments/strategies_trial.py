"""`python -m experiments.strategies_trial`: one fair trial of the strategies beside the default one, `model`.

Each goes on from the same baselines, warm starts and lines, with about as many network evaluations. Whoever its
posterior prefers is judged on the held-out clips in noise that no search heard. A stopped trial goes on.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from torch import Tensor

from experiments.row_cache import RowCache
from experiments.running import command, parser_of
from schedsearch.evaluation.bootstrap import Interval, paired_bootstrap
from schedsearch.evaluation.draws import held_out_draws
from schedsearch.evaluation.evaluator import Evaluator, Group
from schedsearch.formatting import markdown_table
from schedsearch.metrics.measuring import Distance
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.prefix_tree import Walk
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import FIRST_LOG_SNR, LogSnrSpace
from schedsearch.search.leaders import FIRST_ROUND, finalists
from schedsearch.search.loop import search
from schedsearch.search.opening import open_run
from schedsearch.search.run import Run
from schedsearch.search.settings import Settings
from schedsearch.search.strategy_factory import Tools, auto, strategy_for
from schedsearch.strategies.beam import BeamSearch
from schedsearch.strategies.dynamic_programming import DynamicProgramming, trajectory
from schedsearch.strategies.grid import GridStrategy, LevelGrid
from schedsearch.strategies.level_errors import LEVELS, LevelErrors
from schedsearch.strategies.slope import SamplerSlope
from schedsearch.strategies.strategy import Strategy
from schedsearch.study.budget import Budget
from schedsearch.study.ranking import best
from schedsearch.voice.config import load_voice
from vocoder.atomic import atomic_write
from vocoder.vocoder import in_precision

WORK = Path("results/bench/strategies")
TABLES = Path("results/shipped/verdict")
WINNERS, HELD_OUT = TABLES / "strategies.csv", TABLES / "strategies_held_out.csv"
DATASET, RATE = "demo", 16000
EVALUATIONS = {6: 5000, 25: 5000, 50: 5000}  # of each strategy, beyond what all share
DEFAULT = "model"
NOISE = NoiseBank(7_000_003)  # of the held-out clips
HEAD = """# One trial of the strategies

demo at 16 kHz, the search's own precision (bfloat16, float32 in the two cleanest steps), seed 0. All strategies go on
from the same study: baselines, warm starts from other voices, lines. Each spends about as many network evaluations
beyond it, and its winner is the schedule whose posterior mean is lowest, not a baseline. Winners are judged on the 24
held-out clips in noise that no search heard (2 draws at 6 steps, else 1). Differences are paired, with 95 % intervals
over clips; below zero is better.

- model: the default engine's Gaussian process.
- sweep: moves of one level at a time from the best schedule.
- dynamic_programming: shortest paths, costs measured along sampled trajectories (after GITS, Chen et al. 2024).
- beam: partial schedules scored by spectral distance and torch-pesq.
- gradient: Adam on a curve of 6 numbers with torch-pesq as the stand-in for PESQ (within clips, its differences
  correlate by 0.91 with those of PESQ), fresh noise each iterate, rate 0.1 in log-SNR; means of iterates are proposed.
  A backward pass counts as one evaluation, the checkpoint's second forward pass as another.

"""

# --- gradient -----------------------------------------------------------------------------------------------------
FRESH = 1000  # the first draw of the descent; scores use the first few
ITERATE_CLIPS = {6: 3, 25: 3, 50: 2}
KNOTS, ADAM_RATE = 6, 0.1  # the rate is in log-SNR
EVALUATIONS_A_STEP = 3  # forwards, forwards again after checkpointing, and backwards to the audio alone
DESCENT = 0.8  # part of the evaluations; the rest scores means of iterates

# --- beam: levels beyond the steps, and width, for about the same cost ----------------------------------------------
BEAM_RUNGS, BEAM_WIDTHS = {6: 24, 25: 16, 50: 16}, {6: 12, 25: 5, 50: 3}


def gradient(run: Run, tools: Tools, evaluations: int) -> Strategy:
    """Descends from the best schedule with a stand-in for PESQ, in fresh noise each iterate; proposes means."""

    def proposals() -> Iterator[NoiseSchedule]:
        leader, began = best(run.store), time.perf_counter()
        assert leader is not None
        start = leader.schedule
        count = int(evaluations * DESCENT / (EVALUATIONS_A_STEP * ITERATE_CLIPS[len(start)] * len(start)))
        iterates = np.array([levels for levels in _descent(run, tools, start, count)])
        spent = EVALUATIONS_A_STEP * ITERATE_CLIPS[len(start)] * len(start) * count
        run.store.remember_work(
            "descent", iterates.tolist(), seconds=time.perf_counter() - began, network_evaluations=spent
        )
        late = iterates[len(iterates) // 2 :].mean(axis=0)
        last = iterates[-max(1, len(iterates) // 4) :].mean(axis=0)
        middle = iterates[len(iterates) // 4 : -max(1, len(iterates) // 4)].mean(axis=0)
        for levels in (late, last, (late + start.log_snr) / 2, middle, iterates[-1]):
            yield LogSnrSpace(len(start)).clip(NoiseSchedule.from_log_snr(levels)).schedule

    return GridStrategy("gradient", proposals, 5)


def _descent(run: Run, tools: Tools, start: NoiseSchedule, count: int) -> Iterator[Array]:
    steps = len(start)
    space, knots = LogSnrSpace(steps), min(KNOTS, steps)
    spread = np.stack(
        [np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, knots), row) for row in np.eye(knots)], axis=1
    )
    slope = SamplerSlope(in_precision(run.vocoder, None), (), perceived(tools), tools.noise)
    groups = run.evaluator(run.search_clips).groups
    names = [name for group in groups for name in group.names]
    reference, mel = torch.cat([group.reference for group in groups]), torch.cat([group.mel for group in groups])
    offset = torch.zeros(knots, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([offset], lr=ADAM_RATE, betas=(0.8, 0.95))
    rng = np.random.default_rng(0)
    for iterate in range(count):
        moved = start.log_snr + spread @ offset.detach().numpy()
        schedule = space.clip(NoiseSchedule.from_log_snr(moved)).schedule
        chosen = rng.permutation(len(names))[:ITERATE_CLIPS[steps]].tolist()
        part = Group(tuple(chosen), tuple(names[i] for i in chosen), reference[chosen], mel[chosen])
        at = replace(slope, speech=[part], draws=(FRESH + iterate,))(schedule.log_snr)
        offset.grad = torch.from_numpy(spread.T @ np.array(at.gradient))
        print(f"  iterate {iterate}: loss {at.loss:.3f}, log-SNR {np.round(schedule.log_snr[[0, -1]], 2)}", flush=True)
        adam.step()
        yield schedule.log_snr


def perceived(tools: Tools) -> Distance:
    """Returns the spectral distance less torch-pesq's MOS: the default objective but for a constant."""
    pesq, spectral = _torch_pesq(), tools.distance
    assert spectral is not None

    def distance(reference: Tensor, estimate: Tensor) -> Tensor:
        flat = estimate.flatten(0, -2)
        mos: Tensor = pesq.mos(reference.expand(estimate.shape).reshape(flat.shape), flat)
        return spectral(reference, estimate) - mos.reshape(estimate.shape[:-1])

    return distance


def _torch_pesq() -> Any:
    """Loads torch-pesq (MIT) without torchaudio, of which it needs a filter and a spectrogram."""
    sys.modules.update(_stand_ins())
    from torch_pesq import PesqLoss  # type: ignore[import-not-found]

    return PesqLoss(1.0, sample_rate=RATE)


def _stand_ins() -> dict[str, ModuleType]:
    names: dict[str, dict[str, Any]] = {
        "torchaudio": {},
        "torchaudio.functional": {"lfilter": _filtered},
        "torchaudio.transforms": {"Resample": lambda *rates: torch.nn.Identity(), "Spectrogram": _Spectrogram},
        "typeguard": {"typechecked": lambda checked: checked},
        "torchtyping": {"TensorType": type("TensorType", (), {"__class_getitem__": lambda *_: None})},
    }
    modules = {name: ModuleType(name) for name in names}
    for name, members in names.items():
        vars(modules[name]).update(members)
    return modules


def _filtered(signal: Tensor, a: Tensor, b: Tensor, clamp: bool) -> Tensor:
    """A recursive filter, by the spectrum: both filters have died away within the padding."""
    length = 2 * signal.shape[-1]
    response = torch.fft.rfft(b.double(), length) / torch.fft.rfft(a.double(), length)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(signal.double(), length) * response, length)
    return filtered[..., : signal.shape[-1]].float()


class _Spectrogram(torch.nn.Module):
    def __init__(self, n_fft: int, hop_length: int, **others: object) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop_length

    def forward(self, audio: Tensor) -> Tensor:
        window = torch.hann_window(self.n_fft)
        spectrum = torch.stft(audio, self.n_fft, self.hop, window=window, center=False, return_complex=True)
        power: Tensor = torch.view_as_real(spectrum).square().sum(-1)
        return power


# --- the other strategies -----------------------------------------------------------------------------------------


def beam(run: Run, tools: Tools, evaluations: int) -> Strategy:
    """A beam whose partial schedules are scored with the stand-in for PESQ too."""
    steps = tools.space.steps

    def completed() -> Iterator[NoiseSchedule]:
        began, group = time.perf_counter(), tools.groups[0]
        ladder = np.linspace(FIRST_LOG_SNR[1], TERMINAL_LOG_SNR[0], BEAM_RUNGS[steps] + steps)
        noise = tools.noise.for_clips(group.names, 0, group.reference.shape[1])
        distance, width = perceived(tools), BEAM_WIDTHS[steps]
        grown = BeamSearch(
            run.vocoder, group.mel, group.reference, noise, distance, LevelGrid.on_ladder(steps, ladder), width=width
        )
        schedules = grown.ask(width)
        spent = grown.network_evaluations
        run.store.remember_work("beam", None, seconds=time.perf_counter() - began, network_evaluations=spent)
        yield from schedules

    return GridStrategy("beam", completed, BEAM_WIDTHS[steps])


def dynamic_programming(run: Run, tools: Tools, evaluations: int) -> Strategy:
    """The dynamic programme, its costs measured along sampled trajectories (GITS, Chen et al. 2024)."""

    def measured() -> LevelErrors:
        began = time.perf_counter()
        errors = _along_samples(run, tools.groups, tools.noise)
        spent = errors.network_evaluations
        run.store.remember_work("trajectories", None, seconds=time.perf_counter() - began, network_evaluations=spent)
        return errors

    return DynamicProgramming(tools.space.steps, measured, cost=trajectory)


@torch.inference_mode()
def _along_samples(run: Run, groups: Sequence[Group], noise: NoiseBank) -> LevelErrors:
    """Distances between the estimates of x0 along one fine chain for each clip."""
    residuals, clips = [], 0
    for group in groups:
        draw = noise.for_clips(group.names, FRESH, group.reference.shape[1])
        walk = Walk.of(run.vocoder, group.mel, draw, len(LEVELS))
        y, estimates = walk.start(1), []
        for k in range(1, len(LEVELS) + 1):
            n = len(LEVELS) - k
            eps = walk.predict(y, LEVELS[[n]], n)
            estimates.append(walk.finish(y, eps, LEVELS[[n]])[0] - group.reference)
            if n:
                y = walk.advance(y, eps, LEVELS[[n]], LEVELS[[n - 1]], k)
        chain = torch.stack(estimates[::-1]).double()  # [L, K, samples]
        residuals.append(torch.einsum("lks,mks->lm", chain, chain).numpy() / chain.shape[2])
        clips += len(group.names)
    gram = sum(residuals) / clips
    error = np.diag(gram).copy()
    distance = np.maximum(error[:, None] + error[None, :] - 2 * gram, 0.0)
    return LevelErrors(LEVELS, error, distance, len(LEVELS) * clips)


def _named(name: str) -> Callable[[Run, Tools, int], Strategy]:
    return lambda run, tools, evaluations: strategy_for(name, tools)


STRATEGIES: dict[str, Callable[[Run, Tools, int], Strategy]] = {
    DEFAULT: _named(DEFAULT),
    "sweep": _named("sweep"),
    "dynamic_programming": dynamic_programming,
    "beam": beam,
    "gradient": gradient,
}


# --- the trial ----------------------------------------------------------------------------------------------------


def _run(steps: int, folder: Path) -> Run:
    return open_run(load_voice(DATASET, RATE), Settings(steps, results=folder, precision="bfloat16", jobs=1))


def shared(steps: int) -> Path:
    """Returns a study with baselines, warm starts (of other voices) and lines, made once."""
    folder, done = WORK / f"{steps}/shared", WORK / f"{steps}/shared.done"
    if not done.exists():
        for path in Path("results/shipped").rglob("schedule.json"):
            if DATASET not in path.parts:
                target = folder / path.relative_to("results")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        run, budget = _run(steps, folder), Budget(1000, "candidates")
        for progress in search(
            run.store, run.race, run.space, auto(run.tools(budget), (("warm start", 1.0), ("line", 1.0))), budget
        ):
            print(f"{steps} steps, {progress.stage}: {progress.best.expected if progress.best else 0:.4f}", flush=True)
        done.touch()
    return folder


def searched(name: str, steps: int) -> dict[str, object]:
    """Lets a strategy go on from the shared study; returns its row."""
    folder = WORK / f"{steps}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shared(steps), folder)
    run, began = _run(steps, folder), time.process_time()
    before = _calls(run)
    budget = Budget(before + EVALUATIONS[steps], "calls")
    strategy = STRATEGIES[name](run, run.tools(budget), EVALUATIONS[steps])
    for progress in search(run.store, run.race, run.space, strategy, budget):
        leader = f"{progress.best.name} {progress.best.expected:.4f}" if progress.best else ""
        print(f"{steps} steps, {name} {progress.done:.2f}: {leader}", flush=True)
    ranked = finalists(run.store, FIRST_ROUND)
    winner = next(c for c in ranked if c.kind != "baseline")
    baseline = min(run.store.baselines(), key=lambda c: c.score.mean if c.estimate is None else c.estimate)
    own = [c for c in run.store.candidates() if c.kind == strategy.name]
    return {
        "strategy": name, "steps": steps, "evaluations": _calls(run) - before,
        "processor_seconds": round(time.process_time() - began, 1), "proposals": len(own), "winner": winner.kind,
        "expected": winner.expected, "baseline": baseline.name,
        "betas": _text(winner.schedule), "baseline_betas": _text(baseline.schedule),
    }  # fmt: skip


def _calls(run: Run) -> int:
    return int(run.store.work()[1] + run.store.results().standing().network_evaluations)


def _text(schedule: NoiseSchedule) -> str:
    return " ".join(f"{beta:.17g}" for beta in schedule.betas)


def judge(rows: Sequence[dict[str, str]], table: RowCache) -> None:
    """Scores each winner and baseline on the held-out clips once, with a row a clip and draw."""
    for row in rows:
        for betas in (row["betas"], row["baseline_betas"]):
            steps = int(row["steps"])
            if table.has(steps=steps, betas=betas):
                continue
            run = _run(steps, WORK / f"{steps}/shared")
            evaluator = Evaluator(run.vocoder, run.held_out_clips, run.objectives, NOISE)
            schedule, draws = NoiseSchedule(np.array(betas.split(), dtype=np.float64)), held_out_draws(steps)
            values = evaluator.evaluate([schedule], draws)[0].scores[run.store.objective].values
            print(f"{steps} steps, {row['strategy']}: {values.mean():.4f} on held-out clips", flush=True)
            table.add(
                {"steps": steps, "betas": betas, "clip": clip, "draw": draw, "objective": float(value)}
                for clip, of_clip in zip(evaluator.clip_names, values, strict=True)
                for draw, value in zip(draws, of_clip, strict=True)
            )


def write_table() -> None:
    """Writes strategies.md: each winner beside the default strategy's, on the held-out clips."""
    winners, scores = pd.read_csv(WINNERS), pd.read_csv(HELD_OUT)
    rows = []
    for row in winners.itertuples():
        group = winners[winners["steps"] == row.steps]
        [default] = group.loc[group["strategy"] == DEFAULT, "betas"]
        own = _values(scores, row.steps, row.betas)
        to_default = paired_bootstrap(own, _values(scores, row.steps, default), seed=0)
        to_baseline = paired_bootstrap(own, _values(scores, row.steps, row.baseline_betas), seed=0)
        rows.append([
            str(row.steps), row.strategy, str(row.evaluations), f"{row.processor_seconds:.0f}", str(row.proposals),
            row.winner, f"{row.expected:.3f}", f"{own.mean():.3f}",
            "" if row.strategy == DEFAULT else _interval(to_default), _interval(to_baseline),
        ])  # fmt: skip
    head = [
        "steps", "strategy", "evaluations", "processor s", "proposals", "winner is", "search clips", "held-out",
        f"minus {DEFAULT}", "minus best baseline",
    ]  # fmt: skip
    atomic_write(TABLES / "strategies.md", (HEAD + markdown_table(head, rows) + "\n").encode())


def _values(scores: pd.DataFrame, steps: int, betas: str) -> Array:
    """[clip, draw]."""
    own = scores[(scores["steps"] == steps) & (scores["betas"] == betas)]
    return np.asarray(own.pivot(index="clip", columns="draw", values="objective"))


def _interval(difference: Interval) -> str:
    return f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


@command("strategies_trial")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is missing."""
    parser = parser_of("strategies_trial", __doc__)
    parser.add_argument("--steps", type=int, nargs="*", default=list(EVALUATIONS))
    parser.add_argument("--only", nargs="*", default=list(STRATEGIES))
    parser.add_argument("--judge", type=int, default=1, help="0: searches alone")
    options = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    winners, held_out = RowCache(WINNERS, ".6g"), RowCache(HELD_OUT, ".6g")
    for steps in options.steps:
        for name in options.only:
            if not winners.has(strategy=name, steps=steps):
                winners.add([searched(name, steps)])
        if options.judge:
            judge([row for row in winners.rows if row["steps"] == str(steps)], held_out)
            write_table()


if __name__ == "__main__":
    sys.exit(main())
