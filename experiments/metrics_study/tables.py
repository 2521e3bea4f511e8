"""Makes tables of the scores, as CSV files and as metrics.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.metrics_study import agreement, noise, regret
from experiments.metrics_study.degradations import FAULTS, Fault
from experiments.metrics_study.losses import (
    GOOD,
    JUDGES,
    LEVEL,
    PITCH,
    SIGNS,
    SUMS,
    USABLE,
    Array,
    Losses,
    as_losses,
    asked,
    best_part,
    spread,
    stacked,
)
from experiments.metrics_study.page import page
from experiments.metrics_study.schedules import LENGTHS, Job, schedules
from experiments.metrics_study.scoring import Bench, StoredScores, job_key
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

SEVERAL = 3  # the best of so many decide beside the best alone


def write_tables(bench: Bench, stored: StoredScores) -> Path:
    """Writes all tables; returns the path of metrics.md."""
    by_length = {steps: losses for steps in LENGTHS if (losses := load(stored, steps)) is not None}
    sides = Sides(search=np.arange(bench.search), held_out=np.arange(bench.search, len(bench.clips)))
    if 6 not in by_length:
        raise InputError("tables need scores of 6 steps, and there are none yet; run --only 6 first")
    short = by_length[6]
    good = best_part(short, sides.search, GOOD)
    units = spread(short, good)
    usable = {steps: each.only(best_part(each, sides.search, USABLE)) for steps, each in by_length.items()}
    tables = {
        "scores": pd.concat(scores_table(losses, steps) for steps, losses in by_length.items()),
        "agreement": agreement.agreement_table(scopes(by_length, good)),
        "degradations": degradations_table(stored, units),
        "noise": noise.noise_table({name: short.values[name][good] for name in short.metrics}, units),
        "clips_needed": noise.clips_table({name: short.values[name][good] for name in short.metrics}, units),
        "regret": pd.concat(regret_of(losses, units, sides).assign(steps=steps) for steps, losses in usable.items()),
    }
    tables["objectives"] = pd.concat(
        regret.worst_table(*sides.losses(losses), units, JUDGES, 1).assign(steps=steps)
        for steps, losses in usable.items()
    )
    bench.folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        if not table.empty:
            atomic_write(bench.folder / f"{name}.csv", table.to_csv(index=False, float_format="%.4g").encode())
    tables["choices"] = choices_table(usable[6], sides)
    tables["decision"] = decision_table(bench, usable[6], units, tables, sides)
    path = bench.folder / "metrics.md"
    atomic_write(path, page(bench.dataset, tables).encode())
    return path


@dataclass(frozen=True)
class Sides:
    """The places of the clips that choose and of those that judge."""

    search: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]

    def losses(self, losses: Losses) -> tuple[dict[str, Array], dict[str, Array]]:
        """Returns losses [schedule, clip] that choose, and losses that judge, of metrics that may choose."""
        search, held_out = (
            {name: asked(losses.first_draw(name)[:, clips]) for name in losses.metrics if name not in PITCH}
            for clips in (self.search, self.held_out)
        )
        return search, held_out


def load(stored: StoredScores, steps: int) -> Losses | None:
    """Reads the scored schedules of one length; None where there are none."""
    stored_scores = [(named, [stored.get(job_key(Job(named, draw))) for draw in (0, 1)]) for named in schedules(steps)]
    scored = [(named, draws) for named, draws in stored_scores if draws[0] is not None]
    return stacked([named for named, _ in scored], [draws for _, draws in scored]) if scored else None


def scopes(by_length: Mapping[int, Losses], good: npt.NDArray[np.bool_]) -> dict[str, dict[str, Array]]:
    """Returns losses [schedule, clip] of the first draw by scope; `good` is a mask of the schedules of 6 steps."""
    by_scope = {f"{n} steps": {name: each.first_draw(name) for name in each.metrics} for n, each in by_length.items()}
    better = {name: values[good] for name, values in by_scope["6 steps"].items()}
    return {**by_scope, "6 steps, better half": better}


def scores_table(losses: Losses, steps: int) -> pd.DataFrame:
    """Returns a row for each schedule and metric, in the metric's own direction; standard error over clips."""
    rows = []
    for place, named in enumerate(losses.schedules):
        for metric, values in losses.values.items():
            of_clips = SIGNS.get(metric, 1) * asked(values[:, :, 0])[place]
            rows.append(
                {
                    "steps": steps,
                    "schedule": named.name,
                    "kind": named.kind,
                    "metric": metric,
                    "mean": of_clips.mean(),
                    "se": of_clips.std(ddof=1) / np.sqrt(len(of_clips)),
                    "clips": len(of_clips),
                    "failures": int(np.isnan(of_clips).sum()),
                }
            )
    return pd.DataFrame(rows)


