"""Work done ahead by threads, in order and in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, most: int | None = None
) -> Generator[Result]:
    """What ``work`` makes of each item, in the order of the items.

    An error is raised here, where its item is due; whoever stops asking stops the threads.

    Args:
        work: must let other threads run, as decoders and OpenCV do.
        items: taken when a thread may begin, not all at once.
        workers: threads; with 0 the work is done when it is due.
        most: items begun that nobody has asked for yet, by default one more than there are threads.
    """
    if not workers:
        yield from map(work, items)
        return
    most = workers + 1 if most is None else max(most, workers)
    begun: deque[Future[Result]] = deque()
    with _Pool(workers) as pool:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) > most:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


class _Pool(ThreadPoolExecutor):
    """Threads that leave undone, at the end of the block, what nobody has begun."""

    def __exit__(self, *fault: object) -> None:
        self.shutdown(cancel_futures=True)
