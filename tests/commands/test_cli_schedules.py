"""verify, convert, show and synth: what they say is true, and bad input is one line and leaves nothing behind."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import BrokenVocoder, Toy, files_below

from schedsearch.cli import main
from schedsearch.commands import synth as synth_command
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.files import Layout, read_provenance, read_schedule, write_schedule
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule

GOLDEN = Path(__file__).parents[1] / "golden"
SIX = published("ivanvovk-6")
LINE = log_snr_line(6, 10.0, -4.0)


def told(capsys: pytest.CaptureFixture, *arguments: object) -> str:
    """What a command that ends well prints."""
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert (status, captured.err) == (0, "")
    return captured.out


def refused(capsys: pytest.CaptureFixture, folder: Path, *arguments: object) -> str:
    """The only line on standard error of a command that ends badly and writes nothing."""
    before = files_below(folder)
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert files_below(folder) == before
    return captured.err


def rows(text: str) -> dict[str, str]:
    """The named lines below a file's first one."""
    return dict(re.findall(r"^  (\S.*?)  +(.*)$", text, re.MULTILINE))


def published_1000() -> torch.Tensor:
    """As the published 1000iters.pt: its 19th beta is negative."""
    betas = np.linspace(1e-6, 1e-2, 1000, dtype=np.float32)
    betas[18] = -1.433164698028122e-07
    return torch.from_numpy(betas)


# --- verify ---------------------------------------------------------------------------------------


def test_verify_says_what_the_schedule_itself_says(tmp_path, capsys):
    write_schedule(LINE, tmp_path / "s.json")
    text = told(capsys, "verify", tmp_path / "s.json")
    assert text.startswith(f"{tmp_path / 's.json'}: legal\n")
    found = rows(text)
    assert found["steps"] == "6"
    assert float(found["sigma_1"].split(",")[0]) == pytest.approx(LINE.residual_noise, rel=1e-5)
    assert float(found["terminal level"]) == pytest.approx(LINE.terminal_level, rel=1e-5)
    assert found["log-SNR"] == "10.00 to -4.00"
    assert found["betas"] == "rise or stay"
    assert found["trained range"] == "inside log-SNR 13.82 to -5.01 of linear(1e-6, 0.01, 1000)"
    assert found["read as it is by"] == "none"
    assert found["after convert by"] == "ivanvovk, lmnt, coqui"
    assert "final gain" not in found


@pytest.mark.parametrize(("layout", "name"), [("ivanvovk", "s.pt"), ("lmnt", "s.npy"), ("coqui", "s.npy")])
def test_verify_names_who_reads_each_file_as_it_is(tmp_path, capsys, layout, name):
    write_schedule(LINE, tmp_path / name, layout=Layout(layout))
    assert rows(told(capsys, "verify", tmp_path / name))["read as it is by"] == layout


def test_verify_of_a_list_of_tensors_says_that_nobody_reads_it_before_convert(tmp_path, capsys):
    torch.save([torch.tensor(beta, dtype=torch.float32) for beta in SIX.betas], tmp_path / "6iters.pt")
    found = rows(told(capsys, "verify", tmp_path / "6iters.pt"))
    assert (found["content"], found["read as it is by"]) == ("a list of tensors", "none")


def test_verify_tells_of_betas_that_fall(tmp_path, capsys):
    write_schedule(NoiseSchedule(np.array([1e-4, 1e-2, 5e-3])), tmp_path / "s.csv")
    assert rows(told(capsys, "verify", tmp_path / "s.csv"))["betas"].startswith("not monotone: they fall at step 2")


def test_verify_reports_the_final_gain_where_float32_changes_the_level(tmp_path, capsys):
    gains = {1e-4: None, 1.1e-6: 1.1e-6 / (18 * 2**-24)}
    gains |= {9.99999997e-7: 1e-6 / (17 * 2**-24), 5e-7: 5e-7 / (8 * 2**-24), 1e-8: np.inf}
    for first, gain in gains.items():
        write_schedule(NoiseSchedule(np.array([first, 0.1])), tmp_path / "s.npy")
        found = rows(told(capsys, "verify", tmp_path / "s.npy")).get("final gain")
        # beta_0 / (1 - float32(1 - beta_0)), whose denominator is a whole number of 2**-24
        assert (found is None) == (gain is None)
        assert gain is None or float(str(found).split()[0]) == pytest.approx(gain, rel=1e-3)


