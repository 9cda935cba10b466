"""Clusters that exist: items are computed as tasks of Dask or Ray."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pydantic

from pypedream._extras import need
from pypedream.errors import ExecutorError
from pypedream.executors.processors import processors
from pypedream.steps.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from pypedream.steps.task import Done, Item, Task

__all__ = ["Dask", "Ray"]


class _ClusterBackend(Backend):
    """Tasks of a cluster, whose machines must see the folder.

    Attributes
    ----------
    address
        Where the cluster is. None takes the one that this process is connected to; if it is to
        none, one is started on this machine for the time of the computation.
    max_jobs
        How many tasks at most are under way; None for as many as the cluster can do.
    """

    address: str | None = None
    max_jobs: int | None = pydantic.Field(128, gt=0)

    _takes_all: ClassVar[bool] = True

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        from pypedream.steps.carriers import Elsewhere
        from pypedream.steps.dispatch import dispatched

        with self._executor() as executor:
            yield from dispatched(Elsewhere(executor, task, self.max_jobs), task, items)

    def _executor(self) -> AbstractContextManager[Any]:
        raise NotImplementedError


class Dask(_ClusterBackend):
    """Computes as tasks of a Dask cluster; needs the extra ``dask``."""

    @contextmanager
    def _executor(self) -> Iterator[Any]:
        from pypedream.executors.dask import Dask as Executor

        distributed = need("distributed", extra="dask", for_='infra={"backend": "Dask"}')
        if self.address is not None:
            with _connected(distributed, self.address) as client:
                yield Executor(client)
            return
        try:
            executor = Executor(distributed.default_client())
        except ValueError:  # there is none
            executor = Executor.local(_most(self.max_jobs))
        try:
            yield executor
        finally:
            executor.close()


class Ray(_ClusterBackend):
    """Computes as tasks of Ray; needs the extra ``ray``."""

    @contextmanager
    def _executor(self) -> Iterator[Any]:
        from pypedream.executors.ray import Ray as Executor

        ray = need("ray", extra="ray", for_='infra={"backend": "Ray"}')
        if self.address is not None and not ray.is_initialized():
            ray.init(address=self.address, log_to_driver=False, logging_level="ERROR")
            executor = Executor(is_ours=True)
        else:
            executor = Executor.connected(_most(self.max_jobs))
        try:
            yield executor
        finally:
            executor.close()


@contextmanager
def _connected(distributed: Any, address: str) -> Iterator[Any]:
    try:
        client = distributed.Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ExecutorError(
            f'infra={{"backend": "Dask"}}: no cluster at {address}: {error}'
        ) from error
    with client:
        yield client


def _most(max_jobs: int | None) -> int | None:
    """Return how many workers a cluster of ours has; None leaves it at one for each processor."""
    return None if max_jobs is None else min(max_jobs, processors())
