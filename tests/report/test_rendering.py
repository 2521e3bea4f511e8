"""What is heard is what was scored, and it is made once."""

import os
from dataclasses import replace

import pytest
import soundfile
import torch
from conftest import AnalyticVocoder, BrokenVocoder, noise_clip

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import metrics_for
from schedsearch.report.audio_folder import AudioFolder
from schedsearch.report.rendering import Renderer, System, affordable_long, long_system
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import fibonacci, linear, log_snr_line
from schedsearch.search.network_limit import LENGTHS
from vocoder.errors import InputError

CLIPS = (noise_clip("one", 6400, 0.1), noise_clip("two", 8000, 0.2, seed=1))
STEPS = 6
SYSTEM = System("searched", "searched (trial 1)", log_snr_line(STEPS, 10, -4))


@pytest.fixture
def renderer(tmp_path):
    return Renderer(AnalyticVocoder(), CLIPS, NoiseBank(5), 0, "a study", AudioFolder(tmp_path / "audio", 16000))


def make(renderer, system=SYSTEM):
    return list(renderer.render(system))


def long_steps(renderer, seconds):
    """Of the long synthesis; None where there is none."""
    found = affordable_long(renderer, STEPS, seconds)
    return None if found is None else len(found.schedule)


def calls(renderer):
    return sum(renderer.vocoder.rows)


def test_what_is_heard_has_the_scores_that_stand_in_the_verdict(renderer):
    metrics = metrics_for(renderer.vocoder.front_end, 16000, names=("log_mel_l1", "lsd", "level"))
    evaluator = Evaluator(renderer.vocoder, CLIPS, list(metrics.values()), renderer.noise)
    scored = evaluator.evaluate([SYSTEM.schedule], (0,))[0].scores
    make(renderer)
    reference, heard = renderer.reference, renderer.heard(SYSTEM)
    for name, metric in metrics.items():
        for i, (clip, audio) in enumerate(zip(reference.audio, heard.audio, strict=True)):
            assert clip is not None
            assert audio is not None
            [[value]] = metric.measure(clip[None], audio[None, None])
            assert value == pytest.approx(scored[name].values[i, 0], abs=1e-3)  # 24 bits on the disk