def test_verify_tells_that_float32_would_make_a_beta_illegal(tmp_path, capsys):
    write_schedule(NoiseSchedule(np.array([1e-4, 1 - 1e-9])), tmp_path / "s.npy")
    found = rows(told(capsys, "verify", tmp_path / "s.npy"))["after convert by"]
    assert found == "lmnt, coqui; float32 would make a beta 0 or 1"


def test_verify_tells_whose_arithmetic_a_schedule_is_too_much_for(tmp_path, capsys):
    (tmp_path / "s.json").write_text("[1e-17, 0.5]")
    found = rows(told(capsys, "verify", tmp_path / "s.json"))
    assert found["final gain"].startswith("inf")
    assert found["after convert by"].startswith("none; in the arithmetic of ivanvovk, lmnt, coqui")


def test_a_schedule_that_gives_no_finite_audio_is_refused(toy, capsys, monkeypatch):
    monkeypatch.setattr(synth_command, "open_vocoder", lambda voice: BrokenVocoder())
    write_schedule(LINE, toy.root / "s.json")
    line = ["--schedule", toy.root / "s.json", "--wav", toy.root / "held_out" / "held_out0.wav"]
    words = ["synth", "--dataset", "toy", "--experiments", toy.root, *line, "--out", toy.root / "o.npy"]
    assert "finite audio, and this one of 6 steps" in refused(capsys, toy.root, *words)


def test_a_schedule_pickle_that_wants_code_says_what_it_asks_for(tmp_path, capsys):
    class Evil:
        def __reduce__(self):
            return (print, ("evil",))

    torch.save(Evil(), tmp_path / "s.pt")
    assert main(["verify", str(tmp_path / "s.pt")]) == 2
    captured = capsys.readouterr()
    assert re.search(r"asks for (builtins\.)?print: it wants to run code", captured.out)  # in the words of torch
    assert len(captured.err.splitlines()) == 1


def test_verify_names_the_steps_outside_the_trained_range(tmp_path, capsys):
    write_schedule(log_snr_line(6, 16.0, -6.5), tmp_path / "s.npy")
    found = rows(told(capsys, "verify", tmp_path / "s.npy"))["trained range"]
    assert found == "outside log-SNR 13.82 to -5.01 of linear(1e-6, 0.01, 1000): steps 0, 5"


def test_the_training_schedule_itself_is_inside_the_range_it_trains(tmp_path, capsys):
    write_schedule(linear(1000, 1e-6, 1e-2), tmp_path / "s.pt")  # of float32
    assert rows(told(capsys, "verify", tmp_path / "s.pt"))["trained range"].startswith("inside ")


IVANVOVK = {"training_config": {"training_noise_schedule": {"n_iter": 50, "betas_range": [1e-4, 0.1]}}}
OLDER = {"model_config": {"noise_schedule": {"n_iter": 50, "betas_range": [1e-4, 0.1]}}}
COQUI = {"train_noise_schedule": {"min_val": 1e-4, "max_val": 0.1, "num_steps": 50}}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (IVANVOVK, "linear(0.0001, 0.1, 50)"),
        (OLDER, "linear(0.0001, 0.1, 50)"),
        (COQUI, "linear(0.0001, 0.1, 50)"),
        ({"noise_schedule": np.linspace(1e-4, 0.1, 50).tolist()}, "the params' noise_schedule of 50 steps"),
    ],
    ids=["ivanvovk", "older ivanvovk", "coqui", "lmnt"],
)
def test_verify_takes_the_range_of_a_configuration(tmp_path, capsys, config, name):
    (tmp_path / "config.json").write_text(json.dumps(config))
    write_schedule(SIX, tmp_path / "s.pt")
    found = rows(told(capsys, "verify", tmp_path / "s.pt", "--config", tmp_path / "config.json"))["trained range"]
    schedule = linear(50, 1e-4, 0.1)
    first, last = schedule.log_snr[0], schedule.log_snr[-1]
    assert found == f"outside log-SNR {first:.2f} to {last:.2f} of {name}: steps 0, 1"  # 13.8 and 10.8


