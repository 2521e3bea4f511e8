"""Shares out work that is done once a study: baselines, finalists, held-out clips."""

from collections.abc import Callable, Iterator, Sequence

from schedsearch.study.store import Store


def share_out(store: Store, tasks: Sequence[str], is_done: Callable[[str], bool]) -> Iterator[str]:
    """Yields the tasks that this process is to do, each before it asks for the next. Ends when all are done.

    A task whose process died is taken over.
    """
    while missing := [task for task in tasks if not is_done(task)]:
        task = store.claim_work(missing, is_done)
        if task is not None:
            yield task
        else:
            store.wait(missing)
        store.refresh()
