"""Obtains a voice of Asterisk's prompts: `python -m experiments.obtain_asterisk VOICE OUT_FOLDER [--deb FILE]`.

| VOICE | speaker | Debian's package |
|---|---|---|
| demo | Allison Smith, English, 16 kHz | asterisk-core-sounds-en-g722 |
| demo-8k | the same prompts at 8 kHz | asterisk-core-sounds-en-wav |
| june-16k | June Wallack, Canadian French, 16 kHz | asterisk-core-sounds-fr-g722 |

All are CC-BY-SA-3.0 (see demo/LICENSE.md and june-16k/LICENSE.md). At 16 kHz they are coded in G.722 (ITU-T G.722,
64 kbit/s: one byte holds two samples). Writes 16-bit mono FLAC, levels as recorded, nothing trimmed, to
OUT_FOLDER/train and OUT_FOLDER/clips/{search,held_out}, and checks the clips sample for sample against the committed
table.
"""

import argparse
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from experiments.obtaining import clip_row, pcm_sha256, reason_of, refuse_strangers, write_flac, write_table

NOT_SPEECH = {
    *(f"silence__{seconds}" for seconds in range(1, 11)),
    "ascending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave", "descending-2tone", "tt-monkeys",
}  # fmt: skip

# Whole sentences of 2 to 6 s. By the published transcripts, no English clip has half its words in one run in another
# prompt. No 0.6 s of a clip reappears as the same recording in another file: the normalised cross-correlation of the
# pre-emphasised waveforms (at 4 kHz, the best lags of the English ones again at 16 kHz; the French ones cut every
# 0.6 s) is at most 0.66 in English and 0.77 in French, where a planted copy (half level,
# shifted, noise added) gives 1.00. Left out whole are the families spoken from one template: conf-*menu*,
# confbridge-*-vol-*, dir-intro*, agent-*, vm-rec-*, vm-tempgreeting*.
CLIPS = [
    "conf-noempty", "conf-roll-callcomplete", "confbridge-lock-no-join", "confbridge-pin-bad", "demo-nomatch",
    "demo-thanks", "dictate__both_help", "dir-nomatch", "dir-nomore", "feature-not-avail-line",
    "followme__options", "followme__status", "pbx-invalidpark", "priv-callpending", "priv-introsaved",
    "privacy-prompt", "privacy-unident", "speed-dial-empty", "ss-noservice", "tt-monkeysintro", "tt-weasels",
    "unidentified-no-callback", "vm-forward", "vm-forward-multiple", "vm-forwardoptions",
    "vm-invalid-password", "vm-mailboxfull", "vm-mismatch", "vm-nobodyavail", "vm-nobox", "vm-nonumber",
    "vm-savefolder", "vm-sorry", "vm-tmpexists", "vm-toforward", "vm-whichbox",
]  # fmt: skip


# Four of these are longer than 6 s in French.
FRENCH = sorted(
    {*CLIPS, "call-fwd-no-ans", "cannot-complete-as-dialed", "demo-enterkeywords", "transfer"}
    - {"dictate__both_help", "vm-forward", "vm-forward-multiple", "vm-forwardoptions"}
)


@dataclass(frozen=True)
class Source:
    """A voice: where it comes from and which of its prompts are kept out of training."""

    package: str
    folder: str  # inside the package, whose other folders are documents
    ending: str
    rate: int  # Hz
    clips: Sequence[str]
    table: Path  # of the committed clips

    @property
    def by_hand(self) -> str:
        """Says what to do where it cannot be downloaded."""
        return f"download Debian's package {self.package} on another machine and pass the file with --deb FILE"

    def split_of(self, name: str) -> str:
        """Returns the folder of a prompt: every third clip in alphabetical order is for the search (12), the others
        are held out (24), the rest is for training."""
        if name not in self.clips:
            return "train"
        return "clips/search" if sorted(self.clips).index(name) % 3 == 0 else "clips/held_out"


HERE = Path(__file__).parent
CORE = "asterisk-core-sounds"
ALLISON, JUNE = "/en_US_f_Allison/", "/fr_CA_f_June/"
SOURCES = {
    "demo": Source(f"{CORE}-en-g722", ALLISON, ".g722", 16000, CLIPS, HERE / "demo/16000hz/clips.csv"),
    "demo-8k": Source(f"{CORE}-en-wav", ALLISON, ".wav", 8000, CLIPS, HERE / "demo/8000hz/clips.csv"),
    "june-16k": Source(f"{CORE}-fr-g722", JUNE, ".g722", 16000, FRENCH, HERE / "june-16k/16000hz/clips.csv"),
}


