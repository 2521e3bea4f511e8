"""Says in words how a schedule stands beside the best that was ever measured with its network."""

from schedsearch.evaluation.paired import sound
from schedsearch.formatting import alike, counted
from schedsearch.metrics.words import words_and_name
from schedsearch.report.finding import signed
from schedsearch.search.network_limit import NetworkLimit
from schedsearch.search.run import Run
from schedsearch.search.verdict import Verdict
from schedsearch.voice.check import VOICE_CHECK

POOR = 2.0  # PESQ's scale is that of listeners' opinions (ITU-T P.800): 1 bad, 2 poor, 3 fair, 4 good


def limit_of_run(run: Run, verdict: Verdict) -> str:
    """Returns the sentences for a finished search; empty where the limit was not measured."""
    limit = run.network_limit(verdict.shipped.schedule)
    if limit is None:
        return ""
    check = run.store.recall(VOICE_CHECK) or {}
    return limit_text(limit, is_weak=check.get("found") == "weak")


def limit_text(limit: NetworkLimit, *, is_weak: bool = False) -> str:
    """States what more steps or another schedule still gain, and whether the network is under-trained."""
    return " ".join(filter(None, (_beside_the_best(limit), _under_trained(limit, is_weak=is_weak))))


def _beside_the_best(limit: NetworkLimit) -> str:
    """Says how much better the best measured schedule is than the one that ships. Empty for one clip: too few."""
    if limit.room is None:
        return ""
    steps, metric = counted(limit.shipped.steps, "step"), words_and_name(limit.metric.name)
    ours, yardstick, best = alike(limit.means, 3)
    clips = counted(limit.clips, "held-out clip")
    worse = limit.room.mean if limit.metric.direction == "minimize" else -limit.room.mean
    if limit.best is limit.shipped or worse > 0:  # the best is that of all clips, and these are the sound ones
        most = counted(limit.longest, "step")
        return (
            f"No measured schedule of up to {most} did better with this network than {ours} in {metric}, which this "
            f"one has in {steps} ({clips})."
        )
    both = (
        f"In {steps} this network reaches {ours} in {metric}; the best that was measured with it is {best}, in "
        f"{counted(limit.best.steps, 'step')}"
    )
    if not limit.room.excludes_zero:
        return f"{both}: {clips} cannot tell the two apart."
    more = "More steps still gain" if limit.best.steps > limit.shipped.steps else "Another schedule still gains"
    mean, *ends = (end.lstrip("+-") for end in signed(limit.room))
    low, high = ends if limit.room.mean > 0 else reversed(ends)
    share = (
        f" Of the gain of the best over {limit.yardstick.name} ({yardstick}), {100 * limit.share:.0f} % is reached."
        if limit.share is not None
        else ""
    )
    return f"{both}. {more} {mean} (95 %: {low} to {high}; {clips}).{share}"


def _under_trained(limit: NetworkLimit, *, is_weak: bool) -> str:
    pesq = next((sound(score).mean for name, score in limit.best.scores.items() if name.startswith("pesq")), None)
    advice = "train it further before its schedule"
    if pesq is not None and pesq < POOR:
        return f"It is under-trained: even there its PESQ is {pesq:.2f}, and {POOR:g} is poor; {advice}."
    return f"It is under-trained, as the check of the voice says; {advice}." if is_weak else ""
