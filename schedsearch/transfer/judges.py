"""Which voices take part: each brings the winners of its searches, and its clips to judge everybody's with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from schedsearch.comparison.entrants import SHIPPED, Entrant, lengths_with_winners, winners_of
from schedsearch.schedules.files import read_provenance
from schedsearch.search.warm_starts import BEGAN_FROM
from schedsearch.voice.config import Voice, known_datasets, known_rates, load_voice, none_in
from schedsearch.voice.opened import voice_folder
from vocoder.audio.listed_clips import are_present
from vocoder.errors import InputError

AT = "@"  # between a dataset and a rate


@dataclass(frozen=True)
class Judge:
    """A voice and the winners of its own searches, by length."""

    voice: Voice
    winners: Mapping[int, Entrant]
    borrowed: Mapping[int, str] = field(default_factory=dict)  # lengths whose winner is one that its search began
    # from -> the dataset that it was found for, "" where that is not known

    @property
    def label(self) -> str:
        """dataset/ratehz, as its results folder is called."""
        return f"{self.voice.dataset}/{self.voice.sample_rate}hz"


def judges(chosen: Sequence[str], experiments: Path, results: Path) -> tuple[list[Judge], list[str]]:
    """The voices that were chosen ("demo": at every rate, "demo@8000": at one), or all that have a checkpoint and
    clips; and of the others, why they don't take part. InputError for an unknown one and for less than two."""
    voices = list(named_voices(chosen or _known(experiments), experiments))
    missing = {} if chosen else {place: why for place, voice in enumerate(voices) if (why := _missing(voice))}
    found = [_judge(voice, results) for place, voice in enumerate(voices) if place not in missing]
    if len(found) < 2:
        have = found[0].label if found else "none"
        raise InputError(
            f"a transfer needs two voices or more, and has {have}{_of(missing.values())}; "
            'name some with VOICES="demo june-16k", or obtain their data'
        )
    return found, list(missing.values())


def of_these_weights(judge: Judge, weights_hash: str) -> tuple[Judge, list[str]]:
    """Without winners that were searched on other weights than the checkpoint has now, which are nobody's own; and
    which those are. What does not say is taken."""
    told = {n: read_provenance(Path(one.source)) for n, one in judge.winners.items()}
    other = [n for n, facts in told.items() if facts.get("checkpoint_hash", weights_hash) != weights_hash]
    winners = {n: one for n, one in judge.winners.items() if n not in other}
    reasons = [
        f"{judge.winners[n].source} was searched on other weights than {judge.voice.checkpoint} has; search again"
        for n in other
    ]
    return replace(judge, winners=winners), reasons


def for_another_objective(judge: Judge, metric: str, lengths: Iterable[int]) -> list[str]:
    """Own winners that were not searched for this metric: what is told beside them is no loss from searching alone."""
    found = []
    for one in (judge.winners[n] for n in lengths if n in judge.winners):
        objective = read_provenance(Path(one.source)).get("objective", metric)
        if objective != metric:
            found.append(f"{one.source} was searched for {objective}, and is judged by {metric}")
    return found


def lengths_of(taking_part: Sequence[Judge], asked: Sequence[int]) -> list[int]:
    """Those asked for, or all that two voices have a winner of, shortest first; InputError where two have none."""
    counts = {n: sum(n in judge.winners for judge in taking_part) for judge in taking_part for n in judge.winners}
    lengths = sorted(set(asked)) or sorted(n for n, count in counts.items() if count >= 2)
    short = [n for n in lengths if counts.get(n, 0) < 2]
    if not lengths or short:
        what = f"{short[0]} iterations" if short else "the same length"
        labels = ", ".join(judge.label for judge in taking_part)
        raise InputError(
            f"a transfer needs winners of {what} from two voices or more of {labels}; "
            f'search them first: make search-all DATASET=... ITERS="{" ".join(map(str, short or [6, 12]))}"'
        )
    return lengths


def _known(experiments: Path) -> list[str]:
    """All datasets; InputError where there are none."""
    known = known_datasets(experiments)
    if not known:
        raise InputError(none_in(experiments))
    return known


def named_voices(names: Iterable[str], experiments: Path) -> Iterator[Voice]:
    """Each voice once, in the order of the names: "demo" at every rate, "demo@8000" at one. InputError for what isn't
    there."""
    seen = set()
    for name in names:
        dataset, at, rate = name.partition(AT)
        if at and not rate.isdecimal():
            raise InputError(f"VOICES must be datasets, or such as demo@8000, and has {name!r}; correct it")
        for hertz in [int(rate)] if at else known_rates(dataset, experiments):
            if (dataset, hertz) not in seen:
                seen.add((dataset, hertz))
                yield load_voice(dataset, hertz, experiments=experiments)


def _missing(voice: Voice) -> str | None:
    """What of a voice that nobody asked for by name isn't there."""
    label = f"{voice.dataset} at {voice.sample_rate} Hz"
    if not voice.checkpoint.is_file():
        return f"{label} has no checkpoint"
    if not all(are_present(clips) for clips in (voice.search_clips, voice.held_out_clips)):
        return f"{label} has no clips" + (f" ({voice.training.obtain})" if voice.training else "")
    return None


def _of(reasons: Iterable[str]) -> str:
    told = "; ".join(reasons)
    return f" ({told})" if told else ""


def _judge(voice: Voice, results: Path) -> Judge:
    """With its own winner of every length, the user's before the shipped one."""
    own, shipped = voice_folder(voice, results), voice_folder(voice, results / SHIPPED)
    label = f"{voice.dataset}/{voice.sample_rate}hz"
    winners = {}
    for length in lengths_with_winners(own, shipped):
        first = winners_of(own, shipped, length)[0]
        winners[length] = Entrant(f"winner of {label}", first.kind, first.source, first.schedule)
    told = {n: read_provenance(Path(one.source)) for n, one in winners.items()}
    borrowed = {n: _dataset(one.get(BEGAN_FROM)) for n, one in told.items() if one.get("kind") == "warm start"}
    return Judge(voice, winners, borrowed)


def _dataset(neighbour: object) -> str:
    """Of "demo/16000hz/25 steps"."""
    return neighbour.partition("/")[0] if isinstance(neighbour, str) else ""
