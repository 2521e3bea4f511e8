"""The study of a TTS's mels: what it says of bad input."""

from pathlib import Path

import pytest

from experiments.tts_mels import main


def test_a_folder_without_the_voice_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tts_mels: ")