def test_verify_takes_the_range_of_a_datasets_voice(tmp_path, capsys):
    table = '[rates.16000]\ncheckpoint = "voice.pt"\nsearch_clips = "a"\nheld_out_clips = "b"\n'
    (tmp_path / "given.toml").write_text(table + 'config = "voice.json"\n')
    (tmp_path / "ours.toml").write_text(table + '[rates.16000.training]\naudio = "c"\n')
    (tmp_path / "beside.toml").write_text(table)
    (tmp_path / "none.json").write_text(json.dumps({"model_config": {}}))
    (tmp_path / "part.toml").write_text(table + 'config = "none.json"\n')
    (tmp_path / "bare.toml").write_text(table.replace("voice.pt", "alone/voice.pt") + 'config = "none.json"\n')
    shutil.copy(GOLDEN / "ivanvovk_tiny.json", tmp_path / "voice.json")
    (tmp_path / "alone").mkdir()
    for path in (tmp_path / "voice.pt", tmp_path / "alone" / "voice.pt"):
        shutil.copy(GOLDEN / "ivanvovk_tiny.pt", path)
    write_schedule(SIX, tmp_path / "s.pt")
    file, places = tmp_path / "s.pt", ["--experiments", tmp_path]
    assert "of linear(1e-06, 0.01, 1000)" in told(capsys, "verify", file, "--dataset", "given", *places)
    for name in ("beside", "part"):
        assert "of linear(1e-06, 0.01, 1000)" in told(capsys, "verify", file, "--dataset", name, *places)
    assert "of a training draw uniform in log-SNR" in told(capsys, "verify", file, "--dataset", "ours", *places)
    assert "no training noise schedule" in refused(capsys, tmp_path, "verify", file, "--dataset", "bare", *places)


def test_verify_goes_through_all_files_and_fails_if_one_is_illegal(tmp_path, capsys):
    torch.save(published_1000(), tmp_path / "1000iters.pt")
    (tmp_path / "torn.pt").write_bytes(b"PK\x03\x04 torn")
    write_schedule(SIX, tmp_path / "s.pt")
    names = [tmp_path / name for name in ("1000iters.pt", "torn.pt", "none.npy", "s.pt")]
    assert main(["verify", *map(str, names)]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        f"schedsearch: 3 of 4 files hold no legal schedule: {names[0]}, {names[1]}, {names[2]}"
    ]
    assert f"{names[0]}: illegal: beta must lie in (0, 1): step 18 is -1.43316e-07" in captured.out
    assert f"{names[1]}: unreadable: not a readable torch file" in captured.out
    assert f"{names[2]}: unreadable: cannot read" in captured.out
    assert f"{names[3]}: legal" in captured.out


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "cannot read"),
        ("{}", "no training noise schedule"),
        ('{"train_noise_schedule": {"min_val": 1e-4}}', "train_noise_schedule needs max_val"),
        ('{"model_config": {"noise_schedule": {"n_iter": 5, "betas_range": 3}}}', "betas_range must be two numbers"),
        ('{"model_config": {"noise_schedule": {"n_iter": 5, "betas_range": ["a", 1]}}}', "must be a number"),
        ('{"train_noise_schedule": {"min_val": 0, "max_val": 2, "num_steps": 9}}', "must have betas in (0, 1)"),
        ('{"noise_schedule": ["a"]}', "must be a list of numbers"),
        ('{"noise_schedule": []}', "must have betas in (0, 1)"),
    ],
)
def test_a_configuration_without_a_usable_training_schedule_is_one_line(tmp_path, capsys, content, named):
    write_schedule(SIX, tmp_path / "s.pt")
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    assert named in refused(capsys, tmp_path, "verify", tmp_path / "s.pt", "--config", tmp_path / "config.json")


def test_two_voices_at_once_are_one_line(tmp_path, capsys):
    options = ["--config", "config.json", "--dataset", "demo"]
    assert "give one of them" in refused(capsys, tmp_path, "verify", "s.pt", *options)


# --- show -----------------------------------------------------------------------------------------


