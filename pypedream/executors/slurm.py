"""Slurm, by submitit: each job is one of the cluster's, and its log comes through a shared folder.

What submitit writes in its own folder is left there: that is where people look after a job that the
cluster ended.
"""

from __future__ import annotations

import os
import pickle
import shutil
from contextlib import contextmanager
from copy import copy
from itertools import takewhile
from math import ceil
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream._extras import need
from pypedream.errors import ExecutorError, PypedreamError, StageKilled, StageTimeout
from pypedream.executors.remote import RemoteExecutor
from pypedream.executors.segments import remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.executors.jobs import Job
    from pypedream.executors.packing import Packed
    from pypedream.executors.parcels import Delivery, Parcel
    from pypedream.executors.remote import Call

__all__ = ["Slurm"]

ASKED = 'executor="slurm"'
WORKERS = 32
FIRST_LOOK_S = 0.05
LAST_LOOK_S = 1.0
LATE_S = 2.0
LARGE = 1 << 20
LONGEST = 500
NAMES = {"cpus": "cpus_per_task", "gpus": "gpus_per_node"}
TIMED_OUT = "timed-out"
ENDED = ("BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_ME", "TIMEOUT")

# What submitit's handler of signals raises within a call when its time is over.
INTERRUPTED = ("submitit.core.utils.UncompletedJobError", "KeyboardInterrupt")


class Slurm(RemoteExecutor):
    """Submits jobs through a submitit executor; lives as long as a run.

    Parameters
    ----------
    executor
        A submitit executor; its own parameters hold where a job does not say otherwise.
    workers
        How many jobs may be submitted at the same time; None means 32. A ``DebugExecutor`` makes
        the calls in this process, one after the other.
    """

    def __init__(self, executor: Any, workers: int | None = None) -> None:
        super().__init__()
        self.executor = executor
        self.workers = 1 if _kind(executor) == "debug" else workers or WORKERS
        self.segments = _made(_plain_part(executor.folder))
        self._kits: list[str] = []
        self._variants: dict[str, Any] = {}
        self._lock = Lock()  # submitit's executors are not for several threads

    @classmethod
    def in_folder(cls, folder: str | os.PathLike[str] | None, workers: int | None = None) -> Slurm:
        """Submit to the Slurm of this machine.

        Parameters
        ----------
        folder
            Where jobs and their logs are kept; all machines must see it.

        Raises
        ------
        MissingExtra
            If submitit is not installed.
        ExecutorError
            If there is no Slurm here, or no folder.
        """
        submitit = need("submitit", extra="slurm", for_=ASKED)
        if shutil.which("srun") is None:
            raise ExecutorError(
                'executor="slurm": there is no srun on this machine; to try it here, say'
                ' executor=submitit.LocalExecutor(folder="jobs")'
            )
        if folder is None:
            raise ExecutorError(
                'executor="slurm" needs a folder that all machines share: say workspace="...",'
                ' or executor=submitit.AutoExecutor(folder="...")'
            )
        place = _made(os.path.join(os.path.abspath(folder), "slurm"))
        return cls(submitit.AutoExecutor(folder=place, cluster="slurm"), workers)

    def send(self, job: Job, parcel: Parcel) -> Call:
        """Submit a job."""
        of = job.packed.of
        with self._lock:
            try:
                executor = self._variant(job.resources)
                submitted = executor.submit(begin, parcel, self._kit(job.packed))
            except Exception as error:
                said = " ".join(str(error).split())[:LONGEST]
                raise ExecutorError(f"{of}: submitit does not take it: {said}") from error
        return _SlurmCall(submitted, of)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Submit the jobs that are sent within a block as one array, when it ends.

        They must be sent by one thread, and ask for no resources of their own.
        """
        try:
            with self.executor.batch():
                yield
        except PypedreamError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:LONGEST]
            raise ExecutorError(f"submitit does not take an array of jobs: {said}") from error

    def close(self) -> None:
        """Remove what jobs shared."""
        while self._kits:
            remove(self._kits.pop())

    def _kit(self, packed: Packed) -> Packed | str:
        """Return a kit, or the file where a large one is: the jobs of a map share it."""
        if len(packed.data) + sum(memoryview(buffer).nbytes for buffer in packed.buffers) < LARGE:
            return packed
        path: str | None = packed.keep.get(self)
        if path is None:
            path = os.path.join(str(self.segments), f"kit-{packed.id}.pickle")
            self._kits.append(path)
            with open(path, "xb", opener=_privately) as file:
                pickle.dump(packed, file, protocol=5)
            packed.keep[self] = path
        return path

    def _variant(self, resources: dict[str, Any]) -> Any:
        """Return the executor with the parameters that *resources* ask for.

        The user's own is never changed. There is one copy for all jobs that ask for the same, as
        each waits a little between two of its jobs for the cluster's sake.
        """
        if not resources:
            return self.executor
        asked = repr(sorted(resources.items()))
        variant = self._variants.get(asked)
        if variant is None:
            variant = _copied(self.executor)
            variant.update_parameters(**_parameters(self.executor, resources))
            self._variants[asked] = variant
        return variant


@define(eq=False)
class _SlurmCall:
    """A job as submitit knows it."""

    submitted: Any
    of: str

    def wait(self, timeout_s: float | None) -> bool:
        """Look now and then whether the job has ended, until the time is over."""
        deadline = None if timeout_s is None else monotonic() + timeout_s
        pause = FIRST_LOOK_S
        while not self._is_done():
            left = pause if deadline is None else deadline - monotonic()
            if left <= 0:
                return False
            sleep(min(pause, left))
            pause = min(2 * pause, LAST_LOOK_S)
        return True

    def delivery(self) -> Delivery:
        """Return what came back, or say what went wrong and where the job's own log is."""
        errors = need("submitit.core.utils", extra="slurm", for_=ASKED)
        if self._is_gone():
            raise self._failure("its job ended before its calls did")
        try:
            delivery: Delivery = self.submitted.results()[0]  # of several tasks they are the same
        except errors.UncompletedJobError as error:
            said = [line.strip() for line in str(error).split("\n") if line.strip(" -")]
            raise self._failure(f"its job failed ({said[-1]})") from None
        except Exception as error:
            raise ExecutorError(f"{self.of}: its result cannot be read: {error}") from error
        if delivery.error in INTERRUPTED:
            raise self._failure(TIMED_OUT)
        return delivery

    def cancel(self) -> None:
        """Tell Slurm to end the job."""
        try:
            self.submitted.cancel(check=False)
        except OSError as error:
            text = f"{self.of}: job {self.submitted.job_id} cannot be cancelled: {error}"
            raise ExecutorError(text) from error

    def _is_done(self) -> bool:
        return bool(self.submitted.done())

    def _is_gone(self) -> bool:
        """Say whether the job has ended without a result, for which submitit would wait 15 s."""
        if type(self.submitted).__name__ == "LocalJob":
            return not self.submitted.paths.result_pickle.exists()
        if not self._state().startswith(ENDED):
            return False
        deadline = monotonic() + LATE_S
        while not self.submitted.paths.result_pickle.exists():
            if monotonic() > deadline:
                return True
            sleep(FIRST_LOOK_S)
        return False

    def _state(self) -> str:
        return str(self.submitted.state).upper()

    def _failure(self, said: str) -> StageKilled | StageTimeout:
        """Return the error that says why a job did not make its calls to the end."""
        state = self._state()
        if state.startswith("OUT_OF_ME"):
            said = "its job ran out of memory; give the stage more with mem_gb="
        elif state.startswith("CANCELLED"):
            said = "its job was cancelled"
        elif TIMED_OUT in said or state.startswith("TIMEOUT"):
            text = "its job reached its time limit; give the stage more with timeout_min="
            return StageTimeout(f"{self.of}: {text}{self._see()}")
        return StageKilled(f"{self.of}: {said}{self._see()}")

    def _see(self) -> str:
        return f"; see {self.submitted.paths.stderr}"


