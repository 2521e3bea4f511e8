"""Schedule files: each layout of the wild is read, each repository's own loader reads what is written."""

import io
import json
import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsearch.schedules import named
from schedsearch.schedules.files import Layout, open_schedule, read_provenance, read_schedule, write_schedule
from schedsearch.schedules.formulas import karras
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.atomic import atomic_write, sweep
from vocoder.errors import InputError

SCHEDULE = named.published("ivanvovk-6")  # float32 numbers, so that .pt loses nothing
FLOAT64 = named.published("diffwave-6")


def refuse(path, message=None):
    with pytest.raises(InputError, match=message) as caught:
        read_schedule(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


# --- what we write is what their code reads -------------------------------------------------------


def test_ivanvovk_loads_a_float32_tensor_with_a_shape(tmp_path):
    write_schedule(SCHEDULE, tmp_path / "6iters.pt")
    loaded = torch.load(tmp_path / "6iters.pt", weights_only=True)
    assert loaded.dtype == torch.float32 and loaded.shape == (6,)
    np.testing.assert_array_equal(loaded.numpy(), SCHEDULE.betas)


def test_lmnt_loads_an_array_without_pickles(tmp_path):
    write_schedule(FLOAT64, tmp_path / "schedule.npy")
    loaded = np.load(tmp_path / "schedule.npy")
    assert loaded.dtype == np.float64
    np.testing.assert_array_equal(loaded, FLOAT64.betas)


def test_coqui_loads_the_key_beta_without_a_warning(tmp_path):
    write_schedule(FLOAT64, tmp_path / "schedule.npy", layout=Layout.COQUI)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = np.load(tmp_path / "schedule.npy", allow_pickle=True).item()["beta"]
    assert loaded.dtype == np.float64
    np.testing.assert_array_equal(loaded, FLOAT64.betas)


def test_the_coqui_file_names_only_modules_that_numpy_1_knows(tmp_path):
    write_schedule(FLOAT64, tmp_path / "schedule.npy", layout=Layout.COQUI)
    content = (tmp_path / "schedule.npy").read_bytes()
    assert b"numpy.core.multiarray" in content and b"numpy._core" not in content


def test_json_holds_schema_betas_and_provenance(tmp_path):
    write_schedule(FLOAT64, tmp_path / "s.json", provenance={"seed": 7, "dataset": "kathleen"})
    content = json.loads((tmp_path / "s.json").read_text())
    assert content == {
        "schema": 1,
        "betas": FLOAT64.betas.tolist(),
        "provenance": {"seed": 7, "dataset": "kathleen"},
    }
    assert read_provenance(tmp_path / "s.json") == {"seed": 7, "dataset": "kathleen"}


def test_csv_has_a_row_a_step(tmp_path):
    write_schedule(FLOAT64, tmp_path / "s.csv")
    header, *rows = (tmp_path / "s.csv").read_text().splitlines()
    assert header == "step,beta,noise_level,log_snr"
    assert [int(row.split(",")[0]) for row in rows] == list(range(6))
    np.testing.assert_array_equal([float(row.split(",")[3]) for row in rows], FLOAT64.log_snr)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(1e-9, 0.999), min_size=1, max_size=30))
@pytest.mark.parametrize(
    ("name", "layout"), [("s.npy", Layout.LMNT), ("s.npy", Layout.COQUI), ("s.json", None), ("s.csv", None)]
)
def test_what_is_written_is_read_back_exactly(tmp_path_factory, name, layout, betas):
    path = tmp_path_factory.getbasetemp() / name
    write_schedule(NoiseSchedule(betas), path, layout=layout)
    assert read_schedule(path) == NoiseSchedule(betas)


def test_a_pt_file_rounds_to_float32_and_no_further(tmp_path):
    write_schedule(FLOAT64, tmp_path / "s.pt")
    np.testing.assert_array_equal(read_schedule(tmp_path / "s.pt").betas, FLOAT64.betas.astype(np.float32))


