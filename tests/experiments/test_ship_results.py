"""What a finished search left is shipped whole, or not at all."""

import pytest

from experiments import ship_results
from experiments.ship_results import FILES, main


def ship(toy, *options):
    places = ["--results", str(toy.root / "results"), "--shipped", str(toy.root / "shipped")]
    return main(["toy", *places, "--experiments", str(toy.root), *options])


def test_all_files_of_every_finished_length_are_shipped(toy):
    toy.search("--budget", "5candidates")
    assert ship(toy) == 0
    shipped = toy.root / "shipped" / "toy" / "16000hz" / "6iters"
    assert {path.name for path in shipped.iterdir()} == set(FILES)
    assert (shipped / "schedule.pt").read_bytes() == (toy.folder / "schedule.pt").read_bytes()
    assert "<audio" not in (shipped / "report.small.html").read_text()


def test_without_a_finished_search_nothing_is_shipped(toy, capsys):
    assert ship(toy) == 2
    assert "run make search first" in capsys.readouterr().err
    assert not (toy.root / "shipped").exists()


@pytest.mark.parametrize("damage", ["missing", "large"])
def test_a_length_is_shipped_whole_or_not_at_all(toy, capsys, monkeypatch, damage):
    toy.search("--budget", "5candidates")
    if damage == "missing":
        (toy.folder / "leaderboard.csv").unlink()
    else:
        monkeypatch.setattr(ship_results, "LARGEST_PAGE", 1000)
    assert ship(toy) == 2
    told = capsys.readouterr().err
    assert ("leaderboard.csv" if damage == "missing" else "below 1000 bytes") in told
    assert not (toy.root / "shipped").exists()


def test_a_length_that_is_none_is_one_line(toy, capsys):
    assert main(["toy", "--iters", "6,x", "--experiments", str(toy.root)]) == 2
    told = capsys.readouterr().err
    assert "ITERS must be a whole number" in told
    assert len(told.splitlines()) == 1
