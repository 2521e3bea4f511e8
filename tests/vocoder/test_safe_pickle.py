"""A stranger's pickle gives numbers or one line of refusal, and never runs."""

import io
import os
import pickle
import pickletools
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import load_numpy_pickle, read_bounded


def refuse(path, message=None):
    with pytest.raises(InputError, match=message) as caught:
        load_numpy_pickle(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "file.npy"
        path.write_bytes(content)
        return path

    return written


class Runs:
    """A pickle of this leaves a mark when it runs."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


ARRAYS = {
    "float64": np.array([1e-6, 0.5]),
    "float32": np.array([[1, 2, 3], [4, 5, 6]], np.float32),
    "fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big-endian": np.arange(4, dtype=">i2"),
    "empty": np.zeros((0, 3)),
    "zero-dimensional": np.array(2.5),
    "bool": np.array([True, False]),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_equal_from_every_protocol(write, name, protocol):
    array = ARRAYS[name]
    loaded = load_numpy_pickle(write(pickle.dumps({"x": array}, protocol=protocol)))["x"]
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_containers_and_scalars_come_back_equal(write, protocol):
    content: dict[str, Any] = {
        "list": [1, 2.5, None, True],
        "tuple": ("a", b"b"),
        "nested": {"x": [{"y": -(2**70)}]},
        "set": {1, 2},
        "empty": b"",
    }
    content["scalars"] = [np.float32(0.1), np.int64(3), np.float64(1e-6)]
    content["ordered"] = OrderedDict(a=1)
    assert load_numpy_pickle(write(pickle.dumps(content, protocol=protocol))) == content


def test_a_dict_stored_by_numpy_save_is_unwrapped(tmp_path):
    path = tmp_path / "stats.npy"
    stats: Any = {"mel_mean": np.arange(3.0), "audio_config": {"sample_rate": 22050}}
    np.save(path, stats, allow_pickle=True)
    loaded = load_numpy_pickle(path)
    np.testing.assert_array_equal(loaded["mel_mean"], np.arange(3.0))
    assert loaded["audio_config"] == {"sample_rate": 22050}


def test_an_object_array_keeps_its_shape_and_items(tmp_path):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([[1, "a"], [None, 2.5]], dtype=object), allow_pickle=True)
    loaded = load_numpy_pickle(path)
    assert loaded.shape == (2, 2) and loaded.tolist() == [[1, "a"], [None, 2.5]]


@pytest.mark.parametrize("name", ARRAYS)
def test_a_plain_npy_comes_back_equal(tmp_path, name):
    path = tmp_path / "plain.npy"
    np.save(path, ARRAYS[name])
    np.testing.assert_array_equal(load_numpy_pickle(path), ARRAYS[name])


def test_a_loaded_array_can_be_written_to(write):
    load_numpy_pickle(write(pickle.dumps(np.zeros(3))))[0] = 1.0


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_a_command_does_not(write, tmp_path, protocol):
    mark = tmp_path / "mark"
    attack = pickle.dumps({"beta": Runs(os.mkdir, str(mark))}, protocol=protocol)
    refuse(write(attack), "it asks for .*mkdir; only numbers")
    assert not mark.exists()
    pickle.loads(attack)
    assert mark.exists()  # so the attack was a real one


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Runs(eval, "1"), "asks for builtins.eval"),
        (Runs(getattr, "a", "upper"), "asks for builtins.getattr"),
        (Runs(np.load, "x"), "asks for numpy.load"),
        (Runs(np.dtype, "O8", False, True), "it holds a bare DType"),
        ({1: np.ndarray}, "it holds a bare Token"),
        (np.array(["text"]), "it holds dtype 'U4'"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "it holds dtype 'V12'"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "it holds dtype 'M8'"),
        (1 + 2j, "asks for builtins.complex"),
    ],
)
def test_names_and_kinds_outside_the_list_are_refused(write, content, message):
    refuse(write(pickle.dumps(content, protocol=4)), message)


NDARRAY = b"cnumpy\nndarray\n"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
EMPTY_ARRAY = RECONSTRUCT + b"(" + NDARRAY + b"(I0\ntC\x01bt" + b"R"
FLOAT64 = b"cnumpy\ndtype\n(X\x02\x00\x00\x00f8I0\nI1\ntR"
OBJECT = b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8I0\nI1\ntR"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # NumPy's own __setstate__ would allocate, or read past the end of the list
        (EMPTY_ARRAY + b"(I1\n(I1000000000000\nt" + FLOAT64 + b"I00\nC\x00tb", "cut short"),
        (EMPTY_ARRAY + b"(I1\n(I3\nt" + OBJECT + b"I00\n(lI1\natb", "wrong number of items"),
        (EMPTY_ARRAY + b"(I1\n(I-1\nt" + FLOAT64 + b"I00\nC\x08" + bytes(8) + b"tb", "impossible shape"),
        (EMPTY_ARRAY, "no content"),
        (EMPTY_ARRAY + b"(I1\n(I1\ntI5\nI00\nC\x00tb", "no dtype"),
        (NDARRAY + b"(tR", "it calls ndarray"),
        (RECONSTRUCT + b"(dS'name'\nS'dtype'\nsb", "tries to alter _reconstruct"),
        (b"(lq\x00h\x00a", "repeats itself or nests deeper"),
        (b"(l" * 40 + b"a" * 39, "nests deeper"),
        (b"Pabc\n", "points outside itself"),
        (b"cbuiltins\nbytes\n(I1000000000000\ntR", "not a readable NumPy file"),
        (b"r\xff\xff\xff\x7f", "absurd amount of memory"),
        (b"X\xff\xff\xff\x7f", "not a readable NumPy file"),
        (b"\x82\x01", "not a readable NumPy file"),
    ],
)
def test_hostile_pickles_are_refused(write, body, message):
    prefix = b"I1\n" if body.startswith(b"r") else b""
    refuse(write(prefix + body + b"."), message)


def test_a_small_file_cannot_grow_by_referring_to_itself(write):
    content: list[object] = [0]
    for _ in range(25):
        content = [content, content]  # 2**25 leaves from 100 bytes
    refuse(write(pickle.dumps(content)), "repeats itself")


def test_a_shape_that_promises_more_than_the_file_holds_is_refused(write, tmp_path):
    path = tmp_path / "plain.npy"
    np.save(path, np.zeros(4))
    data = path.read_bytes()
    refuse(write(data.replace(b"(4,)", b"(9,)")), "cut short")
    refuse(write(data[:-1]), "cut short")


def test_missing_files_and_folders_are_one_line(tmp_path):
    refuse(tmp_path / "none.npy", "cannot read .*No such file")
    refuse(tmp_path, "cannot read .*directory")


def test_a_file_over_the_limit_is_not_read(write):
    path = write(pickle.dumps(np.zeros(200_000)))
    refuse(path, "larger than 1048576 bytes")
    assert load_numpy_pickle(path, limit=1 << 22).shape == (200_000,)


def test_a_file_of_exactly_the_limit_is_read(write):
    assert read_bounded(write(b"12345"), limit=5) == b"12345"


GOOD = pickle.dumps({"beta": np.array([0.1, 0.2]), "n": np.float32(1), "o": [np.arange(3), "x"]}, protocol=4)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_file_is_data_or_one_line(tmp_path_factory, position, value, cut):
    damaged = GOOD[:position] if cut else GOOD[:position] + bytes([value]) + GOOD[position + 1 :]
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    path.write_bytes(damaged)
    try:
        load_numpy_pickle(path)
    except InputError as error:
        assert "\n" not in str(error)


def test_the_hand_made_pickles_above_are_well_formed():
    for body in (EMPTY_ARRAY, FLOAT64, OBJECT):
        pickletools.dis(body + b".", out=io.StringIO())
