"""Values on their way to another process: what is pickled how, and what to say if it cannot be.

Python's own pickler is fast and names functions and classes by their module. What the other process
could not find by such a name, because it is defined in ``__main__``, in a notebook or within a
function, goes as a whole, by cloudpickle. Large buffers, as of arrays, are not copied into the
pickle: an executor may put them where both processes see them.
"""

from __future__ import annotations

import os
import pickle
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream._extras import need
from pypedream.errors import MissingExtra
from pypedream.executors.culprits import RESULT, explained
from pypedream.executors.wholes import dumped_as_a_whole, module_by_value, why_as_a_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pypedream.executors.jobs import Kit

__all__ = ["LARGE", "Packed", "pack", "pack_kit", "pack_parameters", "pack_result"]

LARGE = 1 << 20
FAILURES = (Exception, RecursionError)


@define(eq=False)
class Packed:
    """A pickled value; many jobs may share one.

    Attributes
    ----------
    id
        Tells it from every other.
    of
        Whose it is, for messages: ``stage "load"``.
    data
        The pickle.
    buffers
        What it refers to and does not hold: large buffers, each of `LARGE` bytes or more.
    keep
        What an executor wants to live as long as this, such as a copy of the buffers.
    """

    id: str
    of: str
    data: bytes
    buffers: tuple[Any, ...] = ()
    keep: dict[Any, Any] = Factory(dict)

    def value(self) -> Any:
        """Return a new copy of the value; arrays in it may use the buffers as they are."""
        return pickle.loads(self.data, buffers=self.buffers)  # noqa: S301 - it is ours

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        buffers = self.buffers
        if protocol < 5:  # noqa: PLR2004 - where buffers cannot be pickled
            buffers = tuple(bytearray(buffer) for buffer in buffers)
        else:
            buffers = tuple(map(pickle.PickleBuffer, buffers))
        return Packed, (self.id, self.of, self.data, buffers)


def pack(value: Any, *, of: str, part: str, by_value: str | None = None) -> Packed:
    """Pickle *value*.

    Parameters
    ----------
    of
        Whose it is, for messages: ``stage "load"``.
    part
        What of it: ``argument "rows"``.
    by_value
        Name of a module that the other process cannot import.

    Raises
    ------
    UnpicklableValue
        If it cannot be pickled.
    MissingExtra
        If it needs cloudpickle and that is not installed.
    """
    try:
        data, buffers = _dumped(value, of, by_value)
    except MissingExtra:
        raise
    except FAILURES as error:
        can_go = partial(_can_go, of=of, by_value=by_value)
        raise explained(value, error, can_go, of=of, part=part) from error
    return Packed(_new_id(), of, data, buffers)


def pack_kit(kit: Kit) -> Packed:
    """Pickle *kit*; see `Kit.pack`."""
    of = kit.of
    by_value = module_by_value(kit.function)
    try:
        data, buffers = _dumped(kit, of, by_value)
    except MissingExtra:
        raise
    except FAILURES as error:
        for part, value in _parts(kit):
            pack(value, of=of, part=part, by_value=by_value)
        can_go = partial(_can_go, of=of, by_value=by_value)
        raise explained(kit, error, can_go, of=of, part="its call") from error
    return Packed(_new_id(), of, data, buffers)


def pack_parameters(parameters: Mapping[str, Any], of: str) -> Packed:
    """Pickle all parameters of a run, which every stage may read.

    Raises
    ------
    UnpicklableValue, MissingExtra
        As in `pack`; the text names the parameter.
    """
    try:
        data, buffers = _dumped(parameters, of, None)
    except MissingExtra:
        raise
    except FAILURES:
        for name, value in dict(parameters).items():
            pack(value, of=of, part=f'the parameter "{name}"')
        raise
    return Packed(_new_id(), of, data, buffers)


def pack_result(values: Any, *, of: str) -> Packed:
    """Pickle what calls returned, to send it back.

    Raises
    ------
    UnpicklableValue, MissingExtra
        As in `pack`.
    """
    return pack(values, of=of, part=RESULT)


def _dumped(value: Any, of: str, by_value: str | None) -> tuple[bytes, tuple[Any, ...]]:
    """Return the pickle of *value*, and the large buffers that are not in it."""
    buffers: list[pickle.PickleBuffer] = []
    failure: BaseException | None = None
    try:
        data = pickle.dumps(value, 5, buffer_callback=_keeping_large(buffers))
    except FAILURES as error:
        failure = error
    else:
        if by_value is None and b"__main__" not in data:
            return data, tuple(buffers)
    buffers.clear()
    try:
        need("cloudpickle", extra="cluster", for_=f"{of} {why_as_a_whole(value, by_value)}")
    except MissingExtra:
        if failure is None and by_value is None and not _names_main(data):
            return _dumped_plainly(value)
        if failure is not None and not _is_for_cloudpickle(failure):
            raise failure from None
        raise
    return dumped_as_a_whole(value, by_value, _keeping_large(buffers)), tuple(buffers)


def _dumped_plainly(value: Any) -> tuple[bytes, tuple[Any, ...]]:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(value, 5, buffer_callback=_keeping_large(buffers))
    return data, tuple(buffers)


def _keeping_large(buffers: list[pickle.PickleBuffer]) -> Callable[[pickle.PickleBuffer], bool]:
    def is_small(buffer: pickle.PickleBuffer) -> bool:
        try:
            if buffer.raw().nbytes < LARGE:
                return True
        except BufferError:  # it has gaps
            return True
        buffers.append(buffer)
        return False

    return is_small


def _names_main(data: bytes) -> bool:
    """Say whether a pickle refers to ``__main__``, rather than to a text that holds the word."""
    from pickletools import genops

    return any(value == "__main__" for _, value, _ in genops(data) if isinstance(value, str))


def _is_for_cloudpickle(error: BaseException) -> bool:
    """Say whether *error* is about what cannot be found by its name, as a lambda."""
    return isinstance(error, (pickle.PicklingError, AttributeError))


def _parts(kit: Kit) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a kit by the names that a user knows them by."""
    yield "its function", kit.function
    for name, value in kit.common.items():
        yield f'its argument "{name}"', value
    for name, value in kit.variables.items():
        yield f'the variable "{name}"', value


def _can_go(value: Any, of: str, by_value: str | None) -> bool:
    try:
        _dumped(value, of, by_value)
    except FAILURES:
        return False
    return True


_ids = count(1)


def _new_id() -> str:
    """Return a text that no other process makes either."""
    return f"{_nonce(os.getpid())}-{next(_ids)}"


@cache
def _nonce(pid: int) -> str:
    """Return what tells this process from others, also on other hosts; a child gets its own."""
    return f"{pid}-{os.urandom(8).hex()}"