def test_the_reference_is_the_recording_in_whole_hops(renderer):
    for clip, audio in zip(CLIPS, renderer.reference.audio, strict=True):
        assert torch.equal(audio, clip.audio[: len(clip.audio) // 64 * 64])


def test_every_file_is_made_once_and_names_its_system(renderer):
    done = [progress.done for progress in make(renderer)]
    assert done == [0.5, 1.0]
    spent = calls(renderer)
    assert spent == STEPS * len(CLIPS)
    assert make(renderer) == []
    assert calls(renderer) == spent
    files = sorted(str(path.relative_to(renderer.folder.path)) for path in renderer.folder.path.rglob("*.flac"))
    assert files == ["one/searched.flac", "two/searched.flac"]


def test_a_rendering_that_was_stopped_goes_on_with_the_next_clip(renderer):
    next(renderer.render(SYSTEM))
    spent = calls(renderer)
    make(renderer)
    assert calls(renderer) == spent + STEPS
    assert [len(audio) for audio in renderer.heard(SYSTEM).audio] == [6400, 8000]


@pytest.mark.parametrize(
    "change",
    [{"identity": "another checkpoint"}, {"noise": NoiseBank(6)}, {"draw": 1}],
    ids=["identity", "seed", "draw"],
)
def test_what_was_made_otherwise_is_made_again(renderer, change):
    make(renderer)
    other = replace(renderer, **change)
    assert [clip.name for clip in other.missing(SYSTEM)] == ["one", "two"]
    assert other.heard(SYSTEM).audio == (None, None)


def test_another_schedule_of_the_same_system_is_made_again(renderer):
    make(renderer)
    assert len(renderer.missing(replace(SYSTEM, schedule=fibonacci(STEPS, 1e-6, 2e-6)))) == 2


def test_a_damaged_file_is_made_again(renderer):
    make(renderer)
    path = renderer.folder.path / "one" / "searched.flac"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert [clip.name for clip in renderer.missing(SYSTEM)] == ["one"]
    make(renderer)
    assert path.read_bytes() == whole


def test_audio_that_is_not_finite_is_none_and_leaves_no_file(renderer):
    broken = replace(renderer, vocoder=BrokenVocoder())
    make(broken)
    assert broken.heard(SYSTEM).audio == (None, None)
    assert not list(broken.folder.path.rglob("*"))


def test_audio_past_full_scale_is_clipped_as_wav_writers_do(tmp_path):
    folder = AudioFolder(tmp_path, 16000)
    folder.write("loud", "searched", torch.tensor([0.5, 3.0, -3.0]), origin="x")
    assert folder.read("loud", "searched", "x") == pytest.approx(torch.tensor([0.5, 1.0, -1.0]), abs=2**-22)


@pytest.mark.parametrize("character", ["b", "語"])
def test_names_that_are_too_long_for_a_folder_are_told_apart(tmp_path, character):
    folder, names = AudioFolder(tmp_path, 16000), [character * 300 + end for end in "xy"]
    for i, name in enumerate(names):
        folder.write(name, "searched", torch.full((10,), 0.5 * i), origin="schedsearch x")
    for i, name in enumerate(names):
        assert folder.read(name, "searched", "schedsearch x") == pytest.approx(torch.full((10,), 0.5 * i))
    folder.drop_all_but({"schedsearch y"})
    assert not list(tmp_path.rglob("*.flac"))


def test_a_file_at_another_rate_is_another_file(tmp_path):
    AudioFolder(tmp_path, 16000).write("clip", "searched", torch.zeros(100), origin="x")
    assert AudioFolder(tmp_path, 22050).read("clip", "searched", "x") is None
    assert soundfile.info(tmp_path / "clip" / "searched.flac").subtype == "PCM_24"


def test_a_folder_may_have_a_name_that_is_no_text(tmp_path):
    folder = AudioFolder(tmp_path / os.fsdecode(b"r\xe9sultats"), 16000)
    folder.write("clip", "searched", torch.zeros(100), origin="schedsearch x")
    assert folder.read("clip", "searched", "schedsearch x") is not None
    folder.drop_all_but({"schedsearch y"})
    assert folder.read("clip", "searched", "schedsearch x") is None


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path):
    (tmp_path / "audio").write_text("in the way")
    with pytest.raises(InputError, match="cannot make the folder"):
        AudioFolder(tmp_path / "audio", 16000).write("clip", "searched", torch.zeros(9), origin="x")


@pytest.mark.parametrize(
    ("a_step", "seconds", "steps"),
    [(0.1, 100.0, 1000), (0.1, 99.0, 500), (1.0, 120.0, 100), (1.0, 30.0, 25), (1.0, 24.9, None), (0.001, 0.0, None)],
)
def test_the_long_synthesis_is_the_longest_that_is_affordable(renderer, monkeypatch, a_step, seconds, steps):
    monkeypatch.setattr(Renderer, "seconds_a_step", lambda self: a_step)
    assert long_steps(renderer, seconds) == steps


@pytest.mark.parametrize("iterations", [25, 100, 999, 1000])
def test_the_long_synthesis_is_longer_than_what_was_searched(renderer, monkeypatch, iterations):
    monkeypatch.setattr(Renderer, "seconds_a_step", lambda self: 1.0)
    found = affordable_long(renderer, iterations, 1000.0)
    assert (found is None) == (iterations == 1000)
    assert affordable_long(renderer, iterations, 30.0) is None


def test_a_long_synthesis_that_is_there_costs_nothing_and_gives_way_to_a_longer_one(renderer, monkeypatch):
    make(renderer, long_system(50))
    assert long_steps(renderer, None) == 50
    assert long_steps(renderer, 0.0) is None
    monkeypatch.setattr(Renderer, "seconds_a_step", lambda self: 1.0)
    assert long_steps(renderer, 30.0) == 50
    assert long_steps(renderer, 100.0) == 100


def test_a_long_synthesis_says_how_many_steps_it_has():
    assert long_system(1000).schedule == linear(1000, 1e-6, 1e-2)
    assert "all 1000 steps" in long_system(1000).label
    for steps in LENGTHS[1:]:
        assert f"in {steps} instead of 1000 steps" in long_system(steps).label
        assert len(long_system(steps).schedule) == steps


def test_a_step_of_all_clips_is_timed(renderer):
    assert renderer.seconds_a_step() > 0
    assert calls(renderer) == 1 + len(CLIPS)
