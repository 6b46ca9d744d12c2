"""A Dask cluster to train on: asked politely first, so that every mistake is one clear error."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from backprop.errors import InputError

# Seconds: for an answer of the scheduler, and for workers to join it.
ANSWER, JOIN = 5.0, 10.0


@contextlib.contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect with a Dask scheduler that has workers; close the connection at the end.

    Parameters
    ----------
    address : str
        Its address, such as "tcp://127.0.0.1:8786".

    Yields
    ------
    distributed.Client
        The connection. It is not made the default one.

    Raises
    ------
    InputError
        If the package `distributed` is missing, if no scheduler answers, or if its workers have
        fewer than two threads.
    """
    distributed = _distributed()
    _ask(address)
    # A lost connection is raised as an error; its long log besides would hide that.
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with distributed.Client(address, timeout=ANSWER, set_as_default=False) as client:
            _wait_for_workers(client, address)
            yield client
    finally:
        log.setLevel(level)


def _distributed() -> Any:
    """Import it only here: it is optional, and slow."""
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "a scheduler was given, but the package 'distributed' is not installed. Install it: "
            "pip install 'backpropagation-reproduced[cluster]'. Or leave the scheduler out."
        ) from error
    return distributed


def _ask(address: str) -> None:
    """Refuse what is no scheduler. A client would wait for ever where nothing ever answers."""
    try:
        # In a thread, because a notebook has an event loop of its own.
        with ThreadPoolExecutor(max_workers=1) as thread:
            kind = thread.submit(lambda: asyncio.run(_kind(address))).result()
        if kind != "Scheduler":
            raise ValueError(f"a {kind} answers")
    except Exception as error:  # whatever else listens there can answer anything
        reason = "nobody answers" if isinstance(error, TimeoutError) else error
        raise InputError(
            f"'{address}' is not the address of a running Dask scheduler: {reason}. Start one with "
            "`dask scheduler`, and workers with `dask worker ADDRESS --nworkers auto --nthreads 1`;"
            " give the address that the first prints, such as tcp://127.0.0.1:8786."
        ) from error


async def _kind(address: str) -> str:
    distributed = _distributed()
    arguments = distributed.Security().get_connection_args("client")
    async with (
        asyncio.timeout(ANSWER),
        distributed.rpc(address, connection_args=arguments) as remote,
    ):
        return str((await remote.identity())["type"])


def _wait_for_workers(client: Any, address: str) -> None:
    """Wait for two threads: with fewer, joblib would train in the calling process."""
    end = time.monotonic() + JOIN
    while (threads := sum(client.ncores().values())) < 2:
        if time.monotonic() > end:
            raise InputError(
                f"the Dask scheduler at {address} has workers for {threads} block(s) at once; a "
                "sweep on a cluster takes at least 2. Start more: `dask worker ADDRESS --nworkers "
                "auto --nthreads 1`. Or leave the scheduler out."
            )
        time.sleep(0.1)