def degradations_table(stored: StoredScores, units: Mapping[str, float]) -> pd.DataFrame:
    """Returns how much worse each fault makes each metric: the mean change of its loss, also in standard units."""
    rows = []
    for fault in FAULTS:
        faulty, plain = stored.get(fault.key), stored.get(f"{fault.start}, as it is")
        if fault.name and faulty is not None and plain is not None:
            worse, before = as_losses(faulty), as_losses(plain)
            rows += [_reaction(fault, name, worse[name] - before[name], units[name]) for name in units]
    return pd.DataFrame(rows)


def regret_of(losses: Losses, units: Mapping[str, float], sides: Sides) -> pd.DataFrame:
    """Returns regrets of choices on the search clips, judged on the held-out clips."""
    names = [name for name in losses.metrics if name not in PITCH]
    return regret.regret_table(*sides.losses(losses), units, names)


def choices_table(losses: Losses, sides: Sides) -> pd.DataFrame:
    """Returns a row a metric: the schedule it chooses on the search clips, and the schedule's held-out scores."""
    rows = []
    for name, values in sides.losses(losses)[0].items():
        best, heard_on = int(values.mean(axis=1).argsort()[0]), sides.held_out  # NaN, of a failure, sorts last
        heard = {m: SIGNS.get(m, 1) * losses.first_draw(m)[best, heard_on].mean() for m in (*JUDGES[:-1], "level")}
        rows.append({"chosen_by": name, "schedule": losses.schedules[best].name, **heard})
    return pd.DataFrame(rows)


def decision_table(
    bench: Bench, losses: Losses, units: Mapping[str, float], tables: Mapping[str, pd.DataFrame], sides: Sides
) -> pd.DataFrame:
    """Returns a row a metric: what decides at 6 steps of this voice whether it should be the default objective."""
    choosing, judging = sides.losses(losses)
    alone, several = (regret.worst_table(choosing, judging, units, JUDGES, k) for k in (1, SEVERAL))
    costs = {name: bench.cost(name) for name in bench.metrics if name not in PITCH}
    pairs = tables["agreement"].query("scope == '6 steps, better half'")
    needed = tables["clips_needed"].groupby("metric")["clips_1_draws"].last()  # of a quarter of a standard unit
    table = alone.merge(several[["chosen_by", "expected"]], on="chosen_by", suffixes=("", f"_best_{SEVERAL}"))
    names = table["chosen_by"]
    return table.assign(
        tau_with_level=[_tau_with_level(losses, name) for name in names],
        agreement=[_mean_agreement(pairs, name) for name in names],
        clips_for_a_quarter=[needed[name] for name in names],
        cost_ms=[sum(costs[part] for part in _parts(name)) for name in names],
    )


def _mean_agreement(pairs: pd.DataFrame, name: str) -> float:
    """Returns the mean tau with the judges that are not part of the metric."""
    others = {judge for judge in JUDGES if judge != name and judge not in SUMS.get(name, ())}
    first = (pairs["metric"] == name) & pairs["other"].isin(others)
    second = (pairs["other"] == name) & pairs["metric"].isin(others)
    return float(pairs[first | second]["kendall"].mean())


def _tau_with_level(losses: Losses, name: str) -> float:
    """Returns tau with the level: positive where the metric calls louder schedules worse."""
    means = [losses.first_draw(each).mean(axis=1) for each in (name, "level")]
    return float(agreement.kendall(*means))


def _parts(name: str) -> tuple[str, ...]:
    """Returns the metrics of the catalogue that it is made of."""
    return tuple(SUMS[name]) if name in SUMS else ("level" if name == LEVEL else name,)


def _reaction(fault: Fault, metric: str, worse: Array, unit: float) -> dict[str, object]:
    heard = worse[np.isfinite(worse)]
    return {
        "added_to": fault.start,
        "fault": fault.name,
        "metric": metric,
        "worse_by": heard.mean(),
        "se": heard.std(ddof=1) / np.sqrt(len(heard)),
        "standard_units": heard.mean() / unit,
        "clips": len(heard),
    }
