"""Dask: jobs as tasks of a cluster, of our own for the time of a run or of the user's.

Dask tries a task again when its worker dies, up to four times. A job that ends its process would so
take down one worker after the other, and a job with effects would have them several times. So each
job leaves a mark with the scheduler when it begins, and refuses to begin where it finds one.
"""

from __future__ import annotations

import os
import signal
import sys
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from json import dumps
from logging import CRITICAL
from math import inf
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import Factory, define

from pypedream._extras import need
from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.processors import processors
from pypedream.executors.remote import RemoteExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from pypedream.executors.jobs import Job
    from pypedream.executors.packing import Packed
    from pypedream.executors.parcels import Delivery, Parcel
    from pypedream.executors.remote import Call

__all__ = ["Dask"]

ASKED = 'executor="dask"'
SMALL = 100_000
START_S = 60
CLOSING_S = 5.0
NAMES = {"cpus": "CPU", "gpus": "GPU", "mem_gb": "MEMORY"}
FREE = ("cpus", "mem_gb", "timeout_min")  # reserved only where the cluster has a name for it
GB = 10**9


class Dask(RemoteExecutor):
    """Calls jobs on the workers of a Dask cluster.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    cluster
        The cluster behind it, if it is ours and to be closed.
    workers
        How many jobs may run at the same time; None means one for each thread of the cluster.
    """

    def __init__(self, client: Any, cluster: Any = None, workers: int | None = None) -> None:
        super().__init__()
        self.client = client
        self.cluster = cluster
        self._workers = workers
        self._key = uuid4().hex
        self.is_ours = cluster is not None
        if self.is_ours and sys.platform != "win32":
            self.parent = os.getpid()

    @classmethod
    def local(cls, workers: int | None = None) -> Dask:
        """Start a cluster of worker processes on this machine.

        Raises
        ------
        MissingExtra
            If distributed is not installed.
        """
        count = workers or processors()
        cluster = _cluster(count)
        client = _distributed().Client(cluster, set_as_default=False)
        dask = cls(client, cluster, count)
        try:
            client.wait_for_workers(count, timeout=START_S)
        except (OSError, RuntimeError) as error:
            dask.close()
            raise ExecutorError(f"the workers of Dask do not start: {error}") from error
        return dask

    @property
    def workers(self) -> int:
        """How many jobs may run at the same time."""
        if self._workers is not None:
            return self._workers
        self.check('executor="dask"')
        threads: dict[str, int] = self.client.nthreads()
        return max(1, sum(threads.values()))

    def send(self, job: Job, parcel: Parcel) -> Call:
        """Make a task of a job."""
        self.check(job.packed.of)
        resources = self._resources(job)
        key = f"pypedream-{uuid4().hex}"
        try:
            with _without_advice():
                kit = self._kit(job.packed)
                future = self.client.submit(begin, parcel, kit, key, key=key, resources=resources)
        except (OSError, RuntimeError) as error:
            raise ExecutorError(f"{job.packed.of}: Dask does not take it: {error}") from error
        return _DaskCall(self, future, job.packed.of)

    def check(self, of: str) -> None:
        """Refuse to go on with a client that is closed, or whose scheduler is gone."""
        if self.client.status != "running":
            raise ExecutorError(f"{of}: the Dask client is {self.client.status}: make a new one")
        if self.client.asynchronous:
            raise ExecutorError(f"{of}: the Dask client is asynchronous: make one that is not")

    def close(self) -> None:
        """Close the cluster and its client if they are ours."""
        if self.is_ours:
            self.client.close(timeout=CLOSING_S)
            self.cluster.close(timeout=CLOSING_S)

    def cancel(self, future: Any) -> None:
        """Cancel a task; where the workers are ours, the process that makes its calls is ended.

        A task that only waits behind another must not end that one's process.
        """
        client, key = self.client, future.key
        with suppress(OSError, RuntimeError):  # it ended meanwhile
            workers = [name for name, keys in client.processing().items() if key in keys]
            future.cancel(force=True)
            mark = _distributed().Event(key, client=client)
            if self.is_ours and workers and mark.is_set():
                for process in client.run(os.getpid, workers=workers, on_error="ignore").values():
                    _kill(process)
            mark.clear()

    def _kit(self, packed: Packed) -> Any:
        """Return what stands for a kit in a task: itself, or a task of its own.

        A large kit is so sent once. As a task, and not as scattered data, it can be made again
        when the worker that has it dies.
        """
        if len(packed.data) + sum(memoryview(buffer).nbytes for buffer in packed.buffers) < SMALL:
            return packed
        kit = packed.keep.get(self._key)
        if kit is None:
            kit = self.client.submit(_same, packed, key=f"pypedream-kit-{packed.id}")
            packed.keep[self._key] = kit
        return kit

    def _resources(self, job: Job) -> dict[str, float]:
        """Return what Dask is to reserve, by the names that the cluster has for it."""
        if not job.resources:
            return {}
        workers = list(self.client.scheduler_info(n_workers=-1)["workers"].values())
        if not workers:  # a cluster that grows with its tasks: by the names that are usual
            names = {name: NAMES.get(name, name) for name in job.resources if name not in FREE}
            return {theirs: job.resources[name] for name, theirs in names.items()}
        known = {name.lower(): name for worker in workers for name in worker["resources"]}
        wanted = {}
        for name, amount in job.resources.items():
            theirs = known.get(NAMES.get(name, name).lower()) or known.get(name.lower())
            if theirs is not None:
                wanted[theirs] = amount * GB if theirs.lower() == "memory" else amount
            elif name not in ("cpus", "timeout_min"):
                _check(job.packed.of, name, amount, workers)
        return wanted


