"""report.html: what stands on it, that it is safe and small, and that it asks no network."""

import base64
import io
import json
import re
import shlex
import shutil
import zlib
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
import soundfile
import torch
from conftest import files_below

from schedsearch.cli import main
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.report.page import document
from schedsearch.report.page.content import (
    SVG,
    Cell,
    Column,
    Listening,
    ListeningRow,
    Page,
    Picture,
    Player,
    Table,
)
from schedsearch.report.page.dataset_page import dataset_page, lengths
from schedsearch.report.page.document import html, write_page, write_small_page
from schedsearch.report.page.players import LONGEST, LOUDEST, listening, matched
from schedsearch.report.rendering import Heard, Renderer
from vocoder.errors import InputError

HOSTILE = '<script>alert("1")</script>\'"><img src=x onerror=alert(1)> & </script> {{ 7 * 7 }}'


class Reader(HTMLParser):
    """Tags with their attributes, and the text, in the order of the document."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def tone(amplitude, seconds=0.5, rate=16000, pitch=440.0):
    return amplitude * torch.sin(2 * torch.pi * pitch * torch.arange(round(seconds * rate)) / rate)


def rms(audio):
    return float(audio.square().mean().sqrt())


def all_matched(reference, systems) -> Any:
    """None of which failed."""
    return matched(reference, systems)


def named(name):
    """A page with `name` wherever a name can stand."""
    table = Table("t", name, (Column(name, name), Column(name, numeric=False)),
                  ((Cell(name, 1.0, link=name), Cell(name, mark="better")),))  # fmt: skip
    row = ListeningRow(name, 1.0, (Player(name), Player(name)))
    return Page(
        title=name,
        verdicts=(("", name, True),),
        context=(name,),
        baseline=name,
        tables=(table,),
        pictures=(Picture(name, name, b"png"),),
        listening=Listening((name, name), (row,), (name,)),
        provenance=((name, name),),
        files=(name,),
    )


# --- the document -------------------------------------------------------------------------------------------


def test_the_verdict_is_the_first_thing_on_the_page():
    read = Reader(html(Page("title", (("", "It ships.", True),), ("context",))).decode().partition("<body>")[2])
    assert read.texts[0] == "It ships."
    assert [tag for tag, _ in read.tags if tag != "main"][:2] == ["header", "h1"]


def test_hostile_names_are_text_and_nothing_else():
    hostile = html(named(HOSTILE)).decode()
    tags = [[tag for tag, _ in Reader(html(named(name)).decode()).tags] for name in (HOSTILE, "name")]
    assert tags[0] == tags[1]
    assert "{{ 7 * 7 }}" in hostile  # no template is made of it
    assert hostile.count("<script>") == 1
    assert not [a for _, attributes in Reader(hostile).tags for a in attributes if a.startswith("on")]


def test_a_hostile_link_stays_relative():
    links = [a["href"] for tag, a in Reader(html(named(HOSTILE)).decode()).tags if tag == "a"]
    assert links
    assert not [link for link in links if re.match(r"[a-z]+:|/", link)]


def test_nothing_on_the_page_is_fetched():
    for _, attributes in Reader(html(named(HOSTILE)).decode()).tags:
        for name in ("src", "href"):
            address = attributes.get(name) or "data:"
            assert address.startswith(("data:", "%3C"))  # HOSTILE begins with "<"


def test_the_policy_lets_nothing_run_but_the_pages_own_style_and_script():
    text = html(named(HOSTILE)).decode()
    policy = next(a["content"] for tag, a in Reader(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not [a for _, a in Reader(text).tags if "style" in a]


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_stands_out_from_what_is_behind_it(scheme):
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    css = files("schedsearch.report.page").joinpath("style.css").read_text()
    start = {"light": 0, "dark": css.index("@media (prefers-color-scheme"), "print": css.index("@media print")}
    light, chosen = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css[at:].partition("}")[0]))
                     for at in (0, start[scheme]))  # fmt: skip
    colours = light | chosen
    pairs = [(text, behind) for text in ("ink", "quiet", "good", "bad", "open")
             for behind in ("paper", "card", "stripe")]  # fmt: skip
    if scheme != "print":
        pairs += [("accent", behind) for behind in ("card", "paper", "wash")]
        pairs += [("ink", "wash"), ("accent-ink", "accent")]
    low = {pair for pair in pairs if contrast(*(colours[name] for name in pair)) < 4.5}
    assert low == set()


def contrast(one, other):
    """WCAG's ratio of relative luminances."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_contrast_is_wcag_s():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the usual example of just too little


