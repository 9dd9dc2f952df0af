"""Blocks as tasks of a Dask cluster, local or elsewhere; a worker that is lost costs time and no results."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.scale.engine import Outcome
from pytest_compat.scale.problem import Problem
from pytest_compat.scale.work import one_block

CONNECT_SECONDS = 10.0

RETRIES = 3
"""How often a block whose worker was lost, or that failed on one, is tried elsewhere."""


class DaskExecutor:
    """Runs blocks on a Dask cluster.

    Args:
        address: Of its scheduler, such as `tcp://host:8786`; empty for workers of this machine, which end with the run.
        workers: How many of these; None for one per core.
    """

    def __init__(self, address: str = "", workers: int | None = None) -> None:
        self._address, self._workers = address, workers

    def __call__(self, problem: Problem, blocks: Sequence[Any], seed: int) -> Iterator[tuple[int, Outcome]]:
        """Yield blocks as they are done.

        Raises:
            SchedulerUnavailable: Nobody answers at the address, or the Dask scheduler was lost.
            SchedulerError: A block was lost with RETRIES workers.
        """
        from distributed import Client, KilledWorker, LocalCluster, as_completed
        from distributed.comm.addressing import resolve_address

        if not blocks:
            return
        try:
            if self._address:
                # A client of an address that is none lives on, and keeps the process from ending for 20 s.
                resolve_address(self._address)
            where: Any = self._address or LocalCluster(
                n_workers=self._workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
            )
            client = Client(where, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SchedulerUnavailable(f"no Dask cluster answers at {self._address!r}: {error}") from None
        try:
            # A task of its own, sent once and fetched by workers from one another: unlike scattered data it is made
            # again when the worker that had it is lost.
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
                shared = client.submit(_given, problem, pure=False)
            futures = {
                client.submit(one_block, shared, jobs, seed, pure=False, retries=RETRIES): number
                for number, jobs in enumerate(blocks)
            }
            with client.as_current():
                for future in as_completed(list(futures)):
                    try:
                        outcome = future.result()
                    except KilledWorker as error:
                        raise SchedulerError(
                            f"a block of jobs was lost with every worker that tried it: {error}"
                        ) from None
                    except CancelledError as error:
                        raise SchedulerUnavailable(
                            f"the Dask cluster lost a block of jobs, start the run again to go on: {error}"
                        ) from None
                    yield futures[future], outcome
                    future.release()
        finally:
            client.close()
            if not self._address:
                where.close()


def _given(problem: Problem) -> Problem:
    return problem
