"""Laws of the coordinate search: one level at a time, cleanest first, never uphill, begun once."""

import numpy as np
import pytest

from schedsearch.sampling import prefix_tree
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies.sweep import MOVES, Sweep

START = log_snr_line(5, 11.0, -3.0)
TARGET = np.array([11.4, 7.1, 4.6, 0.1, -2.6])


def bowl(schedule):
    """Least at TARGET, and separable: each level can be found alone."""
    return float(((schedule.log_snr - TARGET) ** 2).sum())


def begun(*told, loss=bowl):
    found = Sweep()
    found.tell([START, *told], [loss(schedule) for schedule in (START, *told)])
    return found


def turn(found, loss=bowl):
    proposed = found.ask(found.batch)
    found.tell(proposed, [loss(schedule) for schedule in proposed])
    return proposed


def changed(schedule, other):
    return np.flatnonzero(np.abs(schedule.log_snr - other.log_snr) > 1e-9).tolist()


def test_a_turn_moves_one_level_to_both_sides_and_the_next_turn_the_next():
    found = begun(loss=lambda schedule: 1.0)
    for level in range(len(START)):
        proposed = turn(found, lambda schedule: 1.0)
        assert [changed(schedule, START) for schedule in proposed] == [[level]] * 2 * len(MOVES)
        moved = [schedule.log_snr[level] - START.log_snr[level] for schedule in proposed]
        assert sum(m > 0 for m in moved) == len(MOVES)


def test_it_finds_the_bottom_of_a_bowl_and_never_goes_up():
    found, best = begun(), [bowl(START)]
    while proposed := turn(found):
        best.append(min(best[-1], *map(bowl, proposed)))
        assert all(len(changed(schedule, proposed[0])) <= 1 for schedule in proposed)
    assert best[-1] < 0.01 * best[0]


def test_it_begins_from_the_best_told_and_stays_with_its_own_path():
    better = log_snr_line(5, 11.2, -2.9)
    found = begun(better)
    first = turn(found)
    assert all(changed(schedule, better) == [0] for schedule in first)
    found.tell([log_snr_line(5, 11.2, -2.8)], [-1.0])  # another strategy's, better than all
    path = min([better, *first], key=bowl)
    assert all(changed(schedule, path) == [1] for schedule in turn(found))


def test_it_does_not_begin_before_something_was_told():
    found = Sweep()
    assert found.ask(6) == []
    found.tell([START], [float("nan")])
    assert found.ask(6) == []
    found.tell([START], [1.0])
    assert len(found.ask(6)) == 6


def test_nothing_is_asked_twice_while_others_score_it():
    found = begun()
    first = found.ask(4)
    assert len(found.ask(4)) == 2
    assert found.ask(4) == []
    found.tell(first, [bowl(schedule) for schedule in first])
    assert found.ask(4) == []


def test_failures_are_never_moved_to():
    found = begun(loss=lambda schedule: 1.0)
    proposed = found.ask(6)
    found.tell(proposed, [float("nan")] * 6)
    assert all(changed(schedule, START) == [1] for schedule in found.ask(6))


def test_proposals_lie_in_the_box_also_at_its_edges():
    space = LogSnrSpace(3)
    edge = space.decode([1.0, 0.0, 0.5])
    found = Sweep()
    found.tell([edge], [1.0])
    for _ in range(9):
        assert all(space.clip(schedule).moved < 1e-8 for schedule in turn(found, lambda schedule: 1.0))


@pytest.mark.parametrize("steps", [6, 12])
def test_a_pass_shares_about_half_of_its_network_calls(steps):
    start = log_snr_line(steps, 11, -3)
    found = Sweep()
    found.tell([start], [1.0])
    turns = [turn(found, lambda schedule: 2.0) for _ in range(steps)]
    spent = sum(prefix_tree.calls(proposed, 1) for proposed in turns)
    assert 0.5 < spent / sum(steps * len(proposed) for proposed in turns) < 0.68
