"""The names of schedules for people."""

from schedsearch.search.verdict import Verdict
from schedsearch.study.candidate import Candidate


def searched(steps: int) -> str:
    """Returns the name of the schedule that a search found, such as searched-6 beside universal-6 and ivanvovk-6."""
    return f"searched-{steps}"


def title(candidate: Candidate, verdict: Verdict) -> str:
    """Returns `searched-6` for the winner and its own name for any other. Tables keep the row's name, `trial 72`."""
    return searched(len(candidate.schedule)) if candidate.name == verdict.winner.name else candidate.name


def title_and_row(candidate: Candidate, verdict: Verdict) -> str:
    """Returns the title, and the row's name in brackets where that is another."""
    name = title(candidate, verdict)
    return name if name == candidate.name else f"{name} ({candidate.name})"
