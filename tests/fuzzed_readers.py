"""Every reader of files, with files that it reads."""

import argparse
import contextlib
import io
import json
import pickle
from collections import OrderedDict
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import soundfile
import torch
from conftest import AnalyticVocoder, planted
from fuzzing import Reader, members_of, number_for_bytes, two_directories

from schedsearch.commands import show, verify
from schedsearch.report.audio_folder import AudioFolder
from schedsearch.report.page.dataset_page import dataset_page, lengths
from schedsearch.report.pictures.lengths import rated_lengths
from schedsearch.report.result import read_result
from schedsearch.schedules.files import read_provenance
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.search.warm_starts import neighbours
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice.adding.recording import measure
from schedsearch.voice.check import check_identity, kept_diagnosis
from schedsearch.voice.config import Voice, load_voice
from vocoder.audio.listed_clips import read_clips
from vocoder.audio.reading import read_audio
from vocoder.checkpoints.loading import load_vocoder
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.front_ends.coqui_statistics import read_coqui_statistics
from vocoder.network import WaveGradNetwork
from vocoder.safe_loading.safe_pickle import load_numpy_pickle
from vocoder.weights import exported_state

LEGACY = {"_use_new_zipfile_serialization": False}
ANALYTIC: Any = AnalyticVocoder()
VOICE = Voice("toy", 16000, "toy", Path("none.pt"), None, Path("search"), Path("held_out"))
BETAS = [1e-6, 1e-4, 0.01, 0.1, 0.3, 0.9]


# --- what is written ------------------------------------------------------------------------------