def test_a_page_past_its_limit_is_refused_and_not_written(tmp_path):
    pictures = (Picture("c", "a", bytes(document.MOST_BYTES)),)
    with pytest.raises(InputError, match="must stay below 15 MB"):
        write_page(Page("t", (), (), pictures=pictures), tmp_path / "report.html")
    assert files_below(tmp_path) == {}


def test_a_small_page_has_no_audio_and_the_pictures_that_fit(tmp_path):
    pictures = tuple(Picture(f"figure {i}", "an alt", bytes(250_000)) for i in range(5))
    heard = Listening(("reference",), (ListeningRow("clip", 1.0, (Player("+0.0 dB", "data:audio/flac;base64,AA"),)),))
    write_small_page(Page("t", (), (), pictures=pictures, listening=heard), tmp_path / "report.small.html")
    content = (tmp_path / "report.small.html").read_bytes()
    assert len(content) < 1_000_000
    assert b"<audio" not in content
    assert content.count(b"<figure>") == 2  # of 333 kB each, as base64
    assert b"3 pictures are left out" in content
    write_small_page(Page("t", (), (), pictures=pictures[:3]), tmp_path / "report.small.html")
    assert b"1 picture is left out" in (tmp_path / "report.small.html").read_bytes()


# --- audio --------------------------------------------------------------------------------------------------


def test_every_system_is_brought_to_the_level_of_the_reference():
    reference = tone(0.2)
    found = all_matched(reference, [reference, tone(0.05, pitch=300), 3 * tone(0.2)])
    assert [rms(m.audio) for m in found] == pytest.approx([rms(reference)] * 3, rel=1e-4)
    assert [m.gain for m in found] == pytest.approx([0, 12.04, -9.54], abs=0.01)  # 20 log10 of 1, 4 and 1/3


def test_where_a_peak_would_clip_all_are_turned_down_alike():
    reference = tone(0.9)
    peaky = torch.zeros(8000)
    peaky[::200], peaky[100::200] = 0.5, -0.5  # without an offset, which counts as no level
    one, other = all_matched(reference, [reference, peaky])
    assert float(other.audio.abs().max()) == pytest.approx(LOUDEST, rel=1e-5)
    assert rms(one.audio) == pytest.approx(rms(other.audio), rel=1e-4)
    assert one.gain < 0
    assert rms(one.audio) / rms(reference) == pytest.approx(10 ** (one.gain / 20), rel=1e-4)


@pytest.mark.parametrize("faint", [torch.zeros(8000), 1e-5 * tone(0.5)])
def test_silence_is_not_blown_up(faint):
    _, found = all_matched(tone(0.5), [tone(0.5), faint])
    assert found.gain is None
    assert torch.equal(found.audio, faint)


def test_a_gain_of_next_to_nothing_has_no_minus_sign():
    quieter = 1.001 * tone(0.1)  # -0.009 dB
    found = listening(["clip"], [Heard("reference", (tone(0.1),)), Heard("searched", (quieter,))], 16000)
    assert [player.note for player in found.rows[0].players] == ["+0.0 dB", "+0.0 dB"]


def test_what_failed_has_no_player_and_says_so():
    found = listening(["clip"], [Heard("reference", (tone(0.1),)), Heard("broken", (None,))], 16000)
    [row] = found.rows
    assert row.players[0].uri.startswith("data:audio/flac;base64,")
    assert row.players[1].uri == ""
    assert "NaN" in row.players[1].note


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100])
def test_a_player_holds_the_audio_itself(rate):
    audio = tone(0.25, 0.7, rate)
    found = listening(["clip"], [Heard("reference", (audio,))], rate)
    content = base64.b64decode(found.rows[0].players[0].uri.partition(",")[2])
    samples, read = soundfile.read(io.BytesIO(content), dtype="float32")
    assert read == rate
    np.testing.assert_allclose(samples, audio, atol=2**-15)
    assert found.rows[0].seconds == pytest.approx(0.7)


def test_long_clips_are_played_in_part_and_the_page_says_so():
    found = listening(["clip", "long"], [Heard("reference", (tone(0.1, 0.5), tone(0.1, 9.0)))], 16000)
    assert found.rows[1].seconds == LONGEST
    assert found.notes == ("Only the first 6 s of a clip are played; its score counts more of it.",)
    assert found.notes[0] in html(Page("t", (), (), listening=found)).decode()