def begin(parcel: Parcel, kit: Packed | str) -> Delivery:
    """Make the calls of a job, on a machine of the cluster."""
    if not isinstance(kit, str):
        return parcel(kit)
    with open(kit, "rb") as file:
        return parcel(pickle.load(file))  # noqa: S301 - it is ours


def _parameters(executor: Any, resources: dict[str, Any]) -> dict[str, Any]:
    """Return *resources* by the names that *executor* has for them."""
    kind = _kind(executor)
    renamed = {NAMES.get(name, name): value for name, value in resources.items()}
    if kind in ("auto", "slurm") and "timeout_min" in renamed:
        renamed["timeout_min"] = ceil(renamed["timeout_min"])
    if kind == "auto":
        shared = type(executor)._typed_parameters()  # noqa: SLF001 - there is no public list
        return {
            name if name in shared or "_" in name else f"{executor.cluster}_{name}": value
            for name, value in renamed.items()
        }
    if kind == "slurm":
        convert: Callable[[dict[str, Any]], dict[str, Any]] = executor._convert_parameters  # noqa: SLF001 - as AutoExecutor does
        return convert(renamed)
    return renamed


def _kind(executor: Any) -> str:
    return str(type(executor).name())


def _copied(executor: Any) -> Any:
    """Return a copy of *executor* whose parameters are its own."""
    copied = copy(executor)
    copied.parameters = dict(executor.parameters)
    inner = getattr(executor, "_executor", None)
    if inner is not None:
        copied._executor = _copied(inner)  # noqa: SLF001 - an AutoExecutor keeps them there
        copied.parameters = copied._executor.parameters  # noqa: SLF001
    return copied


def _plain_part(folder: str | os.PathLike[str]) -> str:
    """Return *folder* up to where submitit puts the number of a job into it."""
    parts = takewhile(lambda part: "%" not in part, Path(folder).parts)
    return str(Path(*parts))


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _made(folder: str | os.PathLike[str]) -> str:
    """Make a folder that only this user can read, if there is none: jobs hold what stages get."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.fspath(folder)