@define(eq=False)
class _DaskCall:
    """A job as Dask knows it."""

    owner: Dask
    future: Any
    of: str
    _ended: Event = Factory(Event)

    def __attrs_post_init__(self) -> None:
        self.future.add_done_callback(lambda _: self._ended.set())

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until the task has ended or the time is over."""
        return self._ended.wait(timeout_s) or bool(self.future.done())

    def delivery(self) -> Delivery:
        """Return what came back, or say what went wrong."""
        distributed = _distributed()
        try:
            delivery: Delivery | None = self.future.result()
        except distributed.KilledWorker as error:
            raise StageKilled(f"{self.of}: {error}") from None
        except CancelledError as error:
            text = (
                f"{self.of}: the Dask scheduler is gone, or somebody cancelled the task ({error})"
            )
            raise ExecutorError(text) from None
        except Exception as error:
            raise ExecutorError(f"{self.of}: Dask could not bring its result: {error}") from error
        finally:
            with suppress(OSError, RuntimeError, AttributeError):  # the scheduler may be gone
                distributed.Event(self.future.key, client=self.owner.client).clear()
        if delivery is None:
            raise StageKilled(f"{self.of}: the Dask worker that ran it died")
        return delivery

    def cancel(self) -> None:
        """Cancel the task; in a cluster of ours its process is ended too."""
        self.owner.cancel(self.future)


def _distributed() -> ModuleType:
    return need("distributed", extra="dask", for_=ASKED)


def begin(parcel: Parcel, kit: Packed, key: str) -> Delivery | None:
    """Make the calls of a job, on a worker; None if they were begun before on one that died."""
    mark = _distributed().Event(key)
    if mark.is_set():
        return None
    mark.set()
    return parcel(kit)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Let Dask not warn of a large task: that a kit is large is no news, and it goes once."""
    dask = need("dask", extra="dask", for_=ASKED)
    with _submitting, dask.config.set({"distributed.admin.large-graph-warning-threshold": 2**60}):
        yield


_submitting = Lock()  # the configuration is the process's: two that change it would not undo it


def _same(packed: Packed) -> Packed:
    return packed


def _check(of: str, name: str, amount: Any, workers: list[dict[str, Any]]) -> None:
    """Refuse what no worker has: Dask would wait for one that has it."""
    if name == "mem_gb":
        most = max(worker["memory_limit"] or inf for worker in workers) / GB
        if amount <= most:
            return
        has = f"its largest worker has {most:.3g}"
    else:
        has = f'no worker declares it (dask worker --resources "{NAMES.get(name, name)}=1")'
    raise ExecutorError(f"{of} asks for {name}={amount}, and the Dask cluster: {has}")


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def _cluster(count: int) -> Any:
    """Start a scheduler in this process, and workers that do not import the user's ``__main__``.

    The workers of a ``LocalCluster`` do, and a script that runs a pipeline would run it again.
    """
    quiet = {"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    distributed = _distributed()
    if sys.platform == "win32":
        return distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None
        )
    options = {**quiet, "nthreads": 1, "memory_limit": 0, "silence_logs": CRITICAL}
    worker = {
        "cls": _worker_class(),
        "options": {"worker_class": "distributed.Nanny", "worker_kwargs": options},
    }
    return distributed.SpecCluster(
        workers=dict.fromkeys(range(count), worker),
        worker=worker,
        scheduler={"cls": distributed.Scheduler, "options": {**quiet, "port": 0}},
        silence_logs=CRITICAL,
        name="pypedream",
    )


def _worker_class() -> type:
    """Return a class of worker processes that Ctrl-C and the terminal's input do not reach."""
    deploy = need("distributed.deploy.subprocess", extra="dask", for_=ASKED)

    class OwnWorker(deploy.SubprocessWorker):  # type: ignore[misc, name-defined]
        async def _start(self) -> None:
            spec = dumps({"cls": self.worker_class, "opts": self.worker_kwargs})
            command = (sys.executable, "-m", "dask", "spec", self.scheduler, "--spec", spec)
            self.process = await create_subprocess_exec(
                *command, start_new_session=True, stdin=DEVNULL
            )

    return OwnWorker