def test_nothing_is_said_of_length_where_all_clips_are_played_whole():
    assert listening(["clip"], [Heard("reference", (tone(0.1, LONGEST),))], 16000).notes == ()


def test_clips_are_left_out_before_the_page_grows_too_large():
    noise = 0.3 * torch.randn(6 * 44100, generator=torch.Generator().manual_seed(0))
    heard = [Heard(name, (noise,) * 8) for name in ("reference", "searched", "baseline", "long")]
    found = listening([f"clip {i}" for i in range(8)], heard, 44100)
    sizes = [sum(len(player.uri) for player in row.players) for row in found.rows]
    assert 0 < sum(sizes) <= 11_000_000 < sum(sizes) + sizes[0]
    assert found.notes == (f"{8 - len(found.rows)} more clips are left out to keep the page small.",)
    one_less = [Heard(each.label, each.audio[: len(found.rows) + 1]) for each in heard]
    notes = listening([f"clip {i}" for i in range(len(found.rows) + 1)], one_less, 44100).notes
    assert notes == ("1 more clip is left out to keep the page small.",)


# --- the page of a run --------------------------------------------------------------------------------------


def report(toy, *options):
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    return main(["report", "--dataset", "toy", *places, *options])


def test_the_page_is_of_the_search_that_wrote_the_results_whatever_the_precision_of_the_first(toy):
    assert toy.search("--precision", "float32", "--budget", "2candidates") == 0
    assert toy.search("--precision", "bfloat16", "--budget", "5candidates") == 0
    (toy.folder / "report.html").unlink()
    assert report(toy, "--iters", "6", "--long-seconds", "0") == 0
    page = (toy.folder / "report.html").read_text()
    assert "trial 4" in page  # of five candidates; the first search had two


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Results of the search below: it is run once, and each test gets a copy."""
    return tmp_path_factory.mktemp("kept") / "results"


@pytest.fixture
def searched(toy, kept):
    if not kept.exists():
        assert toy.search("--budget", "5candidates", "--strategy", "tpe") == 0
        shutil.copytree(toy.root / "results", kept)
    shutil.copytree(kept, toy.root / "results", dirs_exist_ok=True)
    toy.vocoder.rows.clear()
    return toy


def refused(toy, capsys, *options):
    """The one line of a report that is refused; asserts that it wrote nothing."""
    before = files_below(toy.root)
    capsys.readouterr()
    assert report(toy, *options) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert files_below(toy.root) == before
    return line


def test_a_search_writes_a_page_that_begins_with_its_verdict(searched, capsys):
    (searched.folder / "report.html").unlink()
    capsys.readouterr()
    assert searched.search() == 0
    said = capsys.readouterr().out
    page = Reader((searched.folder / "report.html").read_text())
    sentence = page.texts[page.texts.index("toy, 16000 Hz, 6 steps: schedsearch") + 2]  # after the style sheet
    assert sentence in said
    assert "searched-6" in sentence
    assert page.texts.count(sentence) == 1


def test_a_page_holds_what_the_tables_beside_it_hold(searched):
    text = (searched.folder / "report.html").read_text()
    told = json.loads((searched.folder / "run.json").read_text())
    for comparison in told["held_out"]:
        for side in ("winner", "baseline"):
            if comparison[side]["mean"] is not None:
                shown = f"{comparison[side]['mean']:.4f}".replace("-", "−")
                assert shown in text
    for name in (c.name for c in searched.store().baselines()):
        assert f"<td>{name}</td>" in text
    for value in told["identity"].values():
        assert str(value)[:40] in text.replace("&#39;", "'")
    assert text.count("<audio controls") == 3 * 2  # three systems, two clips; without a script too


def test_a_report_makes_the_same_page_again_and_runs_no_network(searched, capsys):
    before, spent = files_below(searched.folder), sum(searched.vocoder.rows)
    (searched.folder / "report.html").unlink()
    capsys.readouterr()
    assert report(searched, "--iters", "6", "--long-seconds", "0") == 0
    assert capsys.readouterr().out.startswith(str(searched.folder / "report.html"))
    assert sum(searched.vocoder.rows) == spent
    written = {path for path, content in files_below(searched.folder).items() if content != before.get(path)}
    assert {path.name for path in written} <= {"study.db"}


def test_a_report_adds_a_long_synthesis_that_later_pages_keep(searched, monkeypatch):
    monkeypatch.setattr(Renderer, "seconds_a_step", lambda self: 1.0)
    assert report(searched, "--iters", "6", "--long-seconds", "60") == 0
    assert "training schedule in 50 instead of 1000 steps" in (searched.folder / "report.html").read_text()
    spent = sum(searched.vocoder.rows)
    assert searched.search() == 0
    assert "in 50 instead of 1000 steps" in (searched.folder / "report.html").read_text()
    assert report(searched, "--iters", "6", "--long-seconds", "0") == 0  # and leave out where they are told to
    assert "instead of 1000 steps" not in (searched.folder / "report.html").read_text()
    assert sum(searched.vocoder.rows) == spent


def test_fewer_clips_can_be_asked_for(searched):
    assert report(searched, "--iters", "6", "--long-seconds", "0", "--clips", "1") == 0
    assert (searched.folder / "report.html").read_text().count("<audio") == 3
    assert report(searched, "--iters", "6", "--clips", "0") == 0
    assert "Listening" not in Reader((searched.folder / "report.html").read_text()).texts


def test_a_drawing_with_hostile_names_is_read_back_from_its_address():
    drawing = '<svg a="&#39;é#%20">\n\'&\'</svg>'.encode()
    picture = Picture("c", "a", drawing, SVG)
    kind, _, packed = picture.uri.partition(",")
    assert kind == "data:image/svg+xml"
    assert unquote_to_bytes(packed) == drawing
    assert not set(packed) & set('"<>&#\n')


def test_a_small_report_stands_beside_the_other(searched):
    assert report(searched, "--iters", "6", "--small=0", "--long-seconds", "0") == 0
    assert not (searched.folder / "report.small.html").exists()
    assert report(searched, "--iters", "6", "--small") == 0
    small = (searched.folder / "report.small.html").read_text()
    assert "<audio" not in small
    assert small.count("<img") == small.count('src="data:image/svg+xml,') == 3
    again = (searched.folder / "report.small.html").read_bytes()
    assert report(searched, "--iters", "6", "--small") == 0
    assert (searched.folder / "report.small.html").read_bytes() == again
    assert len(zlib.compress(again)) < 40_000  # it is committed
    assert (searched.folder / "report.html").read_text().count("<audio") == 6


def test_several_objectives_are_found_again(toy):
    assert toy.search("--budget", "5candidates", "--strategy", "tpe", "--objective", "log_mel_l1,lsd") == 0
    first = (toy.folder / "report.html").read_bytes()
    assert report(toy, "--iters", "6", "--long-seconds", "0") == 0
    assert (toy.folder / "report.html").read_bytes() == first


@pytest.mark.parametrize("first", [True, False])
def test_distill_mos_may_come_and_go_between_a_search_and_its_report(toy, monkeypatch, first):
    monkeypatch.setattr("schedsearch.metrics.mos.distill_mos", lambda estimate, rate: 3.0)
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: first)
    assert toy.search("--budget", "3candidates") == 0
    assert ("distill_mos" in (toy.folder / "run.json").read_text()) is first
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: not first)
    assert report(toy, "--iters", "6", "--long-seconds", "0") == 0
    assert "distill_mos" not in (toy.folder / "report.html").read_text()
    toy.vocoder.rows.clear()
    assert toy.search("--budget", "3candidates") == 0
    assert bool(toy.vocoder.rows) is not first  # it is asked as soon as it is there


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--iters", "7"], "a report needs a finished search, and "),
        (["--iters", "7", "--rate", "16000"], "schedsearch search --iters 7 --dataset toy --rate 16000 --experiments "),
        (["--iters", "six"], "ITERS must be a whole number"),
        (["--long-seconds", "soon"], "LONG_SECONDS must be a positive number or 0"),
        (["--long-seconds", "-1"], "LONG_SECONDS must be a positive number or 0"),
        (["--small=no"], "SMALL must be 1 or 0, and is 'no'"),
        (["--clips", "-1"], "--clips must be a whole number"),
        (["--rate", "8000"], "has no voice at 8000 Hz"),
        (["--results", "/nowhere"], "a report needs a finished search"),
        (["--clips", "3"], "--clips, LONG_SECONDS, OBJECTIVE and STORAGE are of one search's page; give its ITERS="),
        (["--objective", "lsd"], "are of one search's page"),
    ],
)
def test_a_bad_option_is_one_line(toy, capsys, options, named):
    assert named in refused(toy, capsys, *options)


def test_a_stopped_search_has_no_report(searched, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", interrupted)
        assert searched.search("--more", "5candidates") == 130
    told = refused(searched, capsys, "--iters", "6")
    assert "that of 6 iterations was stopped; run .venv/bin/schedsearch search --iters 6 --dataset toy" in told


@pytest.mark.parametrize("strategy", [["tpe"], ["grid", "--grid", "levels:2"]])
def test_the_command_that_is_named_goes_on_with_the_stopped_search(toy, capsys, monkeypatch, strategy):
    """Not with one by the usual objective, seed, strategy and grid."""
    unusual = ("--objective", "lsd", "--seed", "3", "--no-race", "--precision", "float32", "--strategy", *strategy)
    assert toy.search(*unusual, "--budget", "2candidates") == 0
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", interrupted)
        assert toy.search(*unusual, "--more", "1candidates") == 130
    typed = shlex.split(refused(toy, capsys, "--iters", "6").partition("; run ")[2].removesuffix(" to its end"))
    assert set(strategy) <= set(typed)
    assert main(typed[1:]) == 0
    assert "a new study begins" not in capsys.readouterr().out
    assert report(toy, "--iters", "6") == 0


def test_a_page_made_again_says_that_the_grid_was_scored_whole(toy):
    assert toy.search("--strategy", "grid", "--grid", "levels:2", "--iters", "2") == 0
    page = toy.folder.with_name("2iters") / "report.html"
    assert "Every point of the grid levels:2 was scored." in page.read_text()
    page.unlink()
    assert report(toy, "--iters", "2") == 0
    assert "Every point of the grid levels:2 was scored." in page.read_text()


def test_results_whose_study_lies_elsewhere_ask_for_it(toy, capsys):
    storage = f"sqlite:///{toy.root}"
    assert toy.search("--budget", "2candidates", "--storage", f"{storage}/mine.db") == 0
    told = refused(toy, capsys, "--iters", "6")
    assert "has no study.db; give that search's STORAGE=, or put study.db back" in told
    assert report(toy, "--iters", "6", "--long-seconds", "0", "--storage", f"{storage}/mine.db") == 0
    assert "there is no file sqlite" in refused(toy, capsys, "--iters", "6", "--storage", f"{storage}/none.db")
    assert not (toy.root / "none.db").exists()


def interrupted(*_, **__):
    raise KeyboardInterrupt


def test_another_checkpoint_has_no_report_and_leaves_the_store_alone(searched, capsys, monkeypatch):
    object.__setattr__(searched.vocoder, "weights_hash", "another")
    line = refused(searched, capsys, "--iters", "6")
    assert "it was searched with another checkpoint; search again with the same options" in line


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"identity": {"objective": "log_mel_l1", "seed": null}}'])
@pytest.mark.parametrize("options", [("--iters", "6"), ()])
def test_a_run_json_that_no_search_wrote_is_one_line(toy, capsys, content, options):
    toy.folder.mkdir(parents=True)
    (toy.folder / "study.db").touch()
    (toy.folder / "run.json").write_text(content)
    assert "run.json must be what a search wrote" in refused(toy, capsys, *options)


# --- the page of a dataset ----------------------------------------------------------------------------------


def told(iterations, mean, *, improves=True, checkpoint="c0ffee"):
    """As schedsearch.report.tables.provenance writes it."""
    score = {"mean": 1.2, "se": 0.1, "clips": 24, "draws": 1, "failures": 0}
    difference = None if mean is None else {"mean": mean, "low": mean - 0.05, "high": mean + 0.05}
    main_ = {"metric": "lsd", "winner": score, "baseline": score, "difference": difference, "better": improves}
    return {
        "name": f"trial {iterations}",
        "baseline": "fastdiff-6",
        "objective": "lsd",
        "improves_on_baseline": improves,
        "held_out": [main_],
        "candidates": 40,
        "search_network_evaluations": 1234,
        "identity": {"checkpoint": checkpoint, "seed": 0, "iterations": iterations},
    }


@pytest.fixture
def dataset(tmp_path):
    runs = {12: told(12, 0.01, improves=False), 6: told(6, -0.2), 100: told(100, None, improves=False)}
    for iterations, content in runs.items():
        folder = tmp_path / f"{iterations}iters"
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(content))
    (tmp_path / "6iters" / "report.html").write_text("a page")
    return tmp_path


def test_a_dataset_has_one_sentence_and_one_row_a_length(dataset):
    page = dataset_page("title", lengths(dataset))
    assert [heading for heading, _, _ in page.verdicts] == ["6 steps", "12 steps", "100 steps"]
    assert page.verdicts[0][1].startswith("searched-6 is better than fastdiff-6 and ships. On ")
    assert " Difference -0.2000, 95 % interval -0.2500 to -0.1500 (lower is better), " in page.verdicts[0][1]
    assert page.verdicts[1][1].startswith("fastdiff-6 ships: searched-12 is not told apart from it. On ")
    assert page.verdicts[2][1].startswith("No verdict: log-spectral distance (lsd) has values of both schedules on ")
    assert page.context == ("Of 3 lengths, 1 has a searched schedule that is better than its best baseline, at 95 %.",)
    assert [row[6].value for row in page.tables[0].rows] == [-0.2, 0.01, None]
    assert [row[8].text for row in page.tables[0].rows] == ["better", "not told apart", "not comparable"]


def test_a_dataset_links_the_pages_that_there_are(dataset):
    read = Reader(html(dataset_page("title", lengths(dataset))).decode())
    assert [a["href"] for tag, a in read.tags if tag == "a"] == ["6iters/report.html"]


def test_lengths_of_two_checkpoints_are_not_compared_silently(dataset):
    (dataset / "6iters" / "run.json").write_text(json.dumps(told(6, -0.2, checkpoint="beef")))
    assert "same checkpoint" in " ".join(dataset_page("title", lengths(dataset)).context)


def test_a_dataset_without_a_finished_search_is_one_line(tmp_path):
    (tmp_path / "6iters").mkdir()
    with pytest.raises(InputError, match="needs a finished search"):
        lengths(tmp_path)


def test_a_report_without_iters_is_the_dataset_s(searched, capsys):
    capsys.readouterr()
    assert report(searched) == 0
    path = searched.folder.parent / "report.html"
    assert capsys.readouterr().out.startswith(str(path))
    read = Reader(path.read_text())
    assert "6iters/report.html" in [a["href"] for tag, a in read.tags if tag == "a"]
    assert report(searched, "--small") == 0
    assert path.with_name("report.small.html").is_file()


def test_quality_against_iterations_is_drawn_from_what_stands_whoever_searched(toy, memory):
    for length in ("3", "6"):
        assert toy.search("--iters", length, "--budget", "2candidates", "--strategy", "tpe") == 0
    assert not (toy.folder.parent / "pictures").exists()
    assert report(toy) == 0
    read = Reader((toy.folder.parent / "report.html").read_text())
    assert "Quality against the number of steps, of the lengths that can be compared." in read.texts
    assert "Speed is not on this page: make compare measures it." in read.texts


def on_dataset_page(toy):
    """Its lines about speed, and whether the picture of it is there."""
    assert report(toy) == 0
    texts = Reader((toy.folder.parent / "report.html").read_text()).texts
    return [t for t in texts if t.startswith("Speed")], any(t.startswith("Quality against speed") for t in texts)


def test_quality_against_speed_comes_from_the_comparison_while_that_fits(searched, monkeypatch):
    places = ["--experiments", str(searched.root), "--results", str(searched.root / "results")]
    assert main(["compare", "--dataset", "toy", "--objective", "spectral", *places, "--metrics", "lsd"]) == 0
    assert on_dataset_page(searched) == ([], True)
    table = searched.folder.parent / "comparison.csv"
    assert "Quality against the number of steps" not in table.with_name("report.html").read_text()  # one length alone
    right = table.read_text()
    table.write_text(right.replace("analytic", "another"))
    assert on_dataset_page(searched)[0][0].startswith("Speed is not on this page: comparison.csv is of another check")
    table.write_text("\n".join(line for line in right.splitlines() if ",searched," not in line))
    [line], there = on_dataset_page(searched)
    assert line.startswith("Speed is not on this page: comparison.csv lacks a schedule that a search ships")
    assert not there


def test_lengths_searched_for_unlike_objectives_meet_in_the_comparison(toy, memory):
    for length, objective in (("3", "lsd"), ("6", "spectral")):
        asked = ("--iters", length, "--objective", objective)
        assert toy.search(*asked, "--budget", "2candidates", "--strategy", "tpe") == 0
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    assert main(["compare", "--dataset", "toy", "--objective", "spectral", *places, "--metrics", "lsd"]) == 0
    assert on_dataset_page(toy) == ([], True)
    texts = Reader((toy.folder.parent / "report.html").read_text()).texts
    assert [t.partition(" from ")[2][:14] for t in texts if t.startswith("Quality against the")] == ["comparison.csv"]
