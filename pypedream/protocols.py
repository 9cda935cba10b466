"""What a plug-in looks like: Protocols of one to three methods, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

Record = tuple[int, int, Any, str, Any, "str | None", Any, Any]
"""Number, ns, attempt, kind, level, text, stream, and data: a dict or how a stage ended.

Of kind "step" it stands for two events at once, the end of a stage that went well at its first
attempt and the start of the next; either may be lacking: number, ns, the stage that starts, "step",
the stage that ended, the worker that called it, the number of its end, and the ns at its start. The
worker is None for the thread of the run; another one begins no stage in the same step.
"""


class ProblemLike(Protocol):
    """One mistake in a pipeline; its text says what, where and the fix."""

    @property
    def what(self) -> str: ...


class InputMapper(Protocol):
    """Turn what a source holds into the value of an argument."""

    def __call__(self, source: Any, /) -> Any: ...


class OutputMapper(Protocol):
    """Turn a return value into named outputs."""

    def __call__(self, value: Any, /) -> Mapping[str, Any]: ...


class Sink(Protocol):
    """Take the events of a run, one by one, in order."""

    def emit(self, event: Any, /) -> None: ...


class Future(Protocol[T_co]):
    """The outcome of a call that may still be under way."""

    def result(self) -> T_co: ...

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object: ...


class Executor(Protocol):
    """Call things somewhere; it knows nothing of stages."""

    def submit(self, call: Callable[[], T], /) -> Future[T]: ...


class Growing(Protocol[T_contra]):
    """A table that takes one more row."""

    @property
    def append(self) -> Callable[[T_contra], object]: ...


class EventLogLike(Protocol):
    """What an attempt needs of the event log of its run."""

    run: str
    counter: Iterator[int]
    is_attended: bool
    is_closed: bool
    is_hosted: bool
    has_console: bool
    redactor: Any

    @property
    def records(self) -> Growing[Record]: ...

    def add(
        self,
        kind: str,
        event: str | None = None,
        *,
        attempt: Any = None,
        level: str = "info",
        stream: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None: ...

    def deliver(self) -> None: ...

    def deliver_soon(self) -> None: ...

    def opened(self, lines: dict[int, Any], /) -> None: ...

    def shown(self) -> None: ...

    def make_way(self) -> None: ...
