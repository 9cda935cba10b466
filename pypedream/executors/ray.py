"""Ray: jobs as tasks of a Ray cluster, of our own for the time of a run or of the user's."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import define

from pypedream._extras import need
from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.remote import RemoteExecutor

if TYPE_CHECKING:
    from types import ModuleType

    from pypedream.executors.jobs import Job
    from pypedream.executors.packing import Packed
    from pypedream.executors.parcels import Delivery, Parcel
    from pypedream.executors.remote import Call

__all__ = ["Ray"]

GB = 2**30


class Ray(RemoteExecutor):
    """Calls jobs as Ray tasks.

    Parameters
    ----------
    workers
        How many jobs may run at the same time; None means one for each CPU of the cluster.
    is_ours
        Whether Ray was started for this, and is shut down with it.
    """

    def __init__(self, workers: int | None = None, *, is_ours: bool = False) -> None:
        super().__init__()
        self._workers = workers
        self.is_ours = is_ours
        self._key = uuid4().hex

    @classmethod
    def connected(cls, workers: int | None = None) -> Ray:
        """Use the Ray that this process is connected to; start one here if there is none.

        Raises
        ------
        MissingExtra
            If ray is not installed.
        """
        ray = _ray()
        if ray.is_initialized():
            return cls(workers)
        try:
            ray.init(
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ExecutorError(f"Ray does not start: {error}") from error
        return cls(workers, is_ours=True)

    @property
    def workers(self) -> int:
        """How many jobs may run at the same time."""
        ray = _ray()
        return self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def send(self, job: Job, parcel: Parcel) -> Call:
        """Make a task of a job."""
        ray = _ray()
        of, options = job.packed.of, _options(job.resources)
        try:
            if self.is_ours:
                _check(of, options, ray.cluster_resources())
            task = ray.remote(**options)(begin)
            reference = task.remote(parcel, self._kit(job.packed))
        except (ray.exceptions.RayError, TypeError, ValueError) as error:
            raise ExecutorError(f"{of}: Ray does not take it: {error}") from error
        return _RayCall(reference, reference.future(), of)

    def close(self) -> None:
        """Shut Ray down if it was started for this."""
        ray = _ray()
        if self.is_ours:
            ray.shutdown()

    def _kit(self, packed: Packed) -> Any:
        """Put a kit where all workers find it, once."""
        ray = _ray()
        kit = packed.keep.get(self._key)
        if kit is None:
            kit = packed.keep[self._key] = ray.put(packed)
        return kit


@define(eq=False)
class _RayCall:
    """A job as Ray knows it."""

    reference: Any
    future: Future[Delivery]
    of: str

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until the task has ended or the time is over."""
        try:
            self.future.exception(timeout_s)
        except NotYet:
            return False
        return True

    def delivery(self) -> Delivery:
        """Return what came back, or say what went wrong."""
        exceptions = _ray().exceptions
        try:
            return self.future.result()
        except exceptions.OutOfMemoryError as error:
            raise StageKilled(
                f"{self.of}: Ray killed its process, as memory ran out: {error}"
            ) from None
        except (exceptions.WorkerCrashedError, exceptions.NodeDiedError) as error:
            raise StageKilled(f"{self.of}: its Ray worker died: {_first_line(error)}") from None
        except exceptions.TaskCancelledError:
            raise StageKilled(f"{self.of}: somebody cancelled its Ray task") from None
        except Exception as error:
            text = f"{self.of}: Ray could not bring its result: {_last_line(error)}"
            raise ExecutorError(text) from error

    def cancel(self) -> None:
        """Kill the process that runs the task; Ray starts another."""
        ray = _ray()
        with suppress(ray.exceptions.RayError, RuntimeError, ValueError):
            ray.cancel(self.reference, force=True)


def _ray() -> ModuleType:
    return need("ray", extra="ray", for_='executor="ray"')


def begin(parcel: Parcel, kit: Packed) -> Delivery:
    """Make the calls of a job, on a worker."""
    return parcel(kit)


def _options(resources: dict[str, Any]) -> dict[str, Any]:
    """Return what a job needs in Ray's words; a task is never tried again by Ray itself."""
    options: dict[str, Any] = {"max_retries": 0}
    own: dict[str, float] = {}
    for name, amount in resources.items():
        if name in ("cpus", "gpus"):
            options[f"num_{name}"] = amount
        elif name == "mem_gb":
            options["memory"] = int(amount * GB)
        elif name != "timeout_min":
            own[name] = amount
    if own:
        options["resources"] = own
    return options


def _check(of: str, options: dict[str, Any], there: dict[str, float]) -> None:
    """Refuse what a Ray of our own never has: it would wait for ever."""
    wanted = {
        "CPU": options.get("num_cpus", 0),
        "GPU": options.get("num_gpus", 0),
        "memory": options.get("memory", 0),
        **options.get("resources", {}),
    }
    for name, amount in wanted.items():
        has = there.get(name, 0)
        if not isinstance(amount, (int, float)) or amount > has:
            raise ExecutorError(f"{of} asks for {name}={amount}, and this Ray has {has:g}")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _last_line(error: BaseException) -> str:
    return str(error).rstrip().rpartition("\n")[2]