def download(source: Source, folder: Path) -> Path:
    """Runs `apt-get download`, which needs no root rights, but the lists of an `apt-get update`."""
    if shutil.which("apt-get") is None:
        raise SystemExit(f"apt-get is not on this machine; {source.by_hand}")
    folder.chmod(0o755)  # apt-get may fetch as its own user, who must see the folder
    done = subprocess.run(
        ["apt-get", "download", source.package], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        failed = f"apt-get download {source.package} failed ({reason_of(done.stderr)})"
        raise SystemExit(f"{failed}; run apt-get update first, or {source.by_hand}")
    return next(folder.glob("*.deb"))


def data_archive(source: Source, deb: Path) -> bytes:
    """Returns data.tar.* of a Debian package, by deb(5): ar, 60-byte headers, size at 48 to 58, even offsets."""
    content = deb.read_bytes() if deb.is_file() else b""
    if not content.startswith(b"!<arch>\n"):
        raise SystemExit(f"{deb} is not a Debian package; {source.by_hand}")
    offset = 8
    while offset < len(content):
        header, start = content[offset : offset + 60], offset + 60
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            return content[start : start + size]
        offset = start + size + size % 2
    raise SystemExit(f"{deb} holds no data.tar; {source.by_hand}")


def prompts(source: Source, deb: Path) -> dict[str, bytes]:
    """Reads flat name -> bytes: dictate/play_help.g722 becomes dictate__play_help. Nothing is unpacked to disk."""
    coded: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data_archive(source, deb))) as archive:
        for member in archive:
            name = member.name.rpartition(source.folder)[2].removesuffix(source.ending).replace("/", "__")
            if source.folder in member.name and (file := archive.extractfile(member)):  # None for a folder
                coded[name] = file.read()
    missing = [name for name in source.clips if name not in coded]
    if missing:
        raise SystemExit(f"{deb} lacks {missing[0]}; {source.by_hand}")
    return dict(sorted(coded.items()))


def decode(source: Source, coded: bytes) -> np.ndarray:
    """Decodes int16 [samples] at the source's rate."""
    if source.ending == ".wav":
        audio, rate = soundfile.read(io.BytesIO(coded), dtype="int16")
        if (rate, audio.ndim) != (source.rate, 1):
            raise SystemExit(f"{source.package} is not mono at {source.rate} Hz: another version?")
        return np.asarray(audio)
    try:
        import av
    except ImportError:
        raise SystemExit("decoding G.722 needs PyAV; pip install av") from None
    with av.open(io.BytesIO(coded), mode="r", format="g722") as container:
        blocks = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.int16, casting="no")


def check_table(source: Source, out: Path) -> None:
    """Refuses clips other than those that scores were published for."""
    if not source.table.exists() or source.table.read_text() != (out / "clips.csv").read_text():
        raise SystemExit(
            f"{out / 'clips.csv'} differs from the committed {source.table.name}: another version of {source.package}?"
        )


def write_all(source: Source, out: Path, audio: dict[str, np.ndarray]) -> None:
    """Writes the recordings and the table of the clips."""
    files = {name: out / source.split_of(name) / f"{name}.flac" for name in audio}
    refuse_strangers(out, set(files.values()))
    for name, samples in audio.items():
        write_flac(files[name], samples, source.rate)
    splits = {name: source.split_of(name).removeprefix("clips/") for name in sorted(source.clips)}
    rows = [clip_row(name, split, audio[name], source.rate) for name, split in splits.items()]
    write_table(out / "clips.csv", rows)
    check_table(source, out)


def summary(source: Source, audio: dict[str, np.ndarray]) -> str:
    """Says in one line what was written: how much to train on, with its hash, and how many clips."""
    train = [samples for name, samples in audio.items() if source.split_of(name) == "train"]
    minutes = sum(map(len, train)) / source.rate / 60
    digest = pcm_sha256(np.concatenate(train))
    return f"train: {len(train)} files, {minutes:.1f} min, sha256 {digest}; clips: {len(source.clips)}, as in the table"


def main() -> None:
    """Writes the voice that is named."""
    parser = argparse.ArgumentParser(description="Obtains a voice of Asterisk's prompts as FLAC.")
    parser.add_argument("voice", choices=list(SOURCES), metavar="VOICE", help=", ".join(SOURCES))
    parser.add_argument("out", type=Path, metavar="OUT_FOLDER")
    parser.add_argument("--deb", type=Path, metavar="FILE", help="the voice's package, when apt-get is not at hand")
    args = parser.parse_args()
    source = SOURCES[args.voice]
    with tempfile.TemporaryDirectory() as folder:
        coded = prompts(source, args.deb or download(source, Path(folder)))
    audio = {name: decode(source, data) for name, data in coded.items() if name not in NOT_SPEECH}
    write_all(source, args.out, audio)
    print(summary(source, audio))


if __name__ == "__main__":
    main()
