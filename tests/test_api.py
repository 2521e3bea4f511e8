"""The Python interface: its examples run, and it gives what the commands give."""

import doctest
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Toy, files_below

import schedsearch
import schedsearch.api
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules import formulas
from schedsearch.study.store import Store
from vocoder.audio.reading import Clip, read_audio, write_wav

ROOT = Path(__file__).parent.parent
SIX = formulas.log_snr_line(6, 10.0, -4.0)


@pytest.fixture
def voice(toy: Toy, memory: None) -> schedsearch.OpenVoice:
    return schedsearch.open_voice("toy", experiments=toy.root)


def run_examples(module, **names):
    classes = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    properties = {f"{each.__name__}.{name}": own.__doc__ for each in classes for name, own in vars(each).items()
                  if isinstance(own, cached_property)}  # fmt: skip
    module.__test__ = properties  # doctest finds these by itself from Python 3.13 on
    found = doctest.testmod(module, extraglobs=names)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.slow
def test_the_packages_example_runs_on_the_demo_voice(monkeypatch):
    monkeypatch.chdir(ROOT)
    run_examples(schedsearch)


def test_the_interfaces_examples_run(voice, memory, tmp_path):
    run_examples(schedsearch.api, voice=voice, six=SIX, schedsearch=schedsearch, folder=tmp_path / "results")


