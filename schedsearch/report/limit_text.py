"""Says in words how much of what the network can do a schedule reaches, and whether the network is the limit."""

from schedsearch.evaluation.paired import sound
from schedsearch.formatting import counted
from schedsearch.metrics.words import words_and_name
from schedsearch.search.network_limit import NetworkLimit
from schedsearch.search.run import Run
from schedsearch.search.verdict import Verdict
from schedsearch.voice.check import VOICE_CHECK

NEAR = 0.75  # from this share on the schedule is no longer called the limit
POOR = 2.0  # PESQ's scale is that of listeners' opinions (ITU-T P.800): 1 bad, 2 poor, 3 fair, 4 good


def limit_of_run(run: Run, verdict: Verdict) -> str:
    """Returns the sentences for a finished search; empty where the limit was not measured."""
    limit = run.network_limit(verdict.shipped.schedule)
    if limit is None:
        return ""
    check = run.store.recall(VOICE_CHECK) or {}
    return limit_text(limit, is_weak=check.get("found") == "weak")


def limit_text(limit: NetworkLimit, *, is_weak: bool = False) -> str:
    """States the share, what limits, and whether the network is under-trained."""
    steps, most = counted(limit.shipped.steps, "step"), counted(limit.longest, "step")
    ours, yardstick, best = (f"{mean:.3f}" for mean in limit.means)
    if limit.gap is None:  # one clip tells nothing apart
        return _under_trained(limit, is_weak=is_weak)
    if limit.share is None:
        return " ".join(filter(None, (_no_gap(limit), _under_trained(limit, is_weak=is_weak))))
    numbers = (
        f"{words_and_name(limit.metric.name)} {ours} of {best}, {limit.yardstick.name} {yardstick}; "
        f"{counted(limit.clips, 'held-out clip')}"
    )
    if limit.best is not limit.shipped:
        best_steps = counted(limit.best.steps, "step")
        reaches = f"{steps} reach {100 * limit.share:.0f} % of what this network reaches in {best_steps}"
    else:
        reaches = f"No measured schedule of up to {most} did better with this network than these {steps}"
    gains = "more steps still gain" if limit.best.steps > limit.shipped.steps else "another schedule still gains"
    near = "the schedule is no longer the limit" if limit.share >= NEAR else gains
    return " ".join(filter(None, (f"{reaches} ({numbers}); {near}.", _under_trained(limit, is_weak=is_weak))))


def _no_gap(limit: NetworkLimit) -> str:
    most, metric = counted(max(limit.best.steps, limit.longest), "step"), words_and_name(limit.metric.name)
    return (
        f"In up to {most} this network is not told apart from {limit.yardstick.name} by {metric} "
        f"({counted(limit.clips, 'held-out clip')}): the network is the limit, not the schedule."
    )


def _under_trained(limit: NetworkLimit, *, is_weak: bool) -> str:
    pesq = next((sound(score).mean for name, score in limit.best.scores.items() if name.startswith("pesq")), None)
    advice = "train it further before its schedule"
    if pesq is not None and pesq < POOR:
        return f"It is under-trained: even there its PESQ is {pesq:.2f}, and {POOR:g} is poor; {advice}."
    return f"It is under-trained, as the check of the voice says; {advice}." if is_weak else ""
