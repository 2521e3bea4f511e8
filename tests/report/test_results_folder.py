"""One search owns its results folder while it writes all of it: tables, schedules, audio and page."""

import json
import threading

import soundfile

from schedsearch.report.results_folder import owned

SHORT = ("--budget", "1candidates", "--strategy", "random")


def comments(folder):
    """What each file of audio says that it was made from."""
    return {path.name: soundfile.SoundFile(path).comment for path in sorted((folder / "audio").glob("held_out0/*"))}


def test_a_search_writes_nothing_while_another_writes_its_results(toy, memory):
    """Whatever stores the trials: this store locks nothing, as that of a server has no lock on folders."""
    toy.folder.mkdir(parents=True)
    seen = []

    def look():
        seen.append(sorted(path.name for path in toy.folder.iterdir()))

    owner = owned(toy.folder)
    owner.__enter__()
    held = threading.Timer(4.0, lambda: (look(), owner.__exit__(None, None, None)))  # by then the search is at its end
    held.start()
    assert toy.search(*SHORT) == 0
    held.join()
    assert seen == [["audio"]]
    assert (toy.folder / "report.html").exists()


def test_audio_page_and_schedule_are_of_the_search_that_wrote_last(toy, memory):
    assert toy.search(*SHORT) == 0
    first = comments(toy.folder)
    stray = toy.folder / "audio" / "held_out9" / "searched.flac"
    stray.parent.mkdir()
    (toy.folder / "audio" / "held_out0" / "searched.flac").rename(stray)
    own = toy.folder / "audio" / "held_out0" / "mine.flac"
    soundfile.write(own, [0.0] * 100, 16000)
    assert toy.search(*SHORT, "--seed", "1") == 0
    second = comments(toy.folder)
    assert not set(first.values()) & set(second.values())
    assert not stray.exists()
    assert own.exists()  # none of this program's
    assert json.loads((toy.folder / "run.json").read_text())["seeds"]["search"] == 1


def test_a_search_keeps_its_own_audio(toy, memory):
    assert toy.search(*SHORT) == 0
    times = {path: path.stat().st_mtime_ns for path in (toy.folder / "audio").rglob("*.flac")}
    assert toy.search(*SHORT) == 0
    assert {path: path.stat().st_mtime_ns for path in (toy.folder / "audio").rglob("*.flac")} == times