def test_betas_that_float32_would_make_illegal_are_not_written(tmp_path):
    for beta in (1 - 1e-9, 1e-60):
        with pytest.raises(InputError, match="float32"):
            write_schedule(NoiseSchedule(np.array([beta])), tmp_path / "s.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "layout"),
    [("s.txt", None), ("s", None), ("s.ns", None), ("s.pt", Layout.LMNT), ("s.json", Layout.CSV)],
)
def test_an_ending_that_does_not_fit_is_refused(tmp_path, name, layout):
    with pytest.raises(InputError, match=r"use \.pt \(ivanvovk\)"):
        write_schedule(SCHEDULE, tmp_path / name, layout=layout)


# --- what the wild holds --------------------------------------------------------------------------


def test_torch_files_of_all_published_kinds_are_read(tmp_path):
    betas = SCHEDULE.betas.astype(np.float32)
    kinds = {
        "tensor": torch.from_numpy(betas),  # 7iters.pt, 1000iters.pt
        "list of tensors": [torch.tensor(beta) for beta in betas],  # 6iters.pt, 12, 50, 100
        "list of floats": SCHEDULE.betas.tolist(),  # 25iters.pt
        "double tensor": torch.from_numpy(betas.astype(np.float64)),
    }
    for name, content in kinds.items():
        assert read_schedule(save(tmp_path / f"{name}.pt", content)) == SCHEDULE


def test_torch_files_of_before_the_zip_container_are_read(tmp_path):
    content = torch.from_numpy(SCHEDULE.betas.astype(np.float32))
    assert read_schedule(save(tmp_path / "s.pt", content, _use_new_zipfile_serialization=False)) == SCHEDULE


NAMED = named.published_schedules() | named.universal_schedules() | {"karras-12": karras(12, 0.002, 10.0)}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_schedule_is_read_by_its_name(name):
    assert read_schedule(name) == NAMED[name]
    assert read_schedule(Path(name)) == NAMED[name]


@pytest.mark.parametrize("name", ["universal-7", "./universal-6", "universal-6.mp3", "somewhere/universal-6", "", "."])
def test_what_is_no_file_and_no_name_is_refused_in_one_line(name):
    with pytest.raises(InputError, match="not a schedule file") as caught:
        read_schedule(name)
    assert ("universal-6, " in str(caught.value)) == (not name.endswith(".mp3"))
    assert "\n" not in str(caught.value)


def bddm(schedule):
    levels = torch.from_numpy(schedule.noise_level.astype(np.float32))
    betas = torch.from_numpy(schedule.betas.astype(np.float32))
    return (
        torch.arange(len(schedule)).float(),
        levels,
        betas,
        torch.from_numpy(schedule.sigma.astype(np.float32)),
    )


def test_bddm_tuples_are_read(tmp_path):
    published = named.published("bddm-lj-7")
    assert read_schedule(save(tmp_path / "7steps.ns", bddm(published))) == published
    assert read_schedule(save(tmp_path / "7steps.pt", bddm(published))) == published


def test_a_tuple_of_four_tensors_of_one_number_is_four_betas(tmp_path):
    betas = np.array([1e-4, 1e-3, 0.1, 0.5])
    for kind in (tuple, list):
        path = save(tmp_path / "four.pt", kind(torch.tensor([beta], dtype=torch.float64) for beta in betas))
        assert read_schedule(path) == NoiseSchedule(betas)


def test_a_name_that_is_published_and_not_legal_says_why():
    with pytest.raises(InputError, match="ivanvovk-1000 is published and not legal: its step 18 is -1.43316e-07"):
        read_schedule("ivanvovk-1000")


def test_bddm_tuples_whose_betas_belong_to_other_levels_are_refused(tmp_path):
    steps, levels, betas, sigma = bddm(named.published("bddm-lj-7"))
    refuse(save(tmp_path / "ddim.ns", (steps, levels, betas.flip(0), sigma)), "do not give its noise levels")
    refuse(save(tmp_path / "short.ns", (steps, levels[:3], betas, sigma)), "do not give its noise levels")


def test_npy_files_of_numpy_2_with_a_pickled_dict_are_read(tmp_path):
    stats: Any = {"beta": FLOAT64.betas}
    np.save(tmp_path / "s.npy", stats, allow_pickle=True)  # as coqui's tune_wavegrad.py does
    assert read_schedule(tmp_path / "s.npy") == FLOAT64


