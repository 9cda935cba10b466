"""Backend: where a step is made and where its results are kept; the ``infra`` of a step."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pydantic

from pypedream.steps.kinds import Kind, kind_of, wrong
from pypedream.steps.ram import Ram

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.steps.task import Done, Item, Task

__all__ = ["Backend", "Cached"]

_A_DRIVE = 2
"""Characters of what names a drive of Windows, as "C:"."""


class Backend(Kind, discriminator_key="backend"):
    """How the results of a step are kept and used, and where what is missing is computed.

    Parameters
    ----------
    folder
        Where results are kept. A step in a chain takes the folder of the chain if it has none.
    mode
        "cached" uses a result that is kept, and raises an error that is kept. "retry" computes
        again what is kept as an error. "force" computes everything again, once for each item in
        the life of this object, and what is in it or comes after it in a chain as well.
        "read-only" computes nothing.
    keep_in_ram
        Keep a copy of each result in memory, too. Every reader gets an object of his own.
    """

    folder: Path | None = None
    mode: Literal["cached", "force", "read-only", "retry"] = "cached"
    keep_in_ram: bool = False

    _takes_all: ClassVar[bool] = False
    _attempted: set[str] = pydantic.PrivateAttr(default_factory=set)
    _ram: Ram = pydantic.PrivateAttr(default_factory=Ram)

    @pydantic.field_validator("mode", mode="before")
    @classmethod
    def _by_its_name_of_now(cls, mode: Any) -> Any:
        return "force" if mode == "force-forward" else mode

    @pydantic.field_validator("folder", mode="before")
    @classmethod
    def _with_a_name(cls, folder: Any) -> Any:
        """Refuse an empty text, which would be the folder that Python was started in."""
        if folder == "":
            raise ValueError('a folder without a name: write "." for the present one')
        return folder

    @pydantic.field_validator("folder")
    @classmethod
    def _on_this_machine(cls, folder: Path | None) -> Path | None:
        """Take a folder of the user's for what it is, and a URL for none."""
        start = folder.parts[0] if folder is not None and folder.parts else ""
        if start.endswith(":") and len(start) > _A_DRIVE:
            raise ValueError(
                f"a folder of this machine is needed, and {start}// begins a URL: mount what it"
                " names, or choose another folder"
            )
        return folder.expanduser() if folder is not None and start[:1] == "~" else folder

    @classmethod
    def _as_configuration(cls, value: Any) -> Any:
        if isinstance(value, PathLike) or (isinstance(value, str) and set("/\\~") & set(value)):
            raise wrong(f'a folder alone is no infra: say infra={{"folder": "{value}"}}')
        if cls is Backend and isinstance(value, str):
            value = {cls.__pypedream_key__: value}
        if cls is Backend and isinstance(value, dict):
            named = {cls.__pypedream_key__: Cached.__name__, **value}
            _know(named[cls.__pypedream_key__])
            return named
        return value

    def derive(self, backend: str, **changes: Any) -> Backend:
        """Return another backend of the same folder and mode, and whatever else it has as well.

        Parameters
        ----------
        backend
            The name of its class.
        changes
            Values for its fields.

        Examples
        --------
        >>> Cached(folder="kept", mode="retry").derive("ThreadPool", max_jobs=2).mode
        'retry'
        """
        _know(backend)
        kind: type[Any] = kind_of(Backend, backend)
        given = {name: getattr(self, name) for name in self.__pydantic_fields_set__}
        known = {name: value for name, value in given.items() if name in kind.__pydantic_fields__}
        derived: Backend = kind(**{**known, **changes})
        return derived

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        """Compute items of which nothing is kept; yield what became of each, in any order.

        This is what a backend is made of. Everything else is done around it: each item is missing,
        is here once, and is claimed, so that nobody else computes it meanwhile.
        """
        raise NotImplementedError


class Cached(Backend):
    """Compute in this process, one item after the other, and keep the results.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from pypedream.steps import Step
    >>> class Slow(Step):
    ...     def _run(self, value):
    ...         print("computing")
    ...         return value * 2
    >>> step = Slow(infra={"backend": "Cached", "folder": mkdtemp()})
    >>> step.run(3), step.run(3)
    computing
    (6, 6)
    """

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        return task.stream(items)


def _know(name: object) -> None:
    """Import what defines the backend of a name; all of them for another name, to find the near."""
    if name != Cached.__name__:
        import_module("pypedream.steps.backends")
