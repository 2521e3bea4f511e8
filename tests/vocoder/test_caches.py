"""Where neither the installation nor a home can be written, the caches of numba and Matplotlib stand elsewhere."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from vocoder import caches

NAMES = ("NUMBA_CACHE_DIR", "MPLCONFIGDIR")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Gives an empty folder for temporary files. HOME does not exist, and no cache variable is set."""
    for name in (*NAMES, "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    for name in NAMES:  # the test's, set behind monkeypatch's back
        os.environ.pop(name, None)


def unwritable_installation(monkeypatch):
    real = caches._is_writable
    monkeypatch.setattr(caches, "_is_writable", lambda path: "site-packages" not in str(path) and real(path))


def test_what_can_be_written_is_left_alone(elsewhere, monkeypatch):
    monkeypatch.setenv("HOME", str(elsewhere))
    caches.use_writable_caches()
    assert not set(NAMES) & set(os.environ)


def test_caches_move_to_a_folder_of_the_users_own_which_every_process_finds(elsewhere, monkeypatch):
    unwritable_installation(monkeypatch)
    caches.use_writable_caches()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert os.environ["MPLCONFIGDIR"] == str(folder)
    assert folder.parent == elsewhere
    assert folder.stat().st_mode & 0o777 == 0o700
    assert caches._temporary() == folder


def test_what_the_user_set_stays(elsewhere, monkeypatch):
    unwritable_installation(monkeypatch)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/mine")
    caches.use_writable_caches()
    assert os.environ["NUMBA_CACHE_DIR"] == "/mine"


@pytest.mark.parametrize("make", [lambda path: path.mkdir(mode=0o777), lambda path: path.symlink_to("/tmp")])
def test_a_folder_that_others_could_fill_is_not_taken(elsewhere, make):
    place = caches._temporary()
    place.rmdir()
    make(place)
    if not place.is_symlink():
        place.chmod(0o777)
    assert caches._temporary() != place


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root, to mount read-only")
def test_a_read_only_installation_and_home_import_librosa(tmp_path):
    root = Path(sys.prefix)
    mel = "librosa.filters.mel(sr=8000, n_fft=512, n_mels=8)"
    code = f"import vocoder.front_ends, librosa, matplotlib.pyplot as p; {mel}; print(1)"
    mounted = f"mount --bind {root} {root} && mount -o remount,bind,ro {root}"
    command = f"{mounted} && HOME=/proc/nowhere TMPDIR={tmp_path} {sys.executable} -W error::UserWarning -c '{code}'"
    clean = {name: value for name, value in os.environ.items() if name not in NAMES}
    ran = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True, env=clean)
    if "mount" in ran.stderr:
        pytest.skip("mounting is not allowed here")
    assert ran.stdout == "1\n", ran.stderr