@pytest.mark.parametrize(
    "text",
    [
        "beta\n0.1\n0.2\n",
        "0.1\n0.2\n",
        "n, Beta\n0, 0.1\n1, 0.2\n\n",
        "\ufeffbeta\r\n0.1\r\n0.2\r\n",
        "step;beta\n0;0.1\n1;0.2\n",
        "betas\tname\n0.1\ta\n0.2\tb\n",
        "1.0e-01\n2.0e-01",  # numpy.savetxt
        "# made by hand, 2 steps; draft\n1.0e-01\n2.0e-01\n",  # its header=
        "# step beta\n0.0e+00 1.0e-01\n1.0e+00 2.0e-01\n",
        "# step,beta\n0.0e+00,1.0e-01\n1.0e+00,2.0e-01\n",
        "0.1,0.2",
        "0.1, 0.2,\n",
        "1.0e-01 2.0e-01\n",  # numpy.savetxt of one row
        "0,1;0,2\n",
        "0.1\n0.2\n   \n",
        "n,beta\n0,0.1\n1,0.2\n , \n",
        "sep=;\nstep;beta\n0;0,1\n1;0,2\n",  # Excel's
        'sep=,\r\n"beta"\r\n0.1\r\n0.2\r\n',
        "sep=\t\nbeta\tname\n0.1\ta\n0.2\tb\n",
        "[0.1, 0.2]\n",
        "betas = [\n    0.1,\n    0.2,\n]\n",
        "array([0.1, 0.2], dtype=float32)",
        "tensor([0.1000, 0.2000], dtype=torch.float64)\n",
        "[1.e-01 2.e-01]",  # print of an array
        "[0.1 0.2];",  # Matlab's
        "betas:\n  - 0.1\n  - 0.2\n",  # YAML
        "---\nbeta: [0.1, 0.2]\n",
        "- 0.1\n- 0.2\n",
        "0.1  # the cleanest\n0.2\n",
        "// by hand\n0.1\n0.2\n",
        ",beta\n0,0.1\n1,0.2\n",  # pandas, with its index
        ",0\n0,0.1\n1,0.2\n",  # its series
        "0,0.1\n1,0.2\n",
        "1 0.1\n2 0.2\n",
        "0,1\n0,2\n",  # one decimal comma a row
        "beta\n0,10\n0,20\n",
        'n,beta\n0,"0,1"\n1,"0,2"\n',
        "beta,0.1,0.2\n",
        "step,0,1\nbeta,0.1,0.2\n",
        "t,beta_t\n0,0.1\n1,0.2\n",
        "noise_schedule\n0.1\n0.2\n",
    ],
)
def test_tables_are_read_as_people_and_programs_write_them(tmp_path, text):
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    assert read_schedule(tmp_path / "s.csv") == NoiseSchedule(np.array([0.1, 0.2]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("ending", ["csv", "txt", "tsv"])
def test_tables_are_read_in_the_encodings_of_windows(tmp_path, encoding, ending):
    (tmp_path / f"s.{ending}").write_text("größe\tbeta\n1\t0.1\n2\t0.2\n", encoding=encoding)
    assert read_schedule(tmp_path / f"s.{ending}") == NoiseSchedule(np.array([0.1, 0.2]))


def test_the_ending_may_be_in_capitals(tmp_path):
    write_schedule(FLOAT64, tmp_path / "S.JSON")
    assert read_schedule(tmp_path / "S.JSON") == FLOAT64


@pytest.mark.parametrize(
    "content",
    [
        {"beta": [0.1, 0.2]},
        {"betas": [0.1, 0.2]},
        {"Beta": [0.1, 0.2]},
        {"noise_schedule": [0.1, 0.2]},
        {"params": {"noise_schedule": [0.1, 0.2]}},
        {"name": "mine", "schedule": {"betas": [0.1, 0.2]}},
        {"beta": {"0": 0.1, "1": 0.2}},  # pandas' to_json
        [{"step": 0, "beta": 0.1}, {"step": 1, "beta": 0.2}],  # its orient="records"
        [[0.1, 0.2]],
        {"betas": [[0.1], [0.2]]},
    ],
)
def test_json_may_hold_its_list_as_others_write_it(tmp_path, content):
    (tmp_path / "s.json").write_text(json.dumps(content))
    assert read_schedule(tmp_path / "s.json") == NoiseSchedule(np.array([0.1, 0.2]))


@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_two_lists_of_betas_in_one_file_are_refused(tmp_path, save):
    path = tmp_path / ("s.pt" if save is torch.save else "s.npy")
    save({"beta": [0.1], "betas": [0.2]}, path)
    refuse(path, "'beta' and 'betas' stand side by side; keep one")


def test_a_json_without_provenance_has_none(tmp_path):
    (tmp_path / "s.json").write_text('{"schema": 1, "betas": [0.1]}')
    assert read_provenance(tmp_path / "s.json") == {}


def published_1000():
    """As the published 1000iters.pt: its 19th beta is negative."""
    betas = np.linspace(1e-6, 1e-2, 1000, dtype=np.float32)
    betas[18] = -1.433164698028122e-07
    return torch.from_numpy(betas)


def test_an_illegal_file_is_opened_and_says_why(tmp_path):
    found = open_schedule(save(tmp_path / "1000iters.pt", published_1000()))
    assert len(found.betas) == 1000
    assert found.fault == "beta must lie in (0, 1): step 18 is -1.43316e-07"
    assert found.read_by == (Layout.IVANVOVK,)  # its code does not look at the values
    with pytest.raises(InputError, match="1000iters.pt: beta must lie"):
        found.schedule()


def test_a_legal_file_has_no_fault(tmp_path):
    write_schedule(SCHEDULE, tmp_path / "s.pt")
    found = open_schedule(tmp_path / "s.pt")
    assert found.fault is None
    assert found.schedule() == SCHEDULE


def takes(tmp_path, name, put):
    """Whose loaders take the file, and what is said of its content."""
    put(tmp_path / name)
    found = open_schedule(tmp_path / name)
    np.testing.assert_array_equal(found.betas, SCHEDULE.betas)
    return [str(layout) for layout in found.read_by], found.content


FLOAT32 = torch.from_numpy(SCHEDULE.betas.astype(np.float32))
LISTED = SCHEDULE.betas.tolist()


def as_npy(content):
    return lambda path: np.save(path, content, allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "put", "read_by", "content"),
    [
        ("s.pt", lambda path: torch.save(FLOAT32, path), ["ivanvovk"], "a 1-D float32 tensor"),
        ("s.pth", lambda path: torch.save(FLOAT32.double(), path), ["ivanvovk"], "a 1-D float64 tensor"),
        (
            "s.pt",
            lambda path: torch.save(torch.nn.Parameter(FLOAT32), path),
            [],
            "a 1-D float32 tensor that requires gradients",
        ),
        (
            "s.pt",
            lambda path: torch.save(FLOAT32.clone().requires_grad_(), path),
            [],
            "a 1-D float32 tensor that requires gradients",
        ),
        ("s.pt", lambda path: torch.save(list(FLOAT32), path), [], "a list of tensors"),
        ("s.pt", lambda path: torch.save(LISTED, path), [], "a list of numbers"),
        ("s.pt", lambda path: torch.save({"betas": FLOAT32}, path), [], "a dict whose 'betas' is a 1-D float32 tensor"),
        ("s.npy", as_npy(SCHEDULE.betas), ["lmnt"], "a float64 array"),
        ("s.npy", as_npy(FLOAT32.numpy()), ["lmnt"], "a float32 array"),
        ("s.npy", as_npy(SCHEDULE.betas.astype(object)), [], "a pickled array of objects"),
        ("s.npy", as_npy({"beta": SCHEDULE.betas}), ["coqui"], "a pickled dict whose 'beta' is a float64 array"),
        ("s.npy", as_npy({"beta": LISTED}), [], "a pickled dict whose 'beta' is a list"),
        ("s.npy", as_npy({"betas": SCHEDULE.betas}), [], "a pickled dict whose 'betas' is a float64 array"),
        (
            "s.npy",
            lambda path: path.write_bytes(pickle.dumps({"beta": SCHEDULE.betas})),
            [],
            "a pickled dict whose 'beta' is a float64 array",
        ),
        ("s.json", lambda path: path.write_text(json.dumps(LISTED)), [], "a JSON list"),
        ("s.json", lambda path: path.write_text(json.dumps({"betas": LISTED})), [], "a JSON object"),
        (
            "s.json",
            lambda path: write_schedule(SCHEDULE, path, provenance={"seed": 1}),
            [],
            "JSON with provenance, schema 1",
        ),
        ("s.npy", as_npy(SCHEDULE.betas[None]), [], "a float64 array"),
        ("s.npz", lambda path: np.savez(path, SCHEDULE.betas), [], "an archive with a float64 array"),
        ("s.npz", lambda path: np.savez(path, n=1, betas=SCHEDULE.betas), [], "an archive with a float64 array"),
        ("s.npz", lambda path: np.savez_compressed(path, beta=SCHEDULE.betas), [], "an archive with a float64 array"),
        ("s.pt", lambda path: torch.save(FLOAT32[None], path), [], "a 1-D float32 tensor in one row"),
        ("s.pt", lambda path: torch.save(FLOAT32[:, None], path), [], "a 1-D float32 tensor in one column"),
        ("s.csv", lambda path: write_schedule(SCHEDULE, path), [], "a table"),
        ("s.txt", lambda path: np.savetxt(path, SCHEDULE.betas), [], "a table"),
    ],
)
def test_every_kind_of_the_wild_is_read_and_named_with_whose_code_takes_it(tmp_path, name, put, read_by, content):
    assert takes(tmp_path, name, put) == (read_by, content)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("content", [FLOAT32, {"beta": FLOAT32}], ids=["tensor", "dict"])
def test_betas_saved_on_a_gpu_are_read_and_no_code_takes_them_as_they_are(tmp_path, monkeypatch, zipped, content):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")  # as on a machine with a GPU
    torch.save(content, tmp_path / "s.pt", _use_new_zipfile_serialization=zipped)
    found = open_schedule(tmp_path / "s.pt")
    np.testing.assert_array_equal(found.betas, SCHEDULE.betas)
    assert found.content.endswith("a 1-D float32 tensor on cuda:0")
    assert found.read_by == ()


@pytest.mark.parametrize("wrapped", [lambda betas: betas, lambda betas: {"beta": betas}], ids=["array", "dict"])
def test_nobodys_code_samples_with_half_precision(tmp_path, wrapped):
    as_npy(wrapped(SCHEDULE.betas.astype(np.float16)))(tmp_path / "s.npy")
    assert open_schedule(tmp_path / "s.npy").read_by == ()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_table_of_another_delimiter_may_have_decimal_commas(tmp_path, mark):
    path = tmp_path / "s.csv"
    path.write_text(f"step{mark}beta\n0{mark}0,1\n1{mark}2,5e-1\n")
    assert read_schedule(path).betas.tolist() == [0.1, 0.25]


def test_decimal_commas_without_semicolons_are_not_two_columns(tmp_path):
    (tmp_path / "s.csv").write_text("n,beta\n0,0,001\n1,0,01\n")
    refuse(tmp_path / "s.csv", "a row is longer than the header; with decimal commas put semicolons")
    (tmp_path / "s.csv").write_text("beta\n0.1,\n0.2, \n")  # an empty cell is nothing
    assert read_schedule(tmp_path / "s.csv").betas.tolist() == [0.1, 0.2]


@pytest.mark.parametrize("ending", ["pt", "npy"])
def test_an_empty_binary_file_is_called_so(tmp_path, ending):
    (tmp_path / f"s.{ending}").write_bytes(b"")
    refuse(tmp_path / f"s.{ending}", "the file is empty, 0 bytes; copy it again")


def test_a_plain_json_list_has_no_provenance(tmp_path):
    (tmp_path / "s.json").write_text("[0.1]")
    assert read_provenance(tmp_path / "s.json") == {}


# --- what is refused ------------------------------------------------------------------------------


def test_an_illegal_beta_is_refused_with_file_and_step(tmp_path):
    betas = np.full(1000, 1e-6, np.float32)
    betas[18] = -1.433164698028122e-07  # as in the published 1000iters.pt
    refuse(
        save(tmp_path / "1000iters.pt", torch.from_numpy(betas)),
        r"1000iters.pt: beta .* step 18 is -1.43316e-07",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"gamma": torch.zeros(3)}, "expected the key 'beta', got 'gamma'"),
        ({"optimizer": {"betas": [0.9, 0.999]}, "model": {}}, "expected the key 'beta', got 'optimizer', 'model'"),
        ({"beta": {"beta": torch.zeros(2, 3)}}, "a list of numbers, got a Tensor of shape"),
        (np.zeros((2, 3)), r"got a ndarray of shape \(2, 3\)"),
        (np.array([1, 2]), r"got a ndarray of shape \(2,\)"),
        (torch.zeros(2, 3), r"got a Tensor of shape \(2, 3\)"),
        (torch.tensor(0.1), r"got a Tensor of shape \(\)"),
        (torch.tensor([1, 2]), "floating point, got torch.int64"),
        (torch.zeros(1).expand(10**7), "too long"),
        (torch.tensor([0.1 + 0j]), "floating point"),
        ([0.1, "0.2"], "got a str in it"),
        ([0.1, True], "got a bool in it"),
        ([torch.zeros(2)], r"got a Tensor of shape \(2,\) in it"),
        ([], "non-empty"),
        ("text", "got a str"),
        (torch.zeros(3).to_sparse(), "sparse|not a readable"),
    ],
)
def test_torch_files_of_other_content_are_refused(tmp_path, content, message):
    refuse(save(tmp_path / "s.pt", content), message)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", ">f8"])
