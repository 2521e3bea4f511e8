"""The check names what is wrong with a trained voice, refuses one that is not trained, and leaves a right one alone."""

import copy
import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import torch
from conftest import QUICK, AnalyticVocoder, BrokenVocoder, Toy, noise_clip, planted, stand_in
from trained_voices import PLANTED, RIGHT

from experiments.front_end_mistakes.bench import Bench
from schedsearch.cli import main
from schedsearch.voice.check import KEPT
from vocoder.audio.reading import resample
from vocoder.checkpoints.loading import load_vocoder
from vocoder.dialects.dialect import FrontEnd
from vocoder.errors import InputError
from vocoder.front_end_check import contest, diagnosis
from vocoder.front_end_check.advice import BLIND, CLIPS, KEYS, sentence
from vocoder.front_end_check.diagnosis import Diagnosis, diagnose, examined
from vocoder.front_end_check.examination import USUAL
from vocoder.front_end_check.general_mel import GeneralMel, general
from vocoder.front_end_check.measuring import fits, highest_frequency, measure, pieces_of, wiener_errors
from vocoder.front_end_check.setups import Setup, Treatment
from vocoder.front_end_check.variants import scaled_mel, variants
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_normalisation import RangeNormalisation, StandardNormalisation
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel
from vocoder.network import NetworkConfig, WaveGradNetwork
from vocoder.vocoder import Vocoder

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def few_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no variant can help, six say so as well as eighty."""
    chosen = lambda *given, **more: variants(*given, **more)[-6:]  # noqa: E731
    monkeypatch.setattr(contest, "variants", chosen)


# --- on trained voices --------------------------------------------------------------------------

@pytest.mark.slow
def test_the_right_front_end_passes(bench: Bench) -> None:
    found = examined(bench.examination, Setup(bench.vocoder.front_end))
    assert (found.kind, found.changes, found.passes) == ("matches", (), True)
    assert found.best < 0 < found.others_mels  # better than a Wiener filter, and worse than it with other clips' mels


@pytest.mark.slow
def test_a_band_that_cannot_be_told_from_the_right_one_is_a_tie_and_no_mistake(bench: Bench) -> None:
    # A filterbank that ends a hertz lower is another one by name alone.
    found = examined(bench.examination, Setup(replace(RIGHT, f_max=7999.0)))
    assert found.kind == "matches"
    assert "f_max = 8000 Hz" in found.ties


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "shuffled in each tensor"])
def test_weights_that_are_not_trained_are_refused(bench: Bench, few_variants: None, name: str) -> None:
    found = PLANTED[f"weights: {name}"].plant(bench)
    assert (found.kind, found.passes) == ("untrained", False)
    assert "give a trained checkpoint" in sentence(found, "ivanvovk")


@pytest.mark.slow
def test_half_random_weights_are_refused(bench: Bench, few_variants: None) -> None:
    assert not PLANTED["weights: every other layer random"].plant(bench).passes


@pytest.mark.slow
def test_a_network_that_ignores_the_mel_is_refused(bench: Bench, few_variants: None) -> None:
    found = PLANTED["weights: mel layer zero"].plant(bench)
    assert (found.kind, found.passes) == ("deaf", False)
    assert found.others_mels == pytest.approx(found.best)


@pytest.mark.slow
def test_a_network_that_hears_its_mel_and_gains_nothing_by_it_is_not_called_deaf(
    bench: Bench, few_variants: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "DEAF", 0.3)  # on so few pieces one clip's mel may still serve another a little
    found = bench.with_vocoder(wanting(lambda mel: mel.roll(2, 0).flip(-1), bench.vocoder))
    assert (found.kind, found.passes, found.changes) == ("misheard", False, ())
    assert "take them from the training's own configuration" in sentence(found, "ivanvovk")


@pytest.mark.slow
def test_a_network_that_does_badly_and_hears_the_mel_is_weak_and_passes(bench: Bench, few_variants: None) -> None:
    def spoil(network: WaveGradNetwork) -> None:
        for parameter in network.parameters():
            parameter.add_(0.1 * parameter.square().mean().sqrt() * torch.randn_like(parameter))

    found = bench.with_weights(spoil)
    assert (found.kind, found.passes, found.changes) == ("weak", True, ())
    assert sentence(found, "ivanvovk").startswith("weakly trained: ")


RIGHT_ROWS = ((1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8))  # experiments/demo/16000hz/config.json
WRONG_ROWS = [
    ((1, 2, 1, 2), (1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 4, 8)),  # the first four of the default's five
    ((1, 2, 4, 8), (1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 1, 2)),
]


@pytest.mark.slow
@pytest.mark.parametrize("rows", WRONG_ROWS)
def test_wrong_dilations_which_no_shape_shows_are_named(bench: Bench, rows: tuple) -> None:
    if rows != WRONG_ROWS[0]:  # the fast effort sees that these are wrong, not always what is right
        bench = replace(bench, effort=USUAL)
    found = examined(bench.examination, Setup(bench.vocoder.front_end, up_dilations=rows))
    assert found.changes == (("upsampling dilations", str([*map(list, RIGHT_ROWS)])),)
    assert not found.passes
    assert "set model_config.upsampling_dilations to [[1, 2, 1, 2], [1, 2, 4, 8]" in sentence(found, "ivanvovk")


@pytest.mark.slow
def test_a_wrong_row_of_downsampling_dilations_is_named(bench: Bench) -> None:
    rows = ((1, 2, 4), (1, 1, 1), (1, 2, 4))
    found = examined(bench.examination, Setup(bench.vocoder.front_end, down_dilations=rows))
    assert found.changes == (("downsampling dilations", "[[1, 2, 4], [1, 2, 4], [1, 2, 4]]"),)


def wanting_scaled_mels(vocoder: Vocoder, factor: float, offset: float) -> Vocoder:
    """The same network, trained with factor * mel + offset: its first layer undoes that, but at the very ends."""
    network = copy.deepcopy(vocoder.network)
    with torch.no_grad():
        shift = network.mel.weight.sum((1, 2, 3)) * offset / factor
        network.mel.weight.div_(factor)
        network.mel.bias.sub_(shift)  # type: ignore[union-attr]
    return replace(vocoder, network=network)


@pytest.mark.slow
def test_a_normalised_mel_is_named(bench: Bench) -> None:
    found = bench.with_vocoder(wanting_scaled_mels(bench.vocoder, 1 / 1.88, 1.03 / 1.88))
    assert [setting for setting, _ in found.changes] == ["scale and offset of the mel"]
    assert not found.passes


@pytest.mark.slow
def test_a_scaled_mel_is_named_with_its_numbers(long_bench: Bench) -> None:
    factor, offset = 3.0, 2.0
    found = long_bench.with_vocoder(wanting_scaled_mels(long_bench.vocoder, factor, offset))
    [(setting, value)] = found.changes
    assert setting == "scale and offset of the mel"
    added, divisor = (float(number) for number in re.findall(r"[\d.]+", value))
    assert added == pytest.approx(abs(offset / factor), abs=0.15)
    assert divisor == pytest.approx(1 / factor, rel=0.1)


def wanting(change: Callable[[torch.Tensor], torch.Tensor], vocoder: Vocoder) -> Vocoder:
    """The same network behind a change of its mel, as one that was trained with the opposite change."""

    class Wanting(Vocoder):
        def predict_noise(
            self, y: torch.Tensor, mel: torch.Tensor, noise_level: torch.Tensor, *, first: int = 0
        ) -> torch.Tensor:
            return super().predict_noise(y, change(mel), noise_level, first=first)

    return Wanting(**{field.name: getattr(vocoder, field.name) for field in fields(vocoder) if field.init})


@pytest.mark.slow
@pytest.mark.parametrize(("frames", "named"), [(2, "half a window later"), (-1, "a hop earlier")])
def test_mels_that_are_whole_frames_off_are_named(demo_bench: Bench, frames: int, named: str) -> None:
    """A window has 1024 samples and a hop 256; an STFT without padding begins half a window later."""
    shifted = wanting(lambda mel: torch.roll(mel, frames, -1), demo_bench.vocoder)
    found = demo_bench.with_vocoder(shifted)
    assert (found.kind, found.changes[0]) == ("mismatch", ("frames", named))


@pytest.mark.slow
def test_a_mel_whose_channels_were_normalised_one_by_one_is_named(bench: Bench) -> None:
    whole = [bench.vocoder.front_end(clip.audio[None]) for clip in bench.recordings]  # other statistics
    mel = torch.cat([mel[0] for mel in whole], dim=1)
    mean, deviation = mel.mean(1)[:, None], mel.std(1)[:, None]
    normalised = wanting(lambda mel: deviation * mel + mean, bench.vocoder)
    found = bench.with_vocoder(normalised)
    assert [setting for setting, _ in found.changes] == ["normalisation of each channel"]
    assert "set audio.stats_path to" in sentence(found, "coqui")
    assert "no setting of lmnt says so" in sentence(found, "lmnt")


def test_frames_that_stand_earlier_or_later_see_the_audio_there() -> None:
    audio = torch.randn(1, 9000, generator=torch.Generator().manual_seed(0))
    mel = RIGHT(audio)
    inner = slice(4, -4)  # frames whose windows stay inside the audio
    for frames in (-1, 1, 2):
        moved = replace(RIGHT, lead=frames * RIGHT.hop_length)(audio)
        assert moved.shape == mel.shape
        torch.testing.assert_close(moved[..., inner], torch.roll(mel, -frames, -1)[..., inner])


@pytest.mark.slow
def test_an_offset_of_the_clips_is_named(bench: Bench) -> None:
    found = bench.with_clips(lambda audio: audio + 0.1)
    assert found.changes == (("offset of the clips", "removed"),)
    assert "take each clip's mean off" in sentence(found, "ivanvovk")


@pytest.mark.slow
def test_a_rate_of_cds_taken_for_one_of_video_is_named_where_clips_play_too_slowly(bench: Bench) -> None:
    found = bench.with_clips(lambda audio: resample(audio, 44100, 48000))  # 48 kHz said to be 44.1
    assert found.changes == (("true sample rate of the clips", "17415 Hz"),)


@pytest.mark.slow
def test_clips_without_high_frequencies_are_no_fault_of_a_setting_and_are_named(bench: Bench) -> None:
    narrow = replace(bench, effort=USUAL)
    found = narrow.with_clips(lambda audio: resample(resample(audio, 16000, 8000), 8000, 16000))
    assert (found.kind, found.changes) == ("weak", ())
    assert found.highest_frequency == pytest.approx(4000, abs=200)
    assert "the clips have nothing above" in sentence(found, "ivanvovk")


@pytest.mark.slow
def test_the_right_front_end_costs_no_more_than_before_there_were_so_many_variants(demo_bench: Bench) -> None:
    found = replace(demo_bench, effort=USUAL).with_vocoder(demo_bench.vocoder)
    assert (found.kind, found.highest_frequency) == ("matches", None)
    assert found.network_evaluations < 900


@pytest.mark.parametrize("kind", ["matches", "weak"])
def test_a_voice_that_passes_is_told_what_the_check_does_not_tell(kind: str) -> None:
    assert BLIND in sentence(planted(kind), "ivanvovk")


@pytest.mark.slow
def test_random_weights_come_with_every_diagnosis_of_a_network(bench: Bench) -> None:
    found = examined(bench.examination, Setup(bench.vocoder.front_end))
    assert found.random_weights is not None
    assert found.random_weights > found.zero > found.others_mels


# --- laws, without a trained voice ---------------------------------------------------------------

SHORT, LONG = (1, 2, 1, 2), (1, 2, 4, 8)
FIVE_BLOCKS = NetworkConfig(  # ivanvovk's default
    80,
    (5, 5, 3, 2, 2),
    768,
    (512, 512, 256, 128, 128),
    (SHORT, SHORT, LONG, LONG, LONG),
    32,
    (128, 128, 256, 512),
    ((1, 2, 4),) * 4,
)
FRONT_ENDS: dict[str, FrontEnd] = {
    "ivanvovk": IvanvovkMel(16000, 1024, 800, 200, 80, 7600, 80),
    "lmnt": LmntMel(22050, 300),
    "coqui": CoquiMel(),
    "coqui, 0..1": CoquiMel(preemphasis=0.97, normalisation=RangeNormalisation(symmetric=False, max_norm=1.0)),
    "coqui, natural logarithm": CoquiMel(normalisation=None, gain=1.0, log_base=math.e, f_min=20, f_max=8000),
    "coqui, no logarithm": CoquiMel(normalisation=None, decibels=False),
}


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_the_general_form_is_the_same_front_end(front_end: FrontEnd) -> None:
    audio = 0.1 * torch.randn(2, 9000, generator=torch.Generator().manual_seed(0))
    same = general(front_end)
    assert same is not None
    torch.testing.assert_close(same(audio), front_end(audio), rtol=1e-4, atol=1e-3)
    assert same.log_units == pytest.approx(front_end.log_units)


def test_a_front_end_with_channel_statistics_has_no_general_form_and_only_clips_and_levels_vary() -> None:
    front_end = CoquiMel(normalisation=StandardNormalisation((0.0,) * 80, (1.0,) * 80))
    assert general(front_end) is None
    settings = {variant.setting for variant in variants(Setup(front_end), FIVE_BLOCKS)}
    assert settings == {*CLIPS, "noise level", "upsampling dilations"}


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_no_variant_is_the_given_setup_and_none_stands_twice(front_end: FrontEnd) -> None:
    form = general(front_end)
    assert form is not None
    given = Setup(form)
    setups = [variant.of(given) for variant in variants(given, FIVE_BLOCKS)]
    assert given not in setups
    assert len(set(setups)) == len(setups) > 50
    for setup in setups:
        assert setup.front_end.n_mels == front_end.n_mels


@pytest.mark.parametrize(
    "treatment",
    [Treatment(gain=-2.0), Treatment(backwards=True), Treatment(rates=(16000, 8000)), Treatment(deemphasis=0.97)],
    ids=["gain", "backwards", "rates", "deemphasis"],
)
def test_a_treatment_undoes_what_was_done(treatment: Treatment) -> None:
    x = torch.sin(torch.arange(1600) / 7)
    spoil: dict[Treatment, Callable[[torch.Tensor], torch.Tensor]] = {
        Treatment(gain=-2.0): lambda x: x / -2,
        Treatment(backwards=True): lambda x: x.flip(0),
        Treatment(rates=(16000, 8000)): lambda x: Treatment(rates=(8000, 16000))(x),
        Treatment(deemphasis=0.97): lambda x: x - 0.97 * torch.nn.functional.pad(x, (1, 0))[:-1],
    }
    inner = slice(100, -100)  # resampling rings at the ends
    torch.testing.assert_close(treatment(spoil[treatment](x))[inner], x[inner], rtol=0, atol=1e-3)


def test_a_scaled_mel_is_the_front_end_s_and_its_name_says_how() -> None:
    audio = 0.1 * torch.randn(2, 9000, generator=torch.Generator().manual_seed(0))
    mel = LmntMel(22050, 300)
    variant = scaled_mel(0.5, 1.0)
    torch.testing.assert_close(variant.of(Setup(mel)).mel(audio), 0.5 * mel(audio) + 1.0)
    assert variant.name == "scale and offset of the mel = (mel + 2) / 2"
    assert scaled_mel(2.0, -1.0).value == "(mel - 0.5) / 0.5"


def test_both_floors_of_coqui_are_varied() -> None:
    for own, other in ((1e-8, "1e-05"), (1e-5, "1e-08")):
        given = Setup(CoquiMel(amplitude_floor=own))
        assert {v.value for v in variants(given, None) if v.setting == "floor of the amplitude"} == {other}


def test_what_the_clips_cannot_show_is_not_measured(bench: Bench) -> None:
    given = Setup(bench.vocoder.front_end)
    by_name = {v.name: v.of(given) for v in variants(given, None)}
    for name in ("offset of the clips = removed", "floor of the amplitude = 1e-08"):
        assert not bench.examination.is_new(by_name[name], given)
    assert bench.examination.is_new(by_name["f_max = 7600 Hz"], given)


def test_the_highest_frequency_is_half_the_rate_that_a_clip_had() -> None:
    noise = noise_clip("white", 64_000, 0.1).audio
    assert highest_frequency([noise], 16000) == pytest.approx(8000, abs=64)
    narrow = resample(resample(noise, 16000, 8000), 8000, 16000)
    assert highest_frequency([narrow + 0.5], 16000) == pytest.approx(4000, abs=200)


def test_the_wiener_filter_is_exact_on_white_noise() -> None:
    # White noise of variance s^2: E|eps - eps_hat| = sqrt(2 / pi) sqrt(a s^2 / (a s^2 + 1 - a)).
    audio = noise_clip("white", 160_000, 0.1).audio[None]
    a = 1 / (1 + math.exp(-3.0))
    expected = math.sqrt(2 / math.pi) * math.sqrt(a * 0.01 / (a * 0.01 + 1 - a))
    assert float(wiener_errors(audio, [3.0])[0, 0]) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("lead", "rates"), [(0, (2000, 16)), (0, (2, 1)), (256, (2, 1)), (-256, (2, 1))])
def test_a_piece_that_is_too_short_for_a_setups_mel_does_not_fit_it(lead: int, rates: tuple[int, int]) -> None:
    setup = Setup(GeneralMel(8000, 512, 512, 64, 0.0, 4000.0, 20, lead=lead))
    piece = torch.sin(torch.arange(480) / 9)  # as it is long enough for half an FFT, and for a hop
    assert fits(setup, piece)
    assert not fits(replace(setup, treatment=Treatment(rates=rates)), piece)


def test_the_exact_denoiser_of_white_noise_scores_zero_and_the_right_level_matters() -> None:
    vocoder = AnalyticVocoder()
    pieces = pieces_of([noise_clip("white", 64_000, 0.1)], vocoder.hop_length)
    given = Setup(vocoder.front_end)
    right = measure(vocoder, given, pieces, (1.0, 5.0), seed=0)
    # It knows the energy of each hop, the filter that of the clip: a little better than the filter.
    assert right.mean == pytest.approx(0.0, abs=0.02)
    wrong = measure(vocoder, replace(given, noise_level="alphas_cumprod"), pieces, (1.0, 5.0), seed=0)
    assert wrong.mean > right.mean + 0.05


def test_pieces_are_equal_whole_hops_and_take_every_clip_in_turn() -> None:
    long, short = noise_clip("long", 20_000, seed=1), noise_clip("short", 9_000, seed=2)
    pieces = pieces_of([long, short], 64)
    assert {len(piece) for piece in pieces} == {6400}
    assert len(pieces) == 4
    torch.testing.assert_close(pieces[1], short.audio[:6400])
    torch.testing.assert_close(pieces[2], long.audio[6400:12800])


def test_a_network_that_returns_nan_is_refused() -> None:
    found = diagnose(BrokenVocoder(), [noise_clip("a", 12_800), noise_clip("b", 12_800, 0.3)])
    assert (found.kind, found.passes) == ("broken", False)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "n_fft"), [(8000, 1024), (8000, 2048), (16000, 4096)])
def test_a_long_window_at_a_low_rate_is_no_fault_of_the_clips(tmp_path: Path, rate: int, n_fft: int) -> None:
    settings = json.loads((GOLDEN / "ivanvovk_tiny.json").read_text())
    settings["data_config"] |= {"sample_rate": rate, "n_fft": n_fft, "win_length": n_fft, "f_max": rate / 2}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    vocoder = load_vocoder(GOLDEN / "ivanvovk_tiny.pt", tmp_path / "config.json")
    found = diagnose(vocoder, [replace(noise_clip(name, rate), sample_rate=rate) for name in "abc"], effort=QUICK)
    assert found.kind == "untrained"


def test_no_clips_are_one_line() -> None:
    with pytest.raises(InputError, match="its clips give 0; give more"):
        diagnose(AnalyticVocoder(), [])


def test_a_diagnosis_survives_json() -> None:
    found = planted("mismatch")
    assert Diagnosis.from_plain(json.loads(json.dumps(asdict(found)))) == found


@pytest.mark.parametrize(
    ("dialect", "setting", "named"),
    [
        ("ivanvovk", "f_min", "set data_config.f_min to X in the configuration"),
        ("coqui", "f_min", "set audio.mel_fmin to X in the configuration"),
        ("coqui", "sample_rate", "give clips of that rate"),
        ("lmnt", "f_min", "no setting of lmnt says so"),
        ("coqui", "n_fft", "set audio.fft_size to X"),
        ("ivanvovk", "direction of the clips", "turn the clips round"),
    ],
)
def test_advice_names_the_setting_as_the_dialect_does(dialect: str, setting: str, named: str) -> None:
    told = sentence(replace(planted("mismatch"), changes=((setting, "X"),)), dialect)
    assert named in told
    assert len(told.splitlines()) == 1


def test_advice_on_several_settings_says_that_it_may_be_wrong() -> None:
    one = planted("mismatch")
    assert "look at the training's own configuration" not in sentence(one, "ivanvovk")
    several = replace(one, changes=(*one.changes, ("n_fft", "1024")))
    assert "look at the training's own configuration" in sentence(several, "ivanvovk")


def test_advice_knows_no_setting_that_is_never_varied() -> None:
    odd = replace(FIVE_BLOCKS, down_dilations=((1, 1, 1),) * 4)
    varied = {v.setting for mel in FRONT_ENDS.values() for v in variants(Setup(mel), odd)}
    assert {setting for keys in KEYS.values() for setting in keys} <= varied
    assert set(CLIPS) <= varied


# --- mels of a TTS ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_ttss_mels_are_measured_beside_the_recordings_own(long_bench, few_variants):
    bench, clips = long_bench, long_bench.recordings
    own = [replace(clip, mel=bench.vocoder.front_end(clip.audio[None])[0]) for clip in clips]
    same = diagnose(bench.vocoder, own, effort=QUICK)
    assert same.given_mels is not None
    assert same.given_mels == pytest.approx(same.given, abs=0.05)  # made of excerpts, not of pieces
    assert f"{math.exp(same.given_mels):.2f} times with the TTS's mels" in sentence(same, "ivanvovk")
    assert same.passes
    assert [row.name for row in same.rows][-1] == "mels of the TTS"
    backwards = [replace(clip, mel=bench.vocoder.front_end(clip.audio[None])[0].flip(-1)) for clip in clips]
    turned = diagnose(bench.vocoder, backwards, effort=QUICK)
    assert turned.kind == "foreign"
    assert not turned.passes
    assert turned.given == same.given
    assert "does badly with the TTS's mels" in sentence(turned, "ivanvovk")
    assert Diagnosis.from_plain(json.loads(json.dumps(asdict(turned)))) == turned


# --- the commands ---------------------------------------------------------------------------------


def check_voice(toy: Toy) -> int:
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    return main(["check-voice", "--dataset", "toy", *places])


@pytest.mark.parametrize("kind", ["mismatch", "deaf", "misheard", "untrained", "broken"])
def test_a_voice_that_fails_the_check_is_refused_in_one_line(toy, capsys, diagnosed, kind):
    diagnosed(kind)
    assert check_voice(toy) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("kind", ["matches", "weak"])
def test_a_voice_that_passes_is_measured_once(toy, capsys, diagnosed, kind):
    calls = diagnosed(kind)
    assert [check_voice(toy), check_voice(toy)] == [0, 0]
    assert calls == [3]  # search clips
    assert "trained" in capsys.readouterr().out


def test_other_clips_are_checked_anew_and_a_damaged_file_is_no_obstacle(toy, capsys, diagnosed):
    calls = diagnosed("matches")
    assert check_voice(toy) == 0
    (toy.root / "results" / "toy" / "16000hz" / KEPT).write_text("{")
    assert check_voice(toy) == 0
    next((toy.root / "search").iterdir()).unlink()
    assert check_voice(toy) == 0
    assert calls == [3, 3, 2]


def test_check_voice_refuses_in_one_line_and_status_2(toy, capsys, diagnosed):
    diagnosed("untrained")
    assert check_voice(toy) == 2
    assert capsys.readouterr().err.startswith("schedsearch: untrained or damaged weights: ")


def test_the_check_of_the_analytic_vocoder_passes(toy, capsys, request):
    stand_in(request, diagnose=diagnose)  # as it is, not the toy's
    assert check_voice(toy) == 0
    out = capsys.readouterr().out
    assert "mels of other clips" in out
    assert "predicting no noise" in out