def test_show_has_a_row_a_step_of_the_schedules_own_numbers(tmp_path, capsys):
    write_schedule(SIX, tmp_path / "s.pt")
    first, head, *table = told(capsys, "show", tmp_path / "s.pt").splitlines()
    assert first.endswith("s.pt: a 1-D float32 tensor, 6 steps, legal")
    assert head.split() == ["step", "beta", "noise", "level", "log-SNR", "sigma"]
    numbers = np.array([[float(cell) for cell in row.split()[:5]] for row in table])
    expected = [np.arange(6), SIX.betas, SIX.noise_level, SIX.log_snr, SIX.sigma]
    np.testing.assert_allclose(numbers.T, expected, rtol=1e-4, atol=1e-8)
    assert [row.count("#") for row in table] == [20, 17, 15, 13, 10, 9]  # log-SNR + 6, rounded
    assert all(row.isascii() for row in table)


def test_show_prints_an_illegal_schedule_and_says_so(tmp_path, capsys):
    torch.save(published_1000(), tmp_path / "1000iters.pt")
    first, _, *table = told(capsys, "show", tmp_path / "1000iters.pt").splitlines()
    assert first.endswith("1000 steps, illegal: beta must lie in (0, 1): step 18 is -1.43316e-07")
    assert len(table) == 1000
    assert table[18].split()[1:2] == ["-1.43316e-07"] and table[18].split()[4] == "-"


@pytest.mark.parametrize("betas", ["[1.5, 0.1]", "[NaN]", "[0, 0.1]", "[1, -Infinity]"])
def test_show_prints_a_dash_for_what_illegal_betas_leave_uncomputable(tmp_path, capsys, betas):
    (tmp_path / "s.json").write_text(betas)
    text = told(capsys, "show", tmp_path / "s.json")
    assert "illegal: beta" in text and " -\n" in text + "\n"


def test_show_prints_the_provenance_of_a_json_file(tmp_path, capsys):
    write_schedule(SIX, tmp_path / "s.json", provenance={"seed": 7, "dataset": "kathleen"})
    text = told(capsys, "show", tmp_path / "s.json")
    assert json.loads(text.split("provenance: ")[1]) == {"seed": 7, "dataset": "kathleen"}


def test_show_of_no_schedule_file_is_one_line(tmp_path, capsys):
    assert "cannot read" in refused(capsys, tmp_path, "show", tmp_path / "none.pt")
    assert "one ends in" in refused(capsys, tmp_path, "show", tmp_path / "schedule")


# --- convert --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "loaded"),
    [
        ("o.pt", [], lambda path: torch.load(path, weights_only=True).double().numpy()),
        ("o.npy", [], np.load),
        ("o.npy", ["--layout", "coqui"], lambda path: np.load(path, allow_pickle=True).item()["beta"]),
        ("o.json", [], lambda path: json.loads(path.read_text())["betas"]),
        ("o.csv", [], lambda path: np.loadtxt(path, delimiter=",", skiprows=1)[:, 1]),
    ],
)
def test_convert_writes_what_each_code_loads(tmp_path, capsys, name, options, loaded):
    torch.save([torch.tensor(beta, dtype=torch.float32) for beta in SIX.betas], tmp_path / "6iters.pt")
    told(capsys, "convert", tmp_path / "6iters.pt", tmp_path / name, *options)
    np.testing.assert_array_equal(loaded(tmp_path / name), SIX.betas)


def test_convert_carries_provenance_from_json_to_json_and_names_another_source(tmp_path, capsys):
    write_schedule(SIX, tmp_path / "a.json", provenance={"seed": 7})
    told(capsys, "convert", tmp_path / "a.json", tmp_path / "b.json")
    assert read_provenance(tmp_path / "b.json") == {"seed": 7}
    told(capsys, "convert", tmp_path / "a.json", tmp_path / "c.pt")
    told(capsys, "convert", tmp_path / "c.pt", tmp_path / "d.json")
    assert read_provenance(tmp_path / "d.json") == {"converted_from": "c.pt"}


