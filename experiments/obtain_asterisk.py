"""Obtains the demo voice: `python experiments/obtain_demo.py OUT_FOLDER [--deb FILE]`.

The voice is Allison Smith's, from Debian's package asterisk-core-sounds-en-g722 (CC-BY-SA-3.0, see demo/LICENSE.md):
telephone prompts at 16 kHz, coded in G.722 (ITU-T G.722, 64 kbit/s: one byte holds two samples).
Writes 16-bit mono FLAC, levels as recorded, nothing trimmed, to OUT_FOLDER/train and
OUT_FOLDER/clips/{search,held_out}, and checks the clips sample for sample against the committed table.
"""

import argparse
import csv
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import soundfile

PACKAGE = "asterisk-core-sounds-en-g722"
VOICE = "/en_US_f_Allison/"  # the folder inside the package, whose other folders are documents
RATE = 16000  # Hz
TABLE = Path(__file__).parent / "demo" / "16000hz" / "clips.csv"
BY_HAND = f"download Debian's package {PACKAGE} on another machine and pass the file with --deb FILE"

NOT_SPEECH = {
    *(f"silence__{seconds}" for seconds in range(1, 11)),
    "ascending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave", "descending-2tone", "tt-monkeys",
}  # fmt: skip

# Whole sentences of 2 to 6 s. By the published transcripts, no clip has half its words in one run in another prompt.
# No 0.6 s of a clip reappears as the same recording in another file: the normalised cross-correlation of the
# pre-emphasised waveforms (all lags at 4 kHz, the best ones again at 16 kHz) is at most 0.66, where a planted copy
# (half level, shifted, noise added) gives 1.00. Left out whole are the families spoken from one template:
# conf-*menu*, confbridge-*-vol-*, dir-intro*, agent-*, vm-rec-*, vm-tempgreeting*.
CLIPS = [
    "conf-noempty", "conf-roll-callcomplete", "confbridge-lock-no-join", "confbridge-pin-bad", "demo-nomatch",
    "demo-thanks", "dictate__both_help", "dir-nomatch", "dir-nomore", "feature-not-avail-line",
    "followme__options", "followme__status", "pbx-invalidpark", "priv-callpending", "priv-introsaved",
    "privacy-prompt", "privacy-unident", "speed-dial-empty", "ss-noservice", "tt-monkeysintro", "tt-weasels",
    "unidentified-no-callback", "vm-forward", "vm-forward-multiple", "vm-forwardoptions",
    "vm-invalid-password", "vm-mailboxfull", "vm-mismatch", "vm-nobodyavail", "vm-nobox", "vm-nonumber",
    "vm-savefolder", "vm-sorry", "vm-tmpexists", "vm-toforward", "vm-whichbox",
]  # fmt: skip


def split_of(name: str) -> str:
    """Every third clip in alphabetical order is for the search (12), the others are held out (24), the rest trains."""
    if name not in CLIPS:
        return "train"
    return "clips/search" if sorted(CLIPS).index(name) % 3 == 0 else "clips/held_out"


