"""Work that is done once a study, whoever does it: baselines, finalists, held-out clips."""

import time
from collections.abc import Callable, Iterator, Sequence

from schedsearch.study.store import Store

POLL = 0.5  # seconds between two looks at what other processes have finished


def shared(store: Store, works: Sequence[str], done: Callable[[str], bool]) -> Iterator[str]:
    """The pieces that this process is to do, in order; ends when all are done, by whomever.

    Whoever iterates does each before it asks for the next. What a process that died was at is taken over.
    """
    while missing := [work for work in works if not done(work)]:
        taken = store.take(missing, done)
        if taken is not None:
            yield taken
        else:
            time.sleep(POLL)
        store.refresh()
