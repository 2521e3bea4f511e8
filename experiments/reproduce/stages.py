"""The stages: each calls the commands that make its files, for every voice."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from experiments.documentation.__main__ import main as documentation
from experiments.metrics_study.__main__ import main as metrics_study
from experiments.reproduce import renewal
from experiments.reproduce.judge import all_heard, check_installed, write_judgement
from experiments.reproduce.paying import write_paying
from experiments.reproduce.seeds import write_seeds
from experiments.reproduce.strangers import TABLE, search_as_stranger, write_strangers
from experiments.reproduce.transfer import SHIPPED, WORK, copy, tournaments
from experiments.ship_results import main as ship_results
from experiments.training_seeds import main as training_seeds
from experiments.voice_table import main as voice_table
from experiments.voices_table import main as voices_table
from schedsearch.cli import main as schedsearch
from schedsearch.report.result import read_result
from schedsearch.transfer.files import write_all
from schedsearch.transfer.matrix_files import matrices, read_matrices
from schedsearch.transfer.participants import find_participants
from schedsearch.voice.config import EXPERIMENTS, Voice, load_voice
from schedsearch.voice.opened import LONGEST_HELD_OUT, open_vocoder
from vocoder.errors import InputError

LENGTHS = {0: (6, 12, 25, 50, 100), 1: (6, 12), 2: (6, 12)}  # by the seed; those of seed 0 ship
VOICES = ("demo/16000hz", "demo/8000hz", "demo-coqui/16000hz", "demo-lmnt/16000hz", "june-16k/16000hz",
          "kathleen-22k/22050hz")  # a user's own voices have no part
JUDGED = {6: 2, 12: 2, 25: 1, 50: 1}  # iterations -> draws of noise on whole held-out clips
STRANGERS = (6, 12)  # lengths of the searches that begin as a user's do
SEED_STEPS = 12_000  # of each training seed


@dataclass(frozen=True)
class Stage:
    """A part of what is shipped."""

    what: str
    run: Callable[[], None]
    check: Callable[[], None] = lambda: None  # before any stage runs; InputError where something is missing


def search_folder(voice: Voice, seed: int) -> Path:
    """Returns a results folder that holds one voice's searches alone, so that none begins from another's winner."""
    return WORK / "searches" / f"{voice.dataset}-{voice.sample_rate}-seed{seed}"


def stranger_folder(voice: Voice, iterations: int) -> Path:
    """Returns a results folder that no other length's winner of this voice lies in."""
    return WORK / "strangers" / f"{voice.dataset}-{voice.sample_rate}-{iterations}iters"


def voices() -> list[Voice]:
    """Returns all voices; InputError where one lacks its clips, for tables of fewer would take the place of ours."""
    participants, left_out = find_participants((), EXPERIMENTS, SHIPPED.parent)
    ours = [participant.voice for participant in participants if participant.label in VOICES]
    if lacking := sorted(set(VOICES) - {voice.label for voice in ours}):
        reasons = [why for why in left_out for label in lacking if why.startswith(f"{label.partition('/')[0]} ")]
        raise InputError(f"every voice must have its clips, and one has not: {(reasons or lacking)[0]}")
    return ours


def _check_voices() -> None:
    voices()


def _check_recordings() -> None:
    """Raises InputError where the recordings to train on are missing: searches take hours before they are needed."""
    training = load_voice("demo", 8000).training
    if training and not training.audio.is_dir():
        raise InputError(f"the stage seeds trains on {training.audio}, which is not there; obtain: {training.obtain}")


def _tabulate_voices() -> None:
    for voice in voices():
        _succeed(voice_table, voice.dataset, f"--rate={voice.sample_rate}")
    _succeed(voices_table)


def _search() -> None:
    found = voices()
    for seed, lengths in LENGTHS.items():
        for voice in found:
            _search_one(voice, seed, lengths)
    write_seeds({seed: [search_folder(voice, seed) / voice.label for voice in found] for seed in LENGTHS},
                SHIPPED / "seeds")  # fmt: skip


def _search_one(voice: Voice, seed: int, lengths: Iterable[int]) -> None:
    """Searches what no search of these weights has ended yet; ships the searches of seed 0."""
    results, weights = search_folder(voice, seed), open_vocoder(voice).weights_hash
    missing = [n for n in lengths if not _is_done(results / voice.label / f"{n}iters", weights)]
    place = (voice.dataset, f"--rate={voice.sample_rate}", f"--results={results}")
    if missing:
        words = (f"--dataset={place[0]}", *place[1:], f"--iters={' '.join(map(str, missing))}", f"--seed={seed}")
        _succeed(schedsearch, "search-all", *words)
    if seed == 0:
        _succeed(ship_results, *place)


def _search_strangers() -> None:
    found = voices()
    for n in STRANGERS:
        for voice in found:
            search_as_stranger(voice, n, stranger_folder(voice, n), found)
    write_strangers([stranger_folder(voice, n) for n in STRANGERS for voice in found], SHIPPED / TABLE)


def _is_done(folder: Path, weights: str) -> bool:
    return (folder / "run.json").is_file() and read_result(folder).facts["checkpoint_hash"] == weights


def _transfer() -> None:
    folder = SHIPPED / "transfer"
    for tournament in tournaments(voices(), JUDGED):
        others = read_matrices(matrices(folder, without=tournament.lengths))
        for path in write_all(tournament, others)[0]:
            if not path.name.startswith("universal"):
                copy(path, folder / path.name)
        renewal.ship(tournament, folder)


def _judge() -> None:
    heard = [one for tournament in tournaments(voices(), JUDGED) for one in all_heard(tournament)]
    write_judgement(heard, SHIPPED / "judge")


def _train_seeds() -> None:
    checkpoint = EXPERIMENTS / "demo/8000hz/checkpoint.pt"
    folder = WORK / "training_seeds" / sha256(checkpoint.read_bytes()).hexdigest()[:12]  # other weights begin anew
    judged = (f"--iters={' '.join(map(str, JUDGED))}", f"--seconds={LONGEST_HELD_OUT:g}")
    places = (f"--folder={folder}", f"--shipped={SHIPPED / 'transfer/training_seeds'}")
    _succeed(training_seeds, f"--steps={SEED_STEPS}", f"--warm-start={checkpoint}", *places, *judged)


def _study_metrics() -> None:
    _succeed(metrics_study, "--voices", *dict.fromkeys(voice.dataset for voice in voices()))


def _tabulate_paying() -> None:
    write_paying(SHIPPED)


def _fill_pages() -> None:
    _succeed(documentation)


def _succeed(command: Callable[[list[str]], int], *words: str) -> None:
    if command(list(words)) != 0:
        raise InputError("the stage could not be ended; see the line above, and run it again")


STAGES = {
    "searches": Stage("all lengths of all voices, 6 and 12 steps with three seeds", _search, _check_voices),
    "voices": Stage("each voice beside Griffin-Lim, and what its search of 6 steps ships", _tabulate_voices),
    "transfer": Stage("every voice's winner on every voice, and universal schedules", _transfer, _check_voices),
    "strangers": Stage("searches that begin as those of a user's voice do", _search_strangers, _check_voices),
    "judge": Stage("whether Distill-MOS, which no search has seen, says the same", _judge, check_installed),
    "seeds": Stage("one voice trained three times, each searched and judged", _train_seeds, _check_recordings),
    "metrics": Stage("which metric should be the objective, at each voice's highest rate", _study_metrics),
    "paying": Stage("universal, searched and published schedules side by side", _tabulate_paying),
    "pages": Stage("numbers and pictures of README and docs", _fill_pages),
}