def test_importing_the_package_loads_nothing_heavy():
    heavy = "{'torch', 'numpy', 'pandas', 'optuna', 'librosa'}"
    code = f"import sys, schedsearch; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_name_of_the_package_is_there_and_no_other():
    for name in schedsearch.__all__:
        assert getattr(schedsearch, name).__name__ == name
    assert dir(schedsearch) == sorted(schedsearch.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        schedsearch.nonsense


def test_a_search_from_python_writes_what_the_command_writes(toy, voice, memory):
    options = ["--budget", "3candidates", "--strategy", "random"]
    assert toy.search(*options, "--storage", "sqlite:///commands") == 0
    told: list[str] = []
    result = voice.search(
        budget="3candidates",
        strategy="random",
        **spectral(toy),
        tell=lambda progress: told.append(progress.stage),
    )
    mine, theirs = (facts_without_cost(folder) for folder in (result.folder, toy.folder))
    assert mine == theirs
    assert {path.name for path in files_below(result.folder)} == {path.name for path in files_below(toy.folder)}
    assert told[0] == "baselines" and "random" in told and told[-1] == "to hear: baseline"
    assert result.schedule == schedsearch.read_schedule(toy.folder / "schedule.json")


def test_a_search_from_python_draws_no_bars(toy, voice, memory, capfd):
    capfd.readouterr()
    voice.search(iterations=3, budget="2candidates", strategy="random", **spectral(toy))
    assert capfd.readouterr() == ("", "")


def test_metrics_may_stand_in_an_array(voice):
    assert list(voice.score(SIX, metrics=np.array(["spectral", "lsd"])).index) == ["spectral", "lsd"]


def test_audio_that_is_being_optimised_is_synthesised(voice, recwarn):
    audio = voice.held_out_clips[0].audio
    assert torch.equal(voice.synthesise(audio.clone().requires_grad_(), SIX), voice.synthesise(audio, SIX))
    assert not recwarn.list


def spectral(toy: Toy) -> dict:
    """PESQ, a part of the default objective, is not made for the toy's noise."""
    return {"objective": "spectral", "results": toy.root / "mine"}


def facts_without_cost(folder: Path) -> dict:
    facts = json.loads((folder / "run.json").read_text())
    return {name: value for name, value in facts.items() if "seconds" not in name}


def test_a_search_from_python_goes_on_where_it_was(toy, voice, memory):
    first = voice.search(iterations=3, budget="2candidates", strategy="random", **spectral(toy))
    more = voice.search(iterations=3, budget="4candidates", strategy="random", **spectral(toy))
    assert (first.facts["candidates"], more.facts["candidates"]) == (2, 4)


def test_a_score_on_held_out_clips_is_what_the_verdict_saw(toy, voice, memory):
    result = voice.search(budget="2candidates", strategy="random", **spectral(toy))
    shipped = result.verdict["winner" if result.improves else "baseline"]
    table = voice.score(result.schedule, metrics=["spectral", "level"])
    assert table.loc["spectral", "mean"] == pytest.approx(shipped["mean"], abs=1e-12)
    assert table.loc["spectral", "standard_error"] == pytest.approx(shipped["se"], abs=1e-12)
    assert list(table.index) == ["spectral", "level"]


def test_the_page_plays_what_the_verdict_has_scored_and_samples_nothing_again(toy, voice, memory, monkeypatch):
    monkeypatch.setattr(Evaluator, "audio", lambda *_: pytest.fail("sampled again"))
    result = voice.search(budget="2candidates", strategy="random", **spectral(toy))
    page = (result.folder / "report.html").read_text()
    played = sorted(path.name for path in (result.folder / "audio").rglob("*.flac"))
    assert played == ["baseline.flac", "baseline.flac", "searched.flac", "searched.flac"]
    assert page.count("data:audio/flac") >= len(played)


def test_a_score_on_search_clips_is_what_the_search_saw(toy, voice, memory):
    result = voice.search(budget="2candidates", strategy="random", **spectral(toy))
    row = result.trials.iloc[0]
    betas = np.array([float(beta) for beta in row["betas"].split()])
    table = voice.score(schedsearch.NoiseSchedule(betas), metrics=["spectral"], clips="search", draws=1)
    assert table.loc["spectral", "mean"] == pytest.approx(row["spectral_mean"], rel=1e-5)  # of %.6g
    assert table.loc["spectral", "clips"] == 3


def test_audio_a_clip_a_file_and_a_mel_give_the_same_synthesis(tmp_path, voice):
    clip = voice.held_out_clips[0]
    write_wav(tmp_path / f"{clip.name}.wav", clip.audio, 16000)
    again = read_audio(tmp_path / f"{clip.name}.wav", sample_rate=16000)
    of_clip = voice.synthesise(again, SIX)
    assert torch.equal(voice.synthesise(tmp_path / f"{clip.name}.wav", SIX), of_clip)
    of_audio = voice.synthesise(again.audio.numpy(), SIX)  # the noise is that of a clip without a name
    assert torch.equal(voice.synthesise(voice.vocoder.front_end(again.audio[None])[0], SIX), of_audio)
    assert of_clip.shape == of_audio.shape and not torch.equal(of_clip, of_audio)
    assert not torch.equal(voice.synthesise(again, SIX, seed=1), of_clip)


def test_audio_of_any_floats_and_memory_order_is_the_same_audio(voice):
    audio = voice.held_out_clips[0].audio
    expected = voice.synthesise(audio, SIX)
    backwards = audio.numpy()[::-1].copy()[::-1]
    assert backwards.strides[0] < 0
    for same in (backwards, audio.numpy().astype(">f4"), audio.double(), audio.numpy().astype(np.float64)):
        assert torch.equal(voice.synthesise(same, SIX), expected)


def test_synthesis_is_as_long_as_audio_that_is_no_whole_hops(voice):
    audio = voice.held_out_clips[0].audio[:5001]  # hop 64
    assert voice.synthesise(audio, SIX).shape == (5001,)


def test_a_synthesis_is_the_audio_that_was_scored(voice):
    clip = voice.search_clips[0]
    evaluator = Evaluator(voice.vocoder, [clip], [], NoiseBank(0))
    torch.testing.assert_close(voice.synthesise(clip, SIX), evaluator.audio(SIX, 0)[clip.name], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda voice: voice.score(SIX, clips="train"), "clips must be 'held_out', 'search' or a list"),
        (lambda voice: voice.score(SIX, draws=0), "draws must be a whole number from 1"),
        (lambda voice: voice.score(SIX, metrics=["mos"]), "a metric must be one of"),
        (lambda voice: voice.score(SIX, metrics="pesq"), "metrics must be a list of names, and is 'pesq'"),
        (lambda voice: voice.score(SIX, metrics=[]), r"metrics must be a list of names, and is \[\]"),
        (lambda voice: voice.score([0.1, 0.2]), "a schedule must be a NoiseSchedule, and is a list"),
        (lambda voice: voice.synthesise(None, SIX), "source must be a Clip, a path, audio or a mel"),
        (lambda voice: voice.score(SIX, metrics=5), "metrics must be a list of names, and is 5"),
        (lambda voice: voice.score(SIX, metrics=[["lsd"]]), "metrics must be a list of names"),
        (lambda voice: voice.synthesise(Clip("a", torch.full((8000,), 0.1), 8000), SIX),
         "clip a: 8000 Hz, the vocoder needs 16000 Hz; resample it"),
        (lambda voice: voice.synthesise(torch.zeros(0), SIX), "audio must hold a sample at least"),
        (lambda voice: voice.search(results=""), "results must be a path, and is ''"),
        (lambda voice: schedsearch.read_result(None), "a results folder must be a path, and is None"),  # type: ignore
        (lambda voice: voice.synthesise(torch.zeros(1, 0), SIX), "and a frame at least"),
        (lambda voice: voice.synthesise(torch.full((1, 9), np.nan), SIX), "a mel must be finite"),
        (lambda voice: schedsearch.open_voice("toy", 16000.5), "RATE must be a whole number"),  # type: ignore[arg-type]
        (lambda voice: schedsearch.open_voice("toy", True), "RATE must be a whole number"),
        (lambda voice: schedsearch.open_voice(None), "dataset must be text, and is None"),  # type: ignore[arg-type]
        (lambda voice: schedsearch.open_voice("toy", experiments=None),  # type: ignore[arg-type]
         "experiments must be a path"),
        (lambda voice: schedsearch.read_schedule([0.1]),  # type: ignore[arg-type]
         r"got \[0.1\]; betas: NoiseSchedule"),
        (lambda voice: voice.score(SIX, draws=True), "draws must be a whole number"),
        (lambda voice: voice.score(SIX, draws=1.5), "draws must be a whole number"),
        (lambda voice: voice.score(SIX, seed=-1), "seed must be a whole number from 0"),
        (lambda voice: voice.score(SIX, clips=[]), "clips must be 'held_out', 'search' or a list of Clips"),
        (lambda voice: voice.score(SIX, clips=["a"]), "clips must be 'held_out', 'search' or a list of Clips"),
        (lambda voice: voice.score(SIX, clips=None), "clips must be 'held_out', 'search' or a list of Clips"),
        (lambda voice: voice.score(SIX, clips=voice.held_out_clips[:1] * 2), "'held_out0' stands twice"),
        (lambda voice: voice.score(SIX, clips=[replace(voice.held_out_clips[0], sample_rate=8000)]),
         "8000 Hz, the vocoder needs 16000 Hz"),
        (lambda voice: voice.synthesise(np.ones(6400, np.int16), SIX), "floating-point numbers, and are int16"),
        (lambda voice: voice.synthesise(torch.ones(6400, dtype=torch.bool), SIX), "and are torch.bool"),
        (lambda voice: voice.synthesise(np.ones(6400) * 1j, SIX), "and are complex128"),
        (lambda voice: voice.synthesise(np.array(["a"]), SIX), "floating-point numbers, and are <U1"),
        (lambda voice: voice.synthesise(np.full(6400, 3e4), SIX), "its peak is 30000; scale it down"),
        (lambda voice: voice.synthesise(np.full(6400, np.nan), SIX), "finite"),
        (lambda voice: voice.synthesise(voice.held_out_clips[0], SIX, seed="a"), "seed must be"),
        (lambda voice: voice.search(seed=-1), "seed must be"),
        (lambda voice: voice.search(seed=1.5), "seed must be"),
        (lambda voice: voice.search(budget=80), "budget must be text, and is 80"),
        (lambda voice: voice.search(objective=["pesq"]), "objective must be text"),
        (lambda voice: voice.search(results=None), "results must be a path"),
        (lambda voice: voice.synthesise(torch.zeros(80, 10), SIX), r"a frame at least, and is \[80, 10\]"),
        (lambda voice: voice.synthesise("nowhere.wav", SIX), "no such file"),
        (lambda voice: voice.search(budget="soon"), "BUDGET must be"),
        (lambda voice: voice.search(iterations=0), "iterations must be"),
        (lambda voice: voice.search(iterations="six"), "iterations must be"),
        (lambda voice: schedsearch.open_voice("nobody", experiments=voice.voice.search_clips.parent), "known: toy"),
    ],
)
def test_what_is_wrong_is_one_line(voice, monkeypatch, tmp_path, ask, named):
    monkeypatch.chdir(tmp_path)
    before = files_below(tmp_path)
    with pytest.raises(schedsearch.InputError, match=named) as caught:
        ask(voice)
    assert files_below(tmp_path) == before
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [(None, "has no run.json"), ("{", "must be JSON"), ("[]", "no search's run.json"), ("{}", "no search's run.json")],
)
def test_a_folder_without_a_result_is_one_line(tmp_path, content, named):
    if content:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(schedsearch.InputError, match=named) as caught:
        schedsearch.read_result(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_result_says_what_it_was_searched_for(toy, voice, memory):
    result = voice.search(budget="2candidates", strategy="random", seed=3, **spectral(toy))
    written = json.loads((result.folder / "schedule.json").read_text())
    assert written["schema"] == 1
    facts = written["provenance"]
    assert facts == dict(result.facts)
    expected = {
        "dataset": "toy",
        "sample_rate": 16000,
        "hop_length": 64,
        "iterations": 6,
        "dialect": "analytic",
        "clipping": "none",
        "checkpoint_hash": "analytic",
        "seeds": {"search": 3, "held_out": 1_000_006},
        "objective": "spectral",
        "strategy": "random",
    }
    assert {name: facts[name] for name in expected} == expected
    assert facts["search_clips"]["count"] == 3 and facts["held_out_clips"]["count"] == 2
    assert len({facts["search_clips"]["hash"], facts["held_out_clips"]["hash"]}) == 2
    assert {"torch", "schedsearch", "pesq"} <= set(facts["versions"])
    scored = result.verdict
    assert scored["difference"].keys() == {"mean", "low", "high"}
    assert result.leaderboard["shipped"].sum() == 1


def test_a_fault_of_the_trial_store_in_a_search_from_python_is_one_line(voice, memory, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "add_baseline", full)
    with pytest.raises(schedsearch.InputError, match="the disk is full; make room"):
        voice.search(iterations=3, budget="2candidates", strategy="random", results=tmp_path)