def test_provenance_that_is_none_stops_only_who_wants_it(tmp_path, capsys):
    for name, said in (("a.json", "[1]"), ("b.json", '{"a": NaN}')):
        (tmp_path / name).write_text(f'{{"betas": [0.1, 0.2], "provenance": {said}}}')
        assert name in refused(capsys, tmp_path, "show", tmp_path / name)
        assert name in refused(capsys, tmp_path, "convert", tmp_path / name, tmp_path / "out.json")
        told(capsys, "convert", tmp_path / name, tmp_path / name.replace("json", "pt"))
        told(capsys, "verify", tmp_path / name)


def test_convert_replaces_no_link_to_nowhere_unasked(tmp_path, capsys):
    write_schedule(SIX, tmp_path / "a.json")
    (tmp_path / "b.json").symlink_to(tmp_path / "nowhere")
    assert "OUT must be a new file" in refused(capsys, tmp_path, "convert", tmp_path / "a.json", tmp_path / "b.json")


def test_convert_replaces_a_file_only_with_force(tmp_path, capsys):
    write_schedule(SIX, tmp_path / "a.pt")
    write_schedule(LINE, tmp_path / "b.npy")
    assert "--force" in refused(capsys, tmp_path, "convert", tmp_path / "a.pt", tmp_path / "b.npy")
    assert read_schedule(tmp_path / "b.npy") == LINE
    told(capsys, "convert", tmp_path / "a.pt", tmp_path / "b.npy", "--force")
    assert read_schedule(tmp_path / "b.npy") == SIX


@pytest.mark.parametrize(
    ("source", "target", "options", "named"),
    [
        ("none.pt", "o.npy", [], "cannot read"),
        ("1000iters.pt", "o.npy", [], "step 18 is -1.43316e-07"),
        ("s.npy", "o.txt", [], "use .pt (ivanvovk)"),
        ("s.npy", "o.pt", ["--layout", "lmnt"], "as lmnt; use .pt (ivanvovk)"),
        ("s.npy", "o.npy", ["--layout", "mine"], "--layout must be one of ivanvovk, lmnt, coqui, json, csv"),
        ("s.npy", "no/o.npy", [], "cannot write"),
        ("narrow.npy", "o.pt", [], "a .pt file holds float32"),
        ("bad.json", "o.json", [], "provenance must be an object"),
    ],
)
def test_what_cannot_be_converted_is_one_line(tmp_path, capsys, source, target, options, named):
    torch.save(published_1000(), tmp_path / "1000iters.pt")
    write_schedule(LINE, tmp_path / "s.npy")
    write_schedule(NoiseSchedule(np.array([1 - 1e-9])), tmp_path / "narrow.npy")
    (tmp_path / "bad.json").write_text('{"betas": [0.1], "provenance": 3}')
    assert named in refused(capsys, tmp_path, "convert", tmp_path / source, tmp_path / target, *options)


# --- synth ----------------------------------------------------------------------------------------


def synth(toy: Toy, *options: object) -> list[object]:
    """Its command line on the toy's first held-out clip."""
    write_schedule(LINE, toy.root / "s.npy")
    places = ["--dataset", "toy", "--experiments", toy.root, "--schedule", toy.root / "s.npy"]
    return ["synth", *places, "--wav", toy.root / "held_out" / "held_out0.wav", *options]


def test_synth_writes_the_dialects_own_sampling_of_the_recordings_mel(toy, capsys):
    text = told(capsys, *synth(toy, "--out", toy.root / "o.npy", "--seed", 5))
    assert re.search(r"o.npy: 0.40 s at 16000 Hz, 6 steps, in \d+\.\d s", text)
    recording, _ = soundfile.read(toy.root / "held_out" / "held_out0.wav", dtype="float32")
    mel = toy.vocoder.front_end(torch.from_numpy(recording)[None])
    noise = NoiseBank(5).for_clips(["held_out0"], 0, len(recording))
    expected = ancestral_sample(toy.vocoder, mel, [LINE], noise)[0, 0]
    np.testing.assert_array_equal(np.load(toy.root / "o.npy"), expected.numpy())