def _torch(content: object, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def _hiding(content: object) -> bytes:
    """An archive in which zipfile sees this content, and torch 320 MiB of zeros in the place of one storage."""
    members = members_of(_torch(content))
    return two_directories(members, members | {"archive/data/0": bytes(320 << 20)})


def _numpy(content: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(content) if not isinstance(content, dict) else np.array(content, object))
    return buffer.getvalue()


def _archive(content: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, np.asarray(content))
    return buffer.getvalue()


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _audio(kind: str, subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    tone = 0.3 * np.sin(np.arange(8000) / 9) * np.hanning(8000)
    soundfile.write(buffer, tone.astype(np.float32), 16000, format=kind, subtype=subtype)
    return buffer.getvalue()


# --- what is read ---------------------------------------------------------------------------------


def _schedule(path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        show.run(argparse.Namespace(file=path, json=False))
        verify.run(argparse.Namespace(files=[path], dataset=None, rate=None, config=None, json=False))
    if path.suffix == ".json":
        read_provenance(path)


def _checkpoint(path: Path) -> None:
    load_vocoder(path)


def _given_config(path: Path) -> None:
    load_vocoder(path.with_name("voice.pt"), path)


def _experiment(path: Path) -> None:
    voice = load_voice("voice", 16000, experiments=path.parent)
    for clips in (voice.search_clips, voice.held_out_clips):
        read_clips(clips, sample_rate=voice.sample_rate, resample=voice.resample)


def _audio_file(path: Path) -> None:
    measure(path.parent, path.name)
    AudioFolder(path.parent.parent, 16000).read(path.parent.name, path.stem, "origin")
    read_audio(path, sample_rate=16000, resample=True)


def _result(path: Path) -> None:
    rated_lengths(path.parent)
    dataset_page("page", lengths(path.parent.parent))
    found = read_result(path.parent)
    _ = found.name, found.improves, found.verdict, found.facts


def _result_tables(path: Path) -> None:
    found = read_result(path.parent)
    _ = found.leaderboard, found.trials


def _hint(path: Path) -> None:
    neighbours(path.parents[3], "toy/8000hz", LogSnrSpace(6))


def _kept_check(path: Path) -> None:
    kept_diagnosis(VOICE, ANALYTIC, (), path.parents[2])


def _kept(path: Path) -> None:
    ValueCache(path).get("key")


# --- seeds ----------------------------------------------------------------------------------------


def ivanvovk_config() -> dict[str, Any]:
    dilations = [[1, 2, 1, 2], [1, 2, 4, 8]]
    return {
        "model_config": {
            "factors": [4, 2],
            "upsampling_preconv_out_channels": 4,
            "upsampling_out_channels": [4, 2],
            "upsampling_dilations": dilations,
            "downsampling_preconv_out_channels": 32,
            "downsampling_out_channels": [4],
            "downsampling_dilations": [[1, 2, 4]],
        },
        "data_config": {
            "sample_rate": 16000, "n_fft": 64, "win_length": 32, "hop_length": 8, "f_min": 50.0, "f_max": 7600,
            "n_mels": 4,
        },
    }  # fmt: skip


def coqui_config() -> dict[str, Any]:
    model = {
        "in_channels": 4, "x_conv_channels": 4, "y_conv_channels": 4, "ublock_out_channels": [4, 4],
        "dblock_out_channels": [4], "upsample_factors": [4, 2], "upsample_dilations": [[1, 2, 1, 2], [1, 2, 4, 8]],
    }  # fmt: skip
    audio = {
        "sample_rate": 16000, "fft_size": 64, "win_length": 32, "hop_length": 8, "num_mels": 4, "mel_fmin": 50.0,
        "mel_fmax": 7600.0, "preemphasis": 0.97, "ref_level_db": 20, "min_level_db": -100, "signal_norm": True,
        "symmetric_norm": True, "max_norm": 4.0, "clip_norm": True, "log_func": "np.log10", "spec_gain": 20.0,
        "stats_path": None,
    }  # fmt: skip
    return {"model": "wavegrad", "model_params": model, "audio": audio}


def _state(dialect: Dialect, config: dict[str, Any]) -> OrderedDict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = WaveGradNetwork(dialect.network_config(config), dialect.quirks)
    return OrderedDict(exported_state(network, dialect))


def readers() -> list[Reader]:
    """All of them; writing the seeds takes a second."""
    return [*_schedules(), *_checkpoints(), *_configurations(), *_sounds(), *_results()]


def _schedules() -> list[Reader]:
    betas, vector = torch.tensor(BETAS), np.array(BETAS)
    levels = (1 - betas.double()).cumprod(0).sqrt()
    torch_files = [
        _torch(betas), _torch(list(betas)), _torch(BETAS), _torch({"beta": betas.double()}),
        _torch((torch.arange(6), levels, betas.double(), betas.double())),
        _torch(betas, **LEGACY), _torch(vector), _torch({"beta": vector}, **LEGACY),
    ]  # fmt: skip
    pickled = [pickle.dumps({"beta": vector}, 4), pickle.dumps(vector, 5), pickle.dumps(vector, 0)]
    plain = [_numpy(vector), _numpy(vector.astype(np.float32)), _numpy({"beta": vector})]
    provenance = {"schema": 1, "betas": BETAS, "provenance": {"name": "a", "held_out": [{"mean": 1.5}]}}
    rows = "\n".join(f"{i},{b!r}" for i, b in enumerate(BETAS)).encode()
    tables = [b"step,beta\n" + rows, b"0.1\n0.2\n", b"step;beta\n0;0.5\n"]
    return [
        Reader("schedule .pt", "a.pt", torch_files, _schedule,
               hostile=[_hiding(betas)]),
        Reader("schedule .npy", "a.npy", [*plain, *pickled], _schedule),
        Reader("schedule .npz", "a.npz", [_archive(BETAS)], _schedule),
        Reader("schedule .json", "a.json", [_json(provenance), _json(BETAS)], _schedule, text=True),
        Reader("schedule .csv", "a.csv", tables, _schedule, text=True),
    ]


def _checkpoints() -> list[Reader]:
    config = ivanvovk_config()
    state = _state(IVANVOVK, config)
    beside = {"config.json": _json(config)}
    optimizer = {"state": {}, "lr": np.float64(1e-3), "means": np.zeros(4)}
    coqui = {"model": _state(COQUI, coqui_config()), "config": coqui_config(), "step": 3, "optimizer": optimizer}
    zipped, legacy = [_torch({"model": state, "iteration": 1}), _torch(state)], [_torch(state, **LEGACY)]
    statistics = {"mel_mean": np.zeros(4), "mel_std": np.ones(4), "audio_config": {"sample_rate": 16000}}
    return [
        Reader("checkpoint, zip", "a.pt", zipped, _checkpoint, beside=beside,
               hostile=[_hiding(state)]),
        Reader("checkpoint, legacy", "a.pt", legacy, _checkpoint, beside=beside),
        Reader("checkpoint, safetensors", "a.pt", [safetensors.torch.save(state)], _checkpoint, beside=beside),
        Reader("checkpoint with configuration", "a.pth", [_torch(coqui)], _checkpoint),
        Reader("mel statistics", "a.npy", [_numpy(statistics)], read_coqui_statistics),
        Reader("pickle of NumPy", "a.npy", [pickle.dumps(statistics, p) for p in range(6)], load_numpy_pickle,
               hostile=[number_for_bytes()]),
    ]


def _configurations() -> list[Reader]:
    ivanvovk, coqui = ivanvovk_config(), coqui_config()
    scaled = coqui | {"audio": coqui["audio"] | {"stats_path": "stats.npy"}}
    statistics = {"mel_mean": np.zeros(4), "mel_std": np.ones(4), "audio_config": {}}
    commented = [_json(coqui), b"// a\n" + _json(coqui), _json(scaled)]
    table = (
        'description = "a"\n[rates.16000]\ncheckpoint = "a.pt"\nconfig = "a.json"\nresample = false\n'
        'search_clips = "search"\n'
        'held_out_clips = "held_out"\n'
        '[rates.16000.training]\naudio = "wavs"\nobtain = "make"\nrecipe = {steps = 20000}\n'
    )
    clips = {"search/a.wav": _audio("WAV", "PCM_16"), "held_out/b.flac": _audio("FLAC")}
    one, other = (sha256(content).hexdigest()[:16] for content in clips.values())
    listed = (
        '[rates.16000]\ncheckpoint = "a.pt"\n[rates.16000.search_clips]\nfolder = "search"\n'
        f'[rates.16000.search_clips.sha256]\n"a.wav" = "{one}"\n[rates.16000.held_out_clips]\nfolder = "."\n'
        f'[rates.16000.held_out_clips.sha256]\n"held_out/b.flac" = "{other}"\n'
    )
    return [
        Reader("ivanvovk's configuration", "a.json", [_json(ivanvovk)], _given_config, text=True,
               beside={"voice.pt": _torch(_state(IVANVOVK, ivanvovk))}),
        Reader("coqui's configuration", "a.json", commented, _given_config, text=True,
               beside={"voice.pt": _torch(_state(COQUI, coqui)), "stats.npy": _numpy(statistics)}),
        Reader("experiment", "voice.toml", [table.encode(), listed.encode()], _experiment, text=True, beside=clips),
    ]  # fmt: skip


def _sounds() -> list[Reader]:
    wavs = [_audio("WAV", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW")]
    kinds = {"flac": [_audio("FLAC")], "ogg": [_audio("OGG", "VORBIS"), _audio("OGG", "OPUS")], "mp3": [_audio("MP3")]}
    return [Reader(f"audio .{end}", f"a/a.{end}", seeds, _audio_file) for end, seeds in {"wav": wavs, **kinds}.items()]


def _results() -> list[Reader]:
    score = {"mean": 1.0, "se": 0.1, "clips": 2, "draws": 1, "failures": 0}
    held = {"metric": "spectral", "winner": score, "baseline": score, "better": True,
            "difference": {"mean": -0.1, "low": -0.2, "high": 0.1}}  # fmt: skip
    run = {
        "name": "trial 3", "kind": "tpe", "improves_on_baseline": True, "baseline": "a", "objective": "spectral",
        "identity": {"dataset": "toy", "sample_rate": 16000, "iterations": 6, "checkpoint": "a"}, "candidates": 3,
        "search_network_evaluations": 100, "held_out": [held],
    }  # fmt: skip
    schedule = _json({"schema": 1, "betas": BETAS})
    folder = "toy/16000hz/6iters"
    checked = {"identity": check_identity(ANALYTIC, ()), "diagnosis": asdict(planted("mismatch"))}
    table = b"name,kind,betas,score\na,tpe,0.1 0.2,1.5\nb,baseline,0.1,\n"
    lines = b'{"key": "a", "values": {"pesq": [1.0, null]}}\n{"key": "b", "values": {}}\n'
    return [
        Reader("run.json", f"{folder}/run.json", [_json(run)], _result, text=True,
               beside={f"{folder}/schedule.json": schedule}),
        Reader("schedule of a neighbour", f"{folder}/schedule.json", [schedule], _hint, text=True),
        Reader("comparison's values", "values.jsonl", [lines], _kept, text=True),
        Reader("front_end.json", "toy/16000hz/front_end.json", [_json(checked)], _kept_check, text=True),
        Reader("trials.csv", f"{folder}/trials.csv", [table], _result_tables, text=True, beside={
            f"{folder}/run.json": _json(run), f"{folder}/schedule.json": schedule, f"{folder}/leaderboard.csv": table}),
    ]
