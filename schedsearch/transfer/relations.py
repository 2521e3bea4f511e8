"""Names what stands between a schedule and the voice that judges it. The names are those of the CSV files."""

from schedsearch.transfer.participants import Participant

NATIVE, BASELINE = "native", "baseline"
UNIVERSAL = "universal"
STRANGERS, OTHER_DIALECTS = "universal without the speaker", "universal without the dialect"
_RATE, _DIALECT = " at another rate", " in another dialect"
SAME, OTHER = "same speaker", "other speaker"
RATE, DIALECT, RATE_AND_DIALECT = SAME + _RATE, SAME + _DIALECT, SAME + _RATE + _DIALECT
OTHER_RATE, OTHER_DIALECT, OTHER_BOTH = OTHER + _RATE, OTHER + _DIALECT, OTHER + _RATE + _DIALECT
OTHERS = (OTHER, OTHER_RATE, OTHER_DIALECT, OTHER_BOTH)
BORROWED = (*OTHERS, SAME, RATE, DIALECT, RATE_AND_DIALECT)  # winners of other voices


def relation(origin: Participant, judge: Participant) -> str:
    """Says in what the voice that a winner is of differs from the judge."""
    if origin is judge:
        return NATIVE
    speaker = SAME if origin.voice.speaker == judge.voice.speaker else OTHER
    rate = "" if origin.voice.sample_rate == judge.voice.sample_rate else _RATE
    return speaker + rate + ("" if origin.dialect == judge.dialect else _DIALECT)
