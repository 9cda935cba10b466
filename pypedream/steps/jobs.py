"""Jobs: items are computed by jobs of submitit, on a Slurm cluster or on this machine.

A job keeps what it computes itself, as it goes: of one that the cluster ends, what it had done
stays, also when nobody waits for it any more. A note in the step's folder says which job has which
items, so that whoever wants them later waits for a job that is still at work.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, ClassVar

import pydantic

from pypedream._extras import need
from pypedream.errors import ExecutorError
from pypedream.executors.processors import processors
from pypedream.steps.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.executors.slurm import Slurm as Executor
    from pypedream.steps.task import Done, Item, Task

__all__ = ["Auto", "LocalProcess", "Slurm", "SubmititDebug"]

_SHARED = (
    "timeout_min",
    "nodes",
    "tasks_per_node",
    "cpus_per_task",
    "gpus_per_node",
    "mem_gb",
)
_OF_SLURM = ("constraint", "partition", "account", "qos", "additional_parameters", "use_srun")
_A_YEAR_MIN = 60 * 24 * 365


class _SubmititBackend(Backend):
    """Jobs of submitit; needs the extra ``slurm``.

    Attributes
    ----------
    job_name
        What the jobs are called; None for the name of the step.
    timeout_min
        Minutes after which a job is ended. None is no limit on this machine, and for Slurm the
        five minutes of submitit.
    nodes, tasks_per_node, cpus_per_task, gpus_per_node, mem_gb
        What each job gets; None leaves it to submitit.
    max_jobs
        How many jobs at most the items are split into.
    min_items_per_job
        How many items a job has at least, as long as there are as many.
    """

    job_name: str | None = None
    timeout_min: int | None = None
    nodes: int | None = None
    tasks_per_node: int | None = None
    cpus_per_task: int | None = None
    gpus_per_node: int | None = None
    mem_gb: float | None = None
    max_jobs: int = pydantic.Field(128, gt=0)
    min_items_per_job: int = pydantic.Field(1, gt=0)

    _takes_all: ClassVar[bool] = True

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        from pypedream.steps.submission import computed

        yield from computed(self, task, items)

    def _cluster(self) -> str:
        """Return which of submitit's executors it is to be."""
        raise NotImplementedError

    def _lot(self, count: int) -> int:
        """Return how many of so many items a job has."""
        jobs = min(self.max_jobs, -(-count // self.min_items_per_job))
        return -(-count // jobs)

    def _executor(self, task: Task) -> Executor:
        """Return what submits jobs with what this asks for."""
        from pypedream.executors.slurm import Slurm as Executor

        submitit = need(
            "submitit", extra="slurm", for_=f'infra={{"backend": "{type(self).__name__}"}}'
        )
        cluster = self._cluster()
        executor = submitit.AutoExecutor(
            folder=task.paths.step_folder / "logs" / "%j", cluster=cluster
        )
        executor.update_parameters(**self._parameters(task, cluster))
        return Executor(executor, self._width(cluster))

    def _width(self, cluster: str) -> int:
        """Return how many jobs there are at a time: on one machine more would be in the way."""
        if cluster == "slurm":
            return self.max_jobs
        return max(1, min(self.max_jobs, processors() // (self.cpus_per_task or 1)))

    def _parameters(self, task: Task, cluster: str) -> dict[str, Any]:
        asked = {name: getattr(self, name) for name in _SHARED}
        if cluster == "local" and self.timeout_min is None:
            asked["timeout_min"] = _A_YEAR_MIN
        asked["name"] = self.job_name or task.label
        return {name: value for name, value in asked.items() if value is not None}


class LocalProcess(_SubmititBackend):
    """Computes in jobs that are processes of this machine; they go on when this process ends."""

    def _cluster(self) -> str:
        return "local"


class SubmititDebug(_SubmititBackend):
    """Computes in this process as if it were a job, to find out what is wrong with one."""

    def _cluster(self) -> str:
        return "debug"


class Slurm(_SubmititBackend):
    """Computes in jobs of Slurm, all in one array; fails on a machine without Slurm.

    Attributes
    ----------
    constraint, partition, account, qos
        As ``sbatch`` knows them.
    additional_parameters
        More options of ``sbatch``, by their names without dashes.
    use_srun
        Whether the script calls ``srun``.
    """

    constraint: str | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    additional_parameters: dict[str, int | str | float | bool] | None = None
    use_srun: bool = False

    def _cluster(self) -> str:
        if shutil.which("srun") is None:
            raise ExecutorError(
                'infra={"backend": "Slurm"}: there is no srun on this machine; "Auto" computes here'
                ' where there is no Slurm, and "LocalProcess" always does'
            )
        return "slurm"

    def _parameters(self, task: Task, cluster: str) -> dict[str, Any]:
        own = {f"slurm_{name}": getattr(self, name) for name in _OF_SLURM}
        given = {name: value for name, value in own.items() if value is not None}
        return super()._parameters(task, cluster) | given


class Auto(Slurm):
    """Computes in jobs of Slurm where there is one, and otherwise in processes of this machine.

    What only Slurm knows counts only there.
    """

    def _cluster(self) -> str:
        return "local" if shutil.which("srun") is None else "slurm"