def test_synth_writes_16_bit_pcm_as_long_as_the_recording(toy, capsys):
    recording = 0.1 * np.random.default_rng(0).standard_normal(5001)  # no whole number of hops of 64
    soundfile.write(toy.root / "held_out" / "held_out0.wav", recording, 16000)
    for name in ("o.wav", "o.npy"):
        told(capsys, *synth(toy, "--out", toy.root / name))
    info = soundfile.info(toy.root / "o.wav")
    assert (info.frames, info.samplerate, info.subtype) == (5001, 16000, "PCM_16")
    written, _ = soundfile.read(toy.root / "o.wav", dtype="float32")
    np.testing.assert_allclose(written, np.load(toy.root / "o.npy").clip(-1, 1), atol=2**-15)


def test_synth_replaces_a_file_when_told_to(toy, capsys):
    out = toy.root / "o.wav"
    out.write_bytes(b"precious")
    told(capsys, *synth(toy, "--out", out, "--force"))
    assert soundfile.info(out).frames == 6400


def test_synth_takes_another_rate_only_when_told_to_resample(toy, capsys):
    path = toy.root / "held_out" / "held_out0.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(24000), 48000)
    line = synth(toy, "--out", toy.root / "o.wav")
    assert "48000 Hz, the vocoder needs 16000 Hz; say --resample" in refused(capsys, toy.root, *line)
    told(capsys, *line, "--resample")
    assert soundfile.info(toy.root / "o.wav").frames == 8000


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--out", "o.mp3"], "--out must end in .wav"),
        (["--out", "none/o.wav"], "--out must be a file in a folder"),
        (["--out", "search"], "--out must end in .wav"),
        (["--out", "held_out/held_out0.wav", "--force"], "--out must be none of the files that are read"),
        (["--out", "s.npy", "--force"], "--out must be none of the files that are read"),
        (["--out", "held_out/held_out1.wav"], "held_out1.wav exists; name another, or replace it with --force"),
        (["--out", "o.wav", "--wav", "held_out"], "no file but a folder"),
        (["--out", "o.wav", "--seed", "lucky"], "SEED must be"),
        (["--out", "o.wav", "--wav", "none.wav"], "no such file"),
        (["--out", "o.wav", "--wav", "s.npy"], "cannot be decoded"),
        (["--out", "o.wav", "--schedule", "none.pt"], "cannot read"),
        (["--out", "o.wav", "--schedule", "1000iters.pt"], "step 18 is -1.43316e-07"),
        (["--out", "o.wav", "--dataset", "nobody"], "known: toy"),
        ([], "--out"),
    ],
)
def test_what_cannot_be_synthesised_is_one_line(toy, capsys, monkeypatch, options, named):
    monkeypatch.chdir(toy.root)
    torch.save(published_1000(), toy.root / "1000iters.pt")
    line = synth(toy)
    assert named in refused(capsys, toy.root, *line, *options)


def test_a_name_too_long_for_any_file_is_one_line(tmp_path, capsys):
    source = tmp_path / "a.json"
    write_schedule(NoiseSchedule(np.array([1e-4, 0.1])), source)
    assert "File name too long" in refused(capsys, tmp_path, "convert", source, tmp_path / ("a" * 5000 + ".json"))


def test_a_name_that_a_terminal_would_obey_is_spelt_out(tmp_path, capsys):
    path = tmp_path / "a\x1b[31m\nb\udcff.json"
    write_schedule(NoiseSchedule(np.array([1e-4, 0.1])), path)
    for command in ("verify", "show"):
        first = told(capsys, command, path).splitlines()[0]
        assert "a\\x1b[31m\\nb\\udcff.json: " in first


@pytest.mark.slow
@pytest.mark.parametrize(("sink", "status"), [("| head -1", 141), (">/dev/full", 2)])
def test_output_that_nobody_takes_ends_the_command_without_a_traceback(tmp_path, sink, status):
    path = tmp_path / "a.json"
    path.write_text(str([0.001] * 20000))
    command = f"{sys.executable} -m schedsearch.cli show {path} {sink}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert len(done.stderr.splitlines()) == (status == 2)


