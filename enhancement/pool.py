"""Worker processes, one of which may die without taking the run with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import TypeVar

from prepare_data.workers import tie_to_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # items waiting for each worker
_CRASHES_IN_A_ROW = 4  # then it is not the items


def results_of(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    jobs: int,
    crashed: Callable[[Item], Result],
) -> Iterator[Result]:
    """Map in worker processes, in the order of completion.

    When a worker dies, what was at work then is done again, each item in a process of its own.

    Args:
        function: of the module level.
        items: to map.
        jobs: processes; 0 maps in this one.
        crashed: gives the result of an item whose process dies even so.

    Yields:
        A result for each item.

    Raises:
        BrokenProcessPool: if one process dies after the other, whatever the item.
    """
    if jobs == 0:
        yield from map(function, items)
        return
    waiting = deque(items)
    crashes = 0
    while waiting:
        suspects: list[Item] = []
        yield from _until_broken(function, waiting, jobs, suspects)
        for item in suspects:
            try:
                result = _alone(function, item)
                crashes = 0
            except BrokenProcessPool:
                crashes += 1
                if crashes >= _CRASHES_IN_A_ROW:
                    raise
                result = crashed(item)
            yield result


def _until_broken(
    function: Callable[[Item], Result], waiting: deque[Item], jobs: int, suspects: list[Item]
) -> Iterator[Result]:
    """Map what is waiting; when the pool breaks, list what was at work in `suspects` and stop."""
    running: dict[Future[Result], Item] = {}
    pool = _pool(jobs)
    try:
        while waiting or running:
            while waiting and len(running) < jobs * _AHEAD:
                # First handed over, then taken: the pool may refuse, being broken.
                running[pool.submit(function, waiting[0])] = waiting[0]
                waiting.popleft()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                del running[future]
                yield result
    except BrokenProcessPool:
        suspects += running.values()
    except BaseException:  # nobody waits any more for what is at work
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(function: Callable[[Item], Result], item: Item) -> Result:
    with _pool(1) as pool:
        return pool.submit(function, item).result()


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Spawned, not forked, because libraries with threads do not survive a fork.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=tie_to_parent)