@pytest.mark.parametrize("wrap", [lambda betas: betas, lambda betas: {"beta": betas, "n": np.int64(6)}])
def test_numpy_arrays_that_torch_saved_are_read(tmp_path, wrap, dtype, legacy):
    betas = SCHEDULE.betas.astype(dtype)
    torch.save(wrap(betas), tmp_path / "s.pt", _use_new_zipfile_serialization=not legacy)
    np.testing.assert_array_equal(read_schedule(tmp_path / "s.pt").betas, betas.astype(np.float64))


def test_a_list_of_numpy_numbers_that_torch_saved_is_read(tmp_path):
    save(tmp_path / "s.pt", list(SCHEDULE.betas))
    np.testing.assert_array_equal(read_schedule(tmp_path / "s.pt").betas, SCHEDULE.betas)


class Runs:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("name", ["s.pt", "s.ns", "s.npy"])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, name):
    mark = tmp_path / "mark"
    if name == "s.npy":
        (tmp_path / name).write_bytes(pickle.dumps({"beta": Runs(str(mark))}))
    else:
        save(tmp_path / name, [Runs(str(mark))])
    refuse(tmp_path / name, "refused, it asks for posix.mkdir")
    assert not mark.exists()


def test_an_archive_that_inflates_is_refused(tmp_path):
    path = save(tmp_path / "s.pt", torch.zeros(10_000_000))
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            target.writestr(entry, source.read(entry))
    path.write_bytes(packed.getvalue())
    assert path.stat().st_size < 1 << 20
    refuse(path, "unpacks to more")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"gamma": [0.1]}, "expected the key 'beta', got 'gamma'"),
        ({"beta": "0.1"}, "expected an array of betas, got a str"),
        ({"beta": [0.1, "0.2"]}, "got a str in it"),
        ({"beta": np.array(0.1)}, r"got shape \(\)"),
        (np.array([1, 2]), r"floating-point numbers: got shape \(2,\) of int64"),
        ({"beta": np.array([True])}, "of bool"),
        ([0.1], "expected an array of betas, got a list"),
    ],
)
def test_numpy_files_of_other_content_are_refused(tmp_path, content, message):
    (tmp_path / "s.npy").write_bytes(pickle.dumps(content))
    refuse(tmp_path / "s.npy", message)


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (lambda path: np.savez(path, a=[0.1], b=[0.2]), "expected the key 'beta', got 'a', 'b'"),
        (lambda path: np.savez(path, x=[0.1]), "expected the key 'beta', got 'x'"),
        (lambda path: np.savez(path, beta=np.array({})), "got none"),
        (lambda path: np.savez_compressed(path, beta=np.zeros(1_000_000)), "unpacks to more"),
        (lambda path: torch.save([0.1], path), "torch.save wrote it, not NumPy; let its name end in .pt"),
        (lambda path: path.write_bytes(b"PK\x03\x04 torn"), "not a readable .npz file"),
        (lambda path: path.write_bytes(b"\x1f\x8b"), "a packed file"),
    ],
)
def test_archives_of_other_content_are_refused(tmp_path, save, message):
    save(tmp_path / "s.npz")
    refuse(tmp_path / "s.npz", message)


