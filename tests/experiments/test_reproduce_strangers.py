"""A voice is searched as a stranger's: with the universal schedules to beat, from other speakers' winners alone."""

import json
import shutil
from functools import partialmethod
from pathlib import Path

import pytest
from conftest import Toy

from experiments.reproduce import strangers
from experiments.reproduce.transfer import SHIPPED
from schedsearch.api import OpenVoice
from schedsearch.report.result import Result, read_result
from schedsearch.schedules.files import Layout, read_schedule, write_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import universal_datasets
from schedsearch.voice.config import Voice, load_voice

OTHERS = log_snr_line(6, 9.0, -3.0)


@pytest.fixture
def voices(toy: Toy, monkeypatch: pytest.MonkeyPatch, memory: None) -> list[Voice]:
    """A voice of demo's speaker, another of that speaker and one of another, with a winner each."""
    monkeypatch.chdir(toy.root)
    quick = partialmethod(OpenVoice.search, budget="3candidates", objective="spectral")  # its clips are noise
    monkeypatch.setattr(strangers, "OpenVoice", type("Quick", (OpenVoice,), {"search": quick}))
    table = (toy.root / "toy.toml").read_text()
    winners = {"toy": log_snr_line(6, 8.0, -3.0), "sister": log_snr_line(6, 7.0, -3.0), "other": OTHERS}
    for name, winner in winners.items():
        speaker = "other" if name == "other" else "demo"
        (toy.root / f"{name}.toml").write_text(f'speaker = "{speaker}"\n{table}')
        path = SHIPPED / name / "16000hz" / "6iters" / "schedule.json"
        path.parent.mkdir(parents=True)
        write_schedule(winner, path, layout=Layout.JSON)
    return [load_voice(name, experiments=toy.root) for name in winners]


def searched(voices: list[Voice], results: Path) -> Result:
    strangers.search_as_stranger(voices[0], 6, results, voices)
    return read_result(results / "toy-as-new" / "16000hz" / "6iters")


def test_it_has_the_universal_schedule_to_beat_and_begins_from_other_speakers_winners(voices, tmp_path):
    assert "demo" in universal_datasets("universal-6")  # so that a search of the voice itself leaves it out
    result = searched(voices, tmp_path)
    assert "universal-6" in set(result.leaderboard["name"])
    [start] = result.trials.query("kind == 'warm start'")["betas"]
    assert [float(beta) for beta in start.split()] == pytest.approx(OTHERS.betas.tolist())


def test_a_second_call_scores_nothing(voices, toy, tmp_path):
    searched(voices, tmp_path)
    calls = len(toy.vocoder.rows)
    strangers.search_as_stranger(voices[0], 6, tmp_path, voices)
    heard = len(toy.vocoder.rows) - calls
    assert heard < calls / 10  # the page's audio alone


def test_the_page_has_the_verdict_of_each_search(voices, tmp_path):
    result = searched(voices, tmp_path / "toy")
    copied = shutil.copytree(result.folder, tmp_path / "twin" / "twin-as-new" / "16000hz" / "6iters") / "run.json"
    facts = json.loads(copied.read_text()) | {"dataset": "twin-as-new", "improves_on_baseline": False}
    for row in facts["held_out"]:  # as where a clip failed
        row["difference"] = None
        row["baseline"]["mean"] = None
    copied.write_text(json.dumps(facts))
    shutil.copytree(result.folder, tmp_path / "toy" / "16000hz" / "6iters")
    strangers.write_strangers([tmp_path / "toy", tmp_path / "twin"], tmp_path / strangers.TABLE)
    assert read_schedule(tmp_path / "strangers" / "toy-16000hz-6.json") == result.schedule
    page = (tmp_path / "strangers.md").read_text().splitlines()
    cells, failed = ([cell.strip() for cell in line.strip("|").split("|")] for line in page[-2:])
    mean, low, high = (result.verdict["difference"][key] for key in ("mean", "low", "high"))
    rival = result.facts["baseline"]
    assert cells[:3] == ["toy/16000hz", "6", rival]
    score = result.verdict["baseline"]["mean"]
    assert cells[3] == f"{score:.3f}"
    assert cells[4].startswith(f"{mean:+.3f}".replace("-", "−"))
    assert cells[4].endswith(" *") == (not low <= 0 <= high)  # the failed one is not counted among the rows
    assert float(cells[5].removesuffix(" %").replace("−", "-")) == pytest.approx(100 * mean / score, abs=0.051)
    own = result.verdict["winner"]["mean"]  # whatever its search shipped
    assert cells[-3:] == ["searched" if result.improves else rival, "3", f"{own:.3f}"]
    assert failed[:5] == ["twin/16000hz", "6", rival, "", "too few clips"]
    assert failed[-3:] == [rival, "3", ""]
