"""Makes the pictures of docs/gallery.md from committed results: `python -m experiments.documentation.gallery`.

The pages are photographed in Chromium (with chromedriver); the others are drawn. Spectrograms need the demo voice.
"""

import argparse
import io
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from selenium import webdriver

from schedsearch.report.pages import write_dataset_page
from schedsearch.report.pictures.lengths import rated_lengths
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.quality import quality_against_iterations
from schedsearch.report.pictures.spectrograms import spectrograms
from schedsearch.sampling.synthesis import copy_synthesis
from schedsearch.schedules.files import read_schedule
from schedsearch.voice.config import load_voice
from schedsearch.voice.opened import held_out_clips, open_vocoder
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

FOLDER, RUN = Path("docs/pictures"), Path("results/shipped/demo/16000hz/12iters")
HEIGHT, COLOURS = 1000, 64
SCHEDULES = ("ivanvovk-12", "universal-12")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the picture that is named, or all."""
    parser = argparse.ArgumentParser(prog="gallery", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PICTURES, help="this one alone")
    only = parser.parse_args(arguments).only
    for name in [only] if only else PICTURES:
        atomic_write(FOLDER / f"{name}.png", PICTURES[name]())
    return 0


def course() -> bytes:
    """Shows the pictures of one run's page: schedules, clips and the course of the search."""
    return photograph(RUN / "report.small.html", width=1100, below="pictures-title")


def lengths() -> bytes:
    """Shows quality against the number of steps of one voice."""
    measured = rated_lengths(RUN)
    if measured is None:
        raise InputError(f"{RUN.parent} must have the run.json of two lengths; run make search-all")
    return png(quality_against_iterations(*measured))


def heard() -> bytes:
    """Shows a held-out clip with two schedules, and how each differs from the recording."""
    voice = load_voice("demo", None)
    vocoder = open_vocoder(voice)
    clip = held_out_clips(voice, vocoder)[0]
    audio = {name: copy_synthesis(vocoder, clip, read_schedule(name), seed=0).cpu().numpy() for name in SCHEDULES}
    return png(spectrograms(clip.audio.numpy(), audio, voice.sample_rate))


def of_all_lengths(*, width: int) -> bytes:
    """Photographs the page of all lengths, written anew from their run.json in a folder that goes away."""
    with TemporaryDirectory() as folder:
        for run in RUN.parent.glob("*iters/run.json"):
            copy = Path(folder, *run.parts[2:])  # below results/shipped
            copy.parent.mkdir(parents=True)
            shutil.copy(run, copy)
        return photograph(write_dataset_page(load_voice("demo", None), Path(folder), small=True), width=width)


def photograph(file: Path, *, width: int, below: str = "") -> bytes:
    """Returns what a browser shows of a page, from the top or from a heading's id on, as PNG."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    flags = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{HEIGHT}"]
    for flag in flags + (["--no-sandbox"] if os.geteuid() == 0 else []):  # Chromium refuses root otherwise
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.get(file.resolve().as_uri())
        if below:
            driver.execute_script(f"document.getElementById({below!r}).scrollIntoView()")
        taken = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    finally:
        driver.quit()
    packed = io.BytesIO()
    taken.quantize(COLOURS, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()


PICTURES: dict[str, Callable[[], bytes]] = {
    "page": partial(of_all_lengths, width=1100),
    "page-narrow": partial(of_all_lengths, width=500),
    "course": course,
    "lengths": lengths,
    "spectrograms": heard,
}

if __name__ == "__main__":
    raise SystemExit(main())