@pytest.mark.parametrize("text", ["sigmas: [0.1, 0.2]", "my.sigmas = np.array([0.1, 0.2])", "---\nsigmas:\n [0.1]"])
def test_a_list_of_another_name_is_refused_as_in_json(tmp_path, text):
    (tmp_path / "s.txt").write_text(text)
    refuse(tmp_path / "s.txt", "expected the key 'beta', got 'sigmas'")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON, and is not "),
        ("{", "must be JSON, and is not "),
        ("[" * 100_000, "must be JSON, and is not "),
        ("0.1", '"schema": 1'),
        ('["0.1"]', "got a str in it"),
        ('{"beta": [0.1], "betas": [0.2]}', "'beta' and 'betas' stand side by side; keep one"),
        ('{"betas": [0.1], "betas": [0.2]}', "'betas' stands 2 times in one object; keep one"),
        ('{"betas": [0.1], "provenance": {"a": 1, "a": 2}}', "'a' stands 2 times in one object"),
        ('{"alphas": [0.1]}', "expected the key 'beta', got 'alphas'"),
        ('{"alphas_cumprod": [0.9]}', "give the list of alphas_cumprod alone, and convert --from alphas_cumprod"),
        ('{"train": {"schedule": {"betas": [1]}}, "test": {}}', "expected the key 'beta', got 'train', 'test'"),
        ("version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        ('{"schema": 2, "betas": [0.1]}', '"schema": 1'),
        ('{"schema": 1}', "expected the key 'beta', got 'schema'"),
        ('{"schema": 1, "betas": []}', "non-empty"),
        ('{"schema": 1, "betas": [[0.1, 0.2], [0.3, 0.4]]}', "got a list in it"),
        ('{"schema": 1, "betas": [true]}', "got a bool in it"),
        ('{"schema": 1, "betas": [NaN]}', "finite: step 0 is nan"),
        ('{"schema": 1, "betas": [1e999]}', "finite: step 0 is inf"),
        ('{"schema": 1, "betas": [1' + "0" * 400 + "]}", "too large"),
        ('{"schema": 1, "betas": [0.1, 2]}', "step 1 is 2"),
    ],
)
def test_json_of_other_content_is_refused(tmp_path, text, message):
    (tmp_path / "s.json").write_text(text)
    refuse(tmp_path / "s.json", message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "column named beta"),
        (b"\n\n", "column named beta"),
        (b"beta\n", "non-empty"),
        (b"a,b\n0.1,0.2\n", "columns are a, b"),
        (b"0.1,0.2\n0.3,0.4\n", "columns are 0.1, 0.2"),
        (b"0.1\n0.2,0.3\n", "columns are 0.2, 0.3"),
        (b"0.1\n0.2;0.3\n", "could not convert string to float"),
        (b"# beta\n", "it is empty"),
        (b"sep=;\n", "it is empty"),
        (b"0\x001\x00", "save it as text in UTF-8"),
        (b"0.1\n[0.2, 0.3", "columns are"),
        (b"0,1\n5,2.5\n", "columns are 0, 1; call the right one beta"),
        (b"beta\n0.1\nx\n", "could not convert string to float: 'x'"),
        (b"n,beta\n0,0.1\n1\n", "column named beta"),
        (b"\xff\xfe", "column named beta"),
        (b"beta\n1.5\n", "step 0 is 1.5"),
        (b"beta,beta\n0.1,0.2\n", "beta stands 2 times; keep one"),
        (b"beta;step\n0,1,1;0\n", "could not convert string to float"),
    ],
)
def test_csv_of_other_content_is_refused(tmp_path, text, message):
    (tmp_path / "s.csv").write_bytes(text)
    refuse(tmp_path / "s.csv", message)