# --- numbers that are not betas -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "numbers"),
    [
        ("reversed", LINE.betas[::-1]),
        ("alphas_cumprod", LINE.alphas_cumprod),
        ("noise_levels", LINE.noise_level),
        ("noise_levels", LINE.noise_level[::-1]),
    ],
)
def test_verify_doubts_numbers_that_are_not_betas_and_convert_mends_them(tmp_path, capsys, reading, numbers):
    (tmp_path / "s.json").write_text(str(numbers.tolist()))
    text = told(capsys, "verify", tmp_path / "s.json")
    assert f"--from {reading}" in rows(text)["doubt"]
    told(capsys, "convert", tmp_path / "s.json", tmp_path / "mended.json", "--from", reading)
    np.testing.assert_allclose(read_schedule(tmp_path / "mended.json").betas, LINE.betas, rtol=1e-9)
    assert read_provenance(tmp_path / "mended.json") == {"converted_from": "s.json", "read_as": reading}
    assert "doubt" not in rows(told(capsys, "verify", tmp_path / "mended.json"))


@pytest.mark.slow
def test_reading_reversed_betas_for_use_is_noted_in_one_line(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(str(LINE.betas[::-1].tolist()))
    command = [sys.executable, "-m", "schedsearch.cli", "convert", str(path), str(tmp_path / "o.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == (
        f"schedsearch: note: {path}: the numbers look like betas in reverse order, not like betas from the cleanest "
        "step on; convert --from reversed mends that\n"
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--from", "sigmas"], "--from must be one of alphas_cumprod, noise_levels, alphas, reversed, and is 'sigmas'"),
        (["--from", "alphas_cumprod"], "s.json: alphas_cumprod must fall: step 1 is 0.1 after 0.1"),
    ],
)
def test_a_reading_that_is_none_or_does_not_fit_is_one_line(tmp_path, capsys, options, named):
    (tmp_path / "s.json").write_text("[0.1, 0.1]")
    assert named in refused(capsys, tmp_path, "convert", tmp_path / "s.json", tmp_path / "o.csv", *options)


# --- JSON -----------------------------------------------------------------------------------------


def test_verify_prints_the_same_facts_as_json(tmp_path, capsys):
    write_schedule(LINE, tmp_path / "s.pt")
    [report] = json.loads(told(capsys, "verify", tmp_path / "s.pt", "--json"))
    assert (report["legal"], report["steps"], report["read_by"]) == (True, 6, ["ivanvovk"])
    schedule = read_schedule(tmp_path / "s.pt")  # of float32
    assert (report["sigma_1"], report["terminal_level"]) == (schedule.residual_noise, schedule.terminal_level)
    assert report["log_snr"] == schedule.log_snr[[0, -1]].tolist()
    assert report["read_after_convert_by"] == ["ivanvovk", "lmnt", "coqui"]


def test_verify_prints_json_of_illegal_and_unreadable_files_too(tmp_path, capsys):
    torch.save(published_1000(), tmp_path / "1000iters.pt")
    (tmp_path / "infinite.json").write_text("[1e-17, 0.5]")
    names = [str(tmp_path / name) for name in ("1000iters.pt", "none.pt", "infinite.json")]
    assert main(["verify", "--json", *names]) == 2
    illegal, missing, infinite = json.loads(capsys.readouterr().out)
    assert illegal["fault"] == "beta must lie in (0, 1): step 18 is -1.43316e-07"
    assert missing == {"file": names[1], "legal": False, "unreadable": missing["unreadable"]}
    assert (infinite["legal"], infinite["final_gain"]) == (True, "inf")


def test_show_prints_json_with_null_for_what_cannot_be_computed(tmp_path, capsys):
    write_schedule(SIX, tmp_path / "s.json", provenance={"seed": 7})
    shown = json.loads(told(capsys, "show", tmp_path / "s.json", "--json"))
    assert (shown["beta"], shown["noise_level"]) == (SIX.betas.tolist(), pytest.approx(SIX.noise_level, rel=1e-12))
    assert shown["provenance"] == {"seed": 7}
    (tmp_path / "s.json").write_text("[1.5, 0.1]")
    assert json.loads(told(capsys, "show", tmp_path / "s.json", "--json"))["log_snr"] == [None, None]


def test_metrics_prints_json(capsys):
    printed = json.loads(told(capsys, "metrics", "--json"))
    better = {entry["name"]: entry["better"] for entry in printed["metrics"]}
    assert (better["pesq_wb"], better["lsd"]) == ("higher", "lower")
    assert {"real_time_factor", "failure_rate"} <= {entry["name"] for entry in printed["compare_columns"]}
