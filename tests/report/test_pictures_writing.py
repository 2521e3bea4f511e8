"""What a search leaves in its folder of pictures."""

import pytest
from conftest import files_below, stand_in

from schedsearch.report.pictures import writing
from schedsearch.report.pictures.png import png

LARGEST = 120_000  # bytes


@pytest.fixture(autouse=True)
def _in_memory(memory):
    """Nothing here is about SQLite."""


def test_a_run_s_pictures_are_written_and_a_second_time_the_same(toy, monkeypatch):
    monkeypatch.setattr(writing, "png", png)
    assert toy.search("--budget", "4candidates") == 0
    before = files_below(toy.folder / "pictures")
    assert {path.name for path in before} == {"schedules.png", "convergence.png", "held_out.png"}
    assert all(len(content) < LARGEST for content in before.values())
    assert toy.search() == 0
    assert files_below(toy.folder / "pictures") == before


def test_the_picture_of_lengths_goes_with_the_last_length_that_compares(tmp_path):
    (tmp_path / "iterations.png").touch()
    assert writing.write_length_pictures(tmp_path / "6iters", tmp_path) == []
    assert not (tmp_path / "iterations.png").exists()


def test_a_file_in_the_way_of_the_folder_is_one_line(toy, capsys):
    toy.folder.mkdir(parents=True)
    (toy.folder / "pictures").write_text("mine")
    assert toy.search("--budget", "1candidates") == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("schedsearch: ")]
    assert line.startswith("schedsearch: cannot make the folder")
    assert line.endswith("move away what stands there")
    assert (toy.folder / "pictures").read_text() == "mine"


def test_a_picture_that_can_not_be_drawn_leaves_no_other_behind(toy, request):
    drawings = iter([b"first"])
    stand_in(request, draw=lambda figure: next(drawings))
    with pytest.raises(StopIteration):
        toy.search("--budget", "1candidates")
    assert not (toy.folder / "pictures").exists()
