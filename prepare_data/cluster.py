"""Work on an existing Dask cluster, in place of processes on this machine.

Lines go out in small batches, a few for each thread of the cluster, so that neither the driver's
memory nor the scheduler's grows with the plan; results come back in any order. A worker that dies
costs its batches' time: the scheduler gives them to others, and files appear under their names
whole, so that writing one twice does no harm.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from prepare_data.cluster_site import Site, problem_at
from prepare_data.errors import UserError
from prepare_data.workers import Run

if TYPE_CHECKING:
    from distributed import Client

_ITEMS_PER_BATCH = 8  # half a second or so: long against the scheduler's millisecond
_BATCHES_PER_THREAD = 3
_CONNECT_SECONDS = 15
_RECOUNT_SECONDS = 10.0
_AGAIN = (
    "What was rendered before is kept; run the same command again to go on, with --scheduler or, "
    "on this machine, without it."
)

__all__ = ["Site", "cluster_pool"]


@contextmanager
def cluster_pool(address: str, site: Site) -> Iterator[Run]:
    """Give a lazy map over the workers of a cluster; results come in the order they are finished.

    Args:
        address: of the scheduler, such as tcp://host:8786.
        site: what every worker must see and have installed.

    Raises:
        UserError: if Dask is not installed here, nothing answers at the address, or a worker sees
            other files or has other versions; from the map, if the scheduler is lost, workers die
            over and over, or the mapped function raises it.
    """
    _require_dask()
    with site.marked() as marked, _connected(address) as client:
        _refuse_other_workers(client, marked, address)
        yield lambda function, items: _results(client, address, marked, function, items)


def _require_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise UserError(
            "--scheduler needs Dask; install it: pip install 'voice-from-noise[cluster]'."
        ) from error
    # Its log tells of every lost connection at length; what matters is said in a sentence.
    for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions that matter are compared by `problem_at`
            client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:  # nobody there, or not an address
        raise UserError(
            f"no Dask scheduler answers at --scheduler {address}; start one with `dask scheduler`, "
            "which prints its address, or leave the option out to render on this machine."
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=2)


def _refuse_other_workers(client: Client, site: Site, address: str) -> None:
    """Ask every worker once, before any work is given out."""
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError as error:
        raise UserError(
            f"the scheduler {address} has no worker; start some with `dask worker {address}`."
        ) from error
    except OSError as error:
        raise _lost(address) from error
    answers = client.run(problem_at, site, on_error="return")
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, ImportError):
            answer = f"has no package {answer.name}: install voice-from-noise where it runs"
        elif isinstance(answer, OSError):
            continue  # it went away while it was asked; others of its kind will be
        elif isinstance(answer, Exception):
            answer = f"cannot be used: {answer}"
        if answer:
            raise UserError(f"the worker {worker} {answer}.")


def _results(
    client: Client,
    address: str,
    site: Site,
    function: Callable[[Any], Any],
    items: Iterable[Any],
) -> Iterator[Any]:
    from distributed import as_completed

    waiting, running = iter(items), as_completed(loop=client.loop)
    limit, counted = 0, 0.0
    while True:
        if time.monotonic() - counted > _RECOUNT_SECONDS:  # workers come and go
            limit, counted = _BATCHES_PER_THREAD * max(1, _threads(client)), time.monotonic()
        while running.count() < limit and (batch := list(islice(waiting, _ITEMS_PER_BATCH))):
            running.add(client.submit(_do_batch, function, batch, site, pure=False))
        if not running.count():
            return
        results, problem = _next_batch(running, address)
        yield from results
        if problem:
            raise UserError(problem)


def _threads(client: Client) -> int:
    try:
        return sum(client.nthreads().values())
    except Exception:  # whatever a lost connection raises; the next result will tell
        return 0


def _next_batch(running: Any, address: str) -> tuple[list[Any], str]:
    """Wait for a batch; return its results and what went wrong in it, if anything."""
    from asyncio import CancelledError

    from distributed import CancelledError as FutureCancelledError
    from distributed import KilledWorker

    try:
        return next(running).result()
    except KilledWorker as error:
        raise UserError(
            f"workers of {address} died over and over, perhaps for want of memory. {_AGAIN}"
        ) from error
    except (CancelledError, FutureCancelledError, OSError) as error:
        raise _lost(address) from error
    except RuntimeError as error:  # Dask's word for work that the scheduler cannot unpickle
        raise UserError(
            f"the scheduler {address} cannot read its work: install voice-from-noise and Dask "
            "there in the versions of this machine."
        ) from error


def _lost(address: str) -> UserError:
    return UserError(f"the scheduler {address} was lost. {_AGAIN}")


def _do_batch(
    function: Callable[[Any], Any], batch: list[Any], site: Site
) -> tuple[list[Any], str]:
    """Run on a worker: apply a function to a batch, up to the first item that raises."""
    from distributed import get_worker

    if problem := problem_at(site):  # this worker may have come after the others were asked
        return [], f"the worker {get_worker().address} {problem}."
    results = []
    for item in batch:
        try:
            results.append(function(item))
        except UserError as error:
            return results, str(error)
    return results, ""