def download(folder: Path) -> Path:
    """`apt-get download` asks no root rights, but needs the lists of an `apt-get update`."""
    if shutil.which("apt-get") is None:
        raise SystemExit(f"apt-get is not on this machine; {BY_HAND}")
    folder.chmod(0o755)  # apt-get may fetch as its own user, who must see the folder
    done = subprocess.run(
        ["apt-get", "download", PACKAGE], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(
            f"apt-get download {PACKAGE} failed ({reason}); run apt-get update first, or {BY_HAND}"
        )
    return next(folder.glob("*.deb"))


def data_archive(deb: Path) -> bytes:
    """The member data.tar.* of a Debian package, by deb(5): ar, 60-byte headers, size at 48 to 58, even offsets."""
    content = deb.read_bytes() if deb.is_file() else b""
    if not content.startswith(b"!<arch>\n"):
        raise SystemExit(f"{deb} is not a Debian package; {BY_HAND}")
    offset = 8
    while offset < len(content):
        header, start = content[offset : offset + 60], offset + 60
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            return content[start : start + size]
        offset = start + size + size % 2
    raise SystemExit(f"{deb} holds no data.tar; {BY_HAND}")


def prompts(deb: Path) -> dict[str, bytes]:
    """Flat name -> G.722 bytes: dictate/play_help.g722 becomes dictate__play_help. Nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data_archive(deb))) as archive:
        for member in archive:
            name = member.name.rpartition(VOICE)[2].removesuffix(".g722").replace("/", "__")
            if VOICE in member.name and (file := archive.extractfile(member)):  # None for a folder
                found[name] = file.read()
    missing = [name for name in CLIPS if name not in found]
    if missing:
        raise SystemExit(f"{deb} lacks {missing[0]}; {BY_HAND}")
    return dict(sorted(found.items()))


def decode(coded: bytes) -> np.ndarray:
    """int16 [samples] at 16 kHz."""
    try:
        import av
    except ImportError:
        raise SystemExit("decoding G.722 needs PyAV; pip install av") from None
    with av.open(io.BytesIO(coded), mode="r", format="g722") as container:
        blocks = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.int16, casting="no")


def pcm_sha256(audio: np.ndarray) -> str:
    """Of the little-endian samples, as FLAC bytes differ between versions of the coder."""
    return hashlib.sha256(audio.astype("<i2").tobytes()).hexdigest()


def write(path: Path, audio: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    soundfile.write(part, audio, RATE, format="FLAC", subtype="PCM_16")
    os.replace(part, path)  # a run that is cut off leaves no half file under a final name


def refuse_strangers(out: Path, names: set[str]) -> None:
    """A clip left in train/ by another selection would spoil the held-out scores."""
    for path in sorted(out.rglob("*.flac")):
        if path.stem not in names or path != out / split_of(path.stem) / path.name:
            raise SystemExit(f"{path} does not belong to the demo data; remove it or name another OUT_FOLDER")


def write_table(out: Path, audio: dict[str, np.ndarray]) -> None:
    with (out / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "split", "seconds", "sha256"])
        for name in sorted(CLIPS):
            samples = audio[name]
            split = split_of(name).removeprefix("clips/")
            writer.writerow([name, split, f"{len(samples) / RATE:.4f}", pcm_sha256(samples)])


def check_table(out: Path) -> None:
    """The clips that scores were published for, or a clear no."""
    if not TABLE.exists() or TABLE.read_text() != (out / "clips.csv").read_text():
        raise SystemExit(
            f"{out / 'clips.csv'} differs from the committed {TABLE.name}: another version of {PACKAGE}?"
        )


def write_all(out: Path, audio: dict[str, np.ndarray]) -> None:
    refuse_strangers(out, set(audio))
    for name, samples in audio.items():
        write(out / split_of(name) / f"{name}.flac", samples)
    write_table(out, audio)
    check_table(out)


def summary(audio: dict[str, np.ndarray]) -> str:
    train = [samples for name, samples in audio.items() if split_of(name) == "train"]
    minutes = sum(map(len, train)) / RATE / 60
    digest = pcm_sha256(np.concatenate(train))
    return (
        f"train: {len(train)} files, {minutes:.1f} min, sha256 {digest}; clips: {len(CLIPS)}, as in the table"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Obtains the demo voice as FLAC, 16 kHz.")
    parser.add_argument("out", type=Path, metavar="OUT_FOLDER")
    parser.add_argument(
        "--deb", type=Path, metavar="FILE", help=f"{PACKAGE}_*.deb, when apt-get is not at hand"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        coded = prompts(args.deb or download(Path(folder)))
    audio = {name: decode(data) for name, data in coded.items() if name not in NOT_SPEECH}
    write_all(args.out, audio)
    print(summary(audio))


if __name__ == "__main__":
    main()
