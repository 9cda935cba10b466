"""What the option ``executor`` may be, besides "serial" and "threads": names, and users' objects.

An object is known by the names of its classes. Nothing is imported for that: whoever has a client
of Dask has imported Dask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.executors.remote import RemoteExecutor

__all__ = ["REMOTE_NAMES", "gives_out_resources", "is_remote", "remote_executor_for"]

REMOTE_NAMES: Final = ("processes", "dask", "ray", "slurm")
GIVING_NAMES: Final = ("dask", "ray", "slurm")


def remote_executor_for(value: Any, workers: int | None, options: Any = None) -> Any:
    """Return what calls jobs in other processes, for the option *value*; None if it does not.

    Parameters
    ----------
    value
        A name of `REMOTE_NAMES`, an executor that is remote already, or an object of the user's: a
        ``distributed.Client``, an executor of submitit, a ``ProcessPoolExecutor`` or one of loky.
        Objects of the user's stay open when the executor for them is shut down.
    workers
        How many jobs may run at the same time; None leaves it to the executor.
    options
        The options of the run; jobs of Slurm are kept in its ``workspace``.

    Raises
    ------
    MissingExtra
        If what a name stands for is not installed.
    ExecutorError
        If it cannot be started here.
    """
    if isinstance(value, str):
        make = _BY_NAME.get(value)
        return None if make is None else make(workers, options)
    if getattr(value, "is_remote", False) is True:
        return value
    wrap = _wrapper_of(value)
    return None if wrap is None else wrap(value, workers)


def is_remote(value: Any) -> bool:
    """Say whether calls are made in other processes for the option *value*; starts nothing."""
    if isinstance(value, str):
        return value in REMOTE_NAMES
    return getattr(value, "is_remote", False) is True or _wrapper_of(value) is not None


def gives_out_resources(value: Any) -> bool:
    """Say whether ``gpus=`` and the like mean anything for the option *value*; starts nothing.

    An executor that takes jobs, and says nothing of it, is believed to look at what they need.
    """
    if isinstance(value, str):
        return value in GIVING_NAMES
    if getattr(value, "is_remote", False) is True:
        return bool(getattr(value, "gives_out_resources", True))
    return _wrapper_of(value) not in (None, _pool_of)


def _wrapper_of(value: Any) -> Callable[[Any, int | None], RemoteExecutor] | None:
    for base in type(value).__mro__:
        place = base.__module__.partition(".")[0]
        wrap = _BY_CLASS.get((place, base.__name__)) or _BY_CLASS.get(("", base.__name__))
        if wrap is not None:
            return wrap
    return None


def _processes(workers: int | None, _: Any) -> Any:
    from pypedream.executors.processes import Processes

    return Processes(workers)


def _local_dask(workers: int | None, _: Any) -> RemoteExecutor:
    from pypedream.executors.dask import Dask

    return Dask.local(workers)


def _ray(workers: int | None, _: Any) -> RemoteExecutor:
    from pypedream.executors.ray import Ray

    return Ray.connected(workers)


def _slurm(workers: int | None, options: Any) -> RemoteExecutor:
    from pypedream.executors.slurm import Slurm

    return Slurm.in_folder(getattr(options, "workspace", None), workers)


def _dask_of(client: Any, workers: int | None) -> RemoteExecutor:
    from pypedream.executors.dask import Dask

    return Dask(client, workers=workers)


def _slurm_of(executor: Any, workers: int | None) -> RemoteExecutor:
    from pypedream.executors.slurm import Slurm

    return Slurm(executor, workers)


def _pool_of(pool: Any, workers: int | None) -> RemoteExecutor:
    from pypedream.executors.pools import Pool

    return Pool(pool, workers)


_BY_NAME: dict[str, Callable[[int | None, Any], Any]] = {
    "processes": _processes,
    "dask": _local_dask,
    "ray": _ray,
    "slurm": _slurm,
}
_BY_CLASS: dict[tuple[str, str], Callable[[Any, int | None], RemoteExecutor]] = {
    ("distributed", "Client"): _dask_of,
    ("submitit", "Executor"): _slurm_of,
    ("", "ProcessPoolExecutor"): _pool_of,  # loky's has the same name, wherever it is
}