ENDINGS = [".pt", ".ns", ".npy", ".json", ".csv"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_missing_empty_oversized_and_foreign_files_are_one_line(tmp_path, ending):
    path = tmp_path / f"s{ending}"
    refuse(path, "No such file")
    path.mkdir()
    refuse(path, "directory")
    path.rmdir()
    for content in (b"", b"\x00" * 100, b"PK\x03\x04 torn", b"<html></html>"):
        path.write_bytes(content)
        refuse(path)
    path.write_bytes(bytes((1 << 20) + 1))
    refuse(path, "larger than 1048576 bytes")


def test_an_unknown_ending_is_refused(tmp_path):
    refuse(tmp_path / "s.pkl", r"ends in \.pt, \.pth, \.ns, \.npy, \.json, \.csv, \.txt")


@pytest.mark.parametrize("ending", [".pt", ".npy", ".json"])
def test_every_truncation_is_one_line(tmp_path, ending):
    whole = tmp_path / f"whole{ending}"
    write_schedule(SCHEDULE, whole, layout=Layout.COQUI if ending == ".npy" else None)
    content = whole.read_bytes().rstrip()
    torn = tmp_path / f"torn{ending}"
    for length in range(0, len(content), max(1, len(content) // 40)):
        torn.write_bytes(content[:length])
        refuse(torn)


# --- a file is there whole or not at all ----------------------------------------------------------


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "s.json"
    write_schedule(SCHEDULE, path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*No space left on device"):
        write_schedule(FLOAT64, path)
    assert read_schedule(path) == SCHEDULE
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_replaces_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "s.json"
    write_schedule(SCHEDULE, path)
    write_schedule(FLOAT64, path)
    assert read_schedule(path) == FLOAT64
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_or_a_folder_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "s.json").mkdir()
    for path in (tmp_path / "none" / "s.json", tmp_path / "file" / "s.json", tmp_path / "s.json"):
        with pytest.raises(InputError, match="cannot write") as caught:
            atomic_write(path, b"x")
        assert "\n" not in str(caught.value)
    assert {entry.name for entry in tmp_path.iterdir()} == {"file", "s.json"}


def test_leftovers_are_swept_but_not_what_another_is_writing(tmp_path, monkeypatch):
    (tmp_path / ".s.json.abc.part").write_bytes(b"{")
    monkeypatch.setattr(os, "fsync", lambda file: sweep(tmp_path))  # as another process may, in mid-write
    atomic_write(tmp_path / "s.json", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.json"] and (tmp_path / "s.json").read_bytes() == b"x"


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    refuse(tmp_path / "a.json", "is a pipe or a device")


@pytest.mark.parametrize("score", [float("nan"), np.int64(1)])
def test_provenance_that_json_cannot_hold_is_one_line(tmp_path, score):
    with pytest.raises(InputError, match="provenance must be plain JSON"):
        write_schedule(NoiseSchedule(np.array([0.1])), tmp_path / "a.json", provenance={"score": score})
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_schedule_is_not_written(tmp_path):
    with pytest.raises(InputError, match="must be a NoiseSchedule, and is a list; make NoiseSchedule"):
        write_schedule([0.1, 0.2], tmp_path / "a.pt")  # type: ignore[arg-type]


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    with pytest.raises(InputError, match="1048576 bytes at most to be read again, and these 140000 steps"):
        write_schedule(NoiseSchedule(np.full(140_000, 1e-6)), tmp_path / "s.npy")
    assert not list(tmp_path.iterdir())


def test_a_name_as_long_as_the_file_system_takes_can_be_written(tmp_path):
    name = "語" * 83 + ".json"  # 254 bytes of 255
    atomic_write(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
