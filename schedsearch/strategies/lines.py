"""Straight lines in log-SNR, which a search begins with."""

from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace

# Straight lines in log-SNR that `auto` begins with: the two ends decide most, and a box's random points are wilder.
LINE_FIRSTS, LINE_LASTS = (12.5, 9.5), (-2.0, 0.0, -4.0)


def lines(space: ScheduleSpace) -> list[NoiseSchedule]:
    """Straight lines between the ends that serve many voices, as points of the box."""
    ends = [(first, last) for last in LINE_LASTS for first in LINE_FIRSTS]
    return [space.clip(log_snr_line(space.steps, *pair)).schedule for pair in ends] if space.steps > 1 else []
