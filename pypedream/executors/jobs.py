"""What travels: a kit once for all calls of a function, a job with some of these calls, a reply.

The engine makes kits and jobs and reads replies; an executor carries them. All that decides about a
call, such as its arguments, its retries and what becomes of its value, has been decided before or
is decided after.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, evolve, fields

from pypedream.errors import MissingExtra, UnpicklableValue
from pypedream.executors.columns import Columns, columns_of
from pypedream.executors.culprits import RESULT
from pypedream.executors.mishaps import Mishap
from pypedream.executors.packing import pack, pack_kit, pack_result

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Mapping, Sequence

    from pypedream.executors.packing import Packed

__all__ = ["Job", "Kit", "Reply", "Row", "calls_of", "reply_of"]

Row = tuple[int, Any, str, str, "str | None", "str | None", "dict[str, Any] | None"]
"""Wall clock ns, key of the item, kind, level, text, stream, and data: plain and without secrets
only where it is written to a file."""


@define(eq=False)
class Kit:
    """What all calls of one attempt share: of one stage, or of the thousands of items of a map.

    Attributes
    ----------
    function
        What is called.
    common
        Arguments that are the same for every call.
    names
        Names of the arguments that each call brings itself; none for an ordinary stage.
    run, stage, number
        For the log: the run's id, the key of the stage, the number of the attempt.
    data
        The logged inputs, which are part of every event.
    parameters, variables
        What the function finds in ``context.PARAMETERS`` and ``context.VARIABLES``; the parameters
        may be `Packed`, once for all kits of a run.
    capture
        How much of what is printed and logged is captured, as in `log.capture.capturing`.
    secrets
        Texts that no log file must show, and that nothing must keep that the calls give.
    is_shown
        Whether the run is in a notebook, which shows what the calls display.
    word
        What messages call the one whose calls they are: "stage" or "step".
    """

    function: Callable[..., Any]
    common: dict[str, Any] = Factory(dict)
    names: tuple[str, ...] = ()
    run: str = ""
    stage: str = ""
    number: int = 1
    data: dict[str, Any] | None = None
    parameters: Any = Factory(dict)
    variables: Mapping[str, Any] = Factory(dict)
    capture: bool | str = True
    secrets: Sequence[str] = ()
    is_shown: bool = False
    word: str = "stage"

    @property
    def of(self) -> str:
        """Whose calls they are, for messages: ``stage "load"``."""
        return f'{self.word} "{self.stage}"'

    def pack(self) -> Packed:
        """Pickle the kit, once for all jobs.

        Raises
        ------
        UnpicklableValue
            If a part of it cannot be pickled; the text says which, and what to do.
        MissingExtra
            If it needs cloudpickle, as what is defined in ``__main__`` does, and there is none.
        """
        return pack_kit(self)


@define(eq=False)
class Job:
    """Some calls of one function: call the job where they are to be made, and it returns a `Reply`.

    A job can be pickled, with `packed` and the values of the calls, but for `tell`.

    Attributes
    ----------
    packed
        The `Kit`.
    keys
        One key for each call: None for an ordinary stage, the key of the item for a map.
    calls
        The values for each call, in the order of the kit's names.
    resources
        What the calls need: ``cpus``, ``mem_gb``, ``gpus`` and so on; may be empty.
    segment
        A file for the rows of the log, for who cannot be told of them at once.
    tell
        Takes rows of the log as they come, ``tell(list_of_rows)``, in any thread of the parent.
    """

    packed: Packed
    keys: Sequence[Any] = Factory(lambda: [None])
    calls: Sequence[tuple[Any, ...]] = Factory(lambda: [()])
    resources: dict[str, Any] = Factory(dict)
    segment: str | None = None
    tell: Callable[[list[Row]], object] | None = None

    def __call__(self) -> Reply:
        """Make the calls, one after the other, until one of them raises."""
        from pypedream.executors.performing import perform

        return perform(self)

    def pack_calls(self) -> Packed:
        """Pickle the keys and values of the calls.

        Raises
        ------
        UnpicklableValue, MissingExtra
            As in `Kit.pack`.
        """
        try:
            return pack((self.keys, columns_of(self.calls)), of=self.packed.of, part="an item")
        except UnpicklableValue:
            self._pack_each()
            raise

    def _pack_each(self) -> None:
        """Raise what is to be said of the first call whose values cannot be pickled."""
        for index, (key, values) in enumerate(zip(self.keys, self.calls, strict=True)):
            for value in values:
                try:
                    pack(value, of=self.packed.of, part=f"item {key}")
                except UnpicklableValue as error:
                    error.index = index
                    raise

    def __reduce__(self) -> tuple[Any, ...]:
        return _job, (self.packed, self.pack_calls(), self.resources, self.segment)


@define(eq=False)
class Reply:
    """What became of the calls of a job.

    Attributes
    ----------
    values
        What the calls returned that went well, from the first on.
    started_ns, ended_ns
        When the first call began and when each ended, by ``perf_counter_ns`` of that host.
    error
        What the call after these raised; no further call was made. None when all went well.
    rows
        Rows of the log that nobody was told of yet.
    variables
        The variables that the function assigned.
    pid, host
        Where it was.
    of
        Whose it is, for messages.
    is_unstated
        Whether the function used parameters or variables that its arguments do not say.
    """

    values: list[Any]
    started_ns: int
    ended_ns: array[int]
    error: Mishap | None = None
    rows: list[Row] = Factory(list)
    variables: dict[str, Any] = Factory(dict)
    pid: int = 0
    host: str = ""
    of: str = ""
    is_unstated: bool = False

    def pack(self) -> Packed:
        """Pickle the reply; what cannot be pickled becomes its error."""
        try:
            return pack_result(_fields(self), of=self.of)
        except (UnpicklableValue, MissingExtra):
            return pack_result(_fields(self._without_unpicklable()), of=self.of)

    def __reduce__(self) -> tuple[Any, ...]:
        return reply_of, (self.pack(),)

    def _without_unpicklable(self) -> Reply:
        """Return the reply as if the first call whose value cannot be sent had raised."""
        values, variables, error = self.values, dict(self.variables), self.error
        for name in list(variables):
            problem = _problem(variables[name], f'the variable "{name}"', self.of)
            if problem is not None:
                del variables[name]
                values, error = values[: max(len(self.ended_ns) - 1, 0)], Mishap.of(problem)
        for index, value in enumerate(values):
            problem = _problem(value, RESULT, self.of)
            if problem is not None:
                values, error = values[:index], Mishap.of(problem)
                break
        ended = self.ended_ns[: len(values) + (error is not None)]
        return evolve(self, values=values, ended_ns=ended, variables=variables, error=error)


_fields = attrgetter(*(field.name for field in fields(Reply)))


def reply_of(packed: Packed) -> Reply:
    """Return the reply that was packed.

    Raises
    ------
    UnpicklableValue
        If what was returned cannot be made again here.
    """
    try:
        return Reply(*packed.value())
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UnpicklableValue(
            f"{packed.of}: {RESULT} was sent and cannot be unpickled here ({said}): return data"
            ' instead, or give the stage executor="threads"'
        ) from error


def _problem(value: Any, part: str, of: str) -> Exception | None:
    try:
        pack(value, of=of, part=part)
    except (UnpicklableValue, MissingExtra) as error:
        return error
    return None


def calls_of(packed: Packed) -> tuple[Sequence[Any], Columns]:
    """Return the keys and values that `Job.pack_calls` packed."""
    keys, columns = packed.value()
    return keys, Columns(columns, len(keys))


def _job(packed: Packed, calls: Packed, resources: dict[str, Any], segment: str | None) -> Job:
    keys, values = calls_of(calls)
    return Job(packed, keys, values, resources, segment)
