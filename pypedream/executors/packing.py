"""Values on their way to another process: what is pickled how, and what to say if it cannot be.

Python's own pickler is fast and names functions and classes by their module. What the other process
could not find by such a name, because it is defined in ``__main__``, in a notebook or within a
function, goes as a whole, by cloudpickle. Large buffers, as of arrays, are not copied into the
pickle: an executor may put them where both processes see them.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections import ChainMap
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from importlib import import_module
from io import BytesIO, TextIOWrapper
from itertools import count
from threading import Lock
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream._extras import need
from pypedream.errors import MissingExtra, UnpicklableValue
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.executors.jobs import Kit

__all__ = ["LARGE", "Packed", "pack", "pack_kit", "pack_result"]

LARGE = 1 << 20
DEEPEST = 6
RESULT = "its result"
FAILURES = (Exception, RecursionError)

_by_value = Lock()


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
        raise _explained(value, of=of, part=part, error=error, by_value=by_value) from error
    return Packed(_new_id(), of, data, buffers)


def pack_kit(kit: Kit) -> Packed:
    """Pickle *kit*; see `Kit.pack`."""
    of = f'stage "{kit.stage}"'
    by_value = _module_by_value(kit.function)
    try:
        data, buffers = _dumped(kit, of, by_value)
    except MissingExtra:
        raise
    except FAILURES as error:
        for part, value in _parts(kit):
            pack(value, of=of, part=part, by_value=by_value)
        raise _explained(kit, of=of, part="its call", error=error, by_value=by_value) from error
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
        need("cloudpickle", extra="cluster", for_=f"{of} {_whole(value, by_value)}")
    except MissingExtra:
        if failure is None and by_value is None and not _names_main(data):
            return _dumped_plainly(value)
        if failure is not None and not _is_for_cloudpickle(failure):
            raise failure from None
        raise
    return _dumped_as_a_whole(value, by_value, buffers), tuple(buffers)


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


def _whole(value: Any, by_value: str | None) -> str:
    """Say why *value* has to go as a whole."""
    function = _innermost(getattr(value, "function", value))
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    why = "takes or gives what is defined in __main__ or within a function"
    if "<lambda>" in name:
        why = "is a lambda"
    elif "<locals>" in name:
        why = "is defined within a function"
    elif module == "__main__":
        why = "is defined in __main__"
    elif by_value is not None:
        why = f"is defined in {by_value}, which another process cannot import"
    return f"{why}: to call it in another process"


def _is_for_cloudpickle(error: BaseException) -> bool:
    """Say whether *error* is about what cannot be found by its name, as a lambda."""
    return isinstance(error, (pickle.PicklingError, AttributeError))


def _dumped_as_a_whole(
    value: Any, by_value: str | None, buffers: list[pickle.PickleBuffer]
) -> bytes:
    with _registered(by_value), BytesIO() as file:
        pickler = _whole_pickler()(file, 5, buffer_callback=_keeping_large(buffers))
        pickler.dump(value)
        return file.getvalue()


@cache
def _whole_pickler() -> Any:
    """Return cloudpickle's pickler; ours knows pypedream's context variables, and no files.

    Code keeps the name of its file, which cloudpickle leaves out: tracebacks show its lines.
    """
    usual: Any = import_module("cloudpickle").Pickler
    code_reduced = partial(_with_file, usual.dispatch_table[CodeType])
    own = {ContextVar: _named, TextIOWrapper: _standard, CodeType: code_reduced}
    # Its own way for files is to read them, and to send their text.
    return type("Pickler", (usual,), {"dispatch_table": ChainMap(own, usual.dispatch_table)})


def _named(variable: ContextVar[Any]) -> tuple[Any, ...]:
    from pypedream import context

    name = variable.name.rpartition(".")[2]
    if getattr(context, name, None) is not variable:
        raise TypeError("cannot pickle 'ContextVar' object")
    return getattr, (context, name)


def _with_file(reduce: Callable[[CodeType], Any], code: CodeType) -> tuple[Any, ...]:
    make, parts = reduce(code)[:2]
    return _code_of_file, (code.co_filename, make, parts)


def _code_of_file(file: str, make: Callable[..., CodeType], parts: tuple[Any, ...]) -> CodeType:
    return make(*parts).replace(co_filename=file)


def _standard(file: TextIOWrapper) -> tuple[Any, ...]:
    for name in ("stdin", "stdout", "stderr"):
        if file is getattr(sys, name):
            return getattr, (sys, name)
    raise TypeError("cannot pickle '_io.TextIOWrapper' object")


@contextmanager
def _registered(module: str | None) -> Iterator[None]:
    """Let cloudpickle take along as a whole what *module* defines."""
    if module is None or module not in sys.modules:
        yield
        return
    cloudpickle = import_module("cloudpickle")
    with _by_value:
        cloudpickle.register_pickle_by_value(sys.modules[module])
        try:
            yield
        finally:
            cloudpickle.unregister_pickle_by_value(sys.modules[module])


def _module_by_value(function: Any) -> str | None:
    """Return the module of *function* if another process could not import it by its name."""
    name = getattr(_innermost(function), "__module__", None)
    if not isinstance(name, str) or name == "__main__":  # that is seen in the pickle
        return None
    return None if _is_importable(name) else name


def _innermost(function: Any) -> Any:
    while isinstance(function, partial):
        function = function.func
    return function


def _is_importable(name: str) -> bool:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:  # built in, or made by hand: then cloudpickle knows
        return True
    found = _origins.get((name, file))
    if found is None:
        found = _origins[name, file] = _origin_of(name) == file
    return found


def _origin_of(name: str) -> str | None:
    """Return the file that importing *name* anew would load."""
    parent, _, _ = name.rpartition(".")
    path = getattr(sys.modules.get(parent), "__path__", None) if parent else None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = None if find is None else find(name, path)
        if spec is not None:
            origin: str | None = spec.origin
            return origin
    return None


def _parts(kit: Kit) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a kit by the names that a user knows them by."""
    yield "its function", kit.function
    for name, value in kit.common.items():
        yield f'its argument "{name}"', value
    yield "its parameters", kit.parameters
    for name, value in kit.variables.items():
        yield f'the variable "{name}"', value


def _explained(
    value: Any, *, of: str, part: str, error: BaseException, by_value: str | None
) -> UnpicklableValue:
    """Return one line that says what of *value* cannot be pickled."""
    path, culprit = _culprit(value, of, by_value)
    kind = f"{type(culprit).__module__}.{type(culprit).__qualname__}".removeprefix("builtins.")
    reason = " ".join(str(error).split()) or type(error).__name__
    if part == RESULT:
        fix = 'return data instead, or give the stage executor="threads"'
    else:
        fix = 'make it inside the stage, or give the stage executor="threads"'
    return UnpicklableValue(
        f"{of}: {part}{path} is of type {kind}, which cannot be sent to another process"
        f" ({reason}): {fix}",
        kind=type(culprit),
    )


def _culprit(value: Any, of: str, by_value: str | None) -> tuple[str, Any]:
    """Return the innermost part of *value* that cannot be pickled, and how to get there."""
    path = ""
    for _ in range(DEEPEST):
        for key, inner in _inside(value):
            if not _can_pickle(inner, of, by_value):
                path, value = f"{path}{key}", inner
                break
        else:
            return path, value
    return path, value


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"[{short(key)}]", inner
    elif isinstance(value, (list, tuple, set, frozenset)):
        for number, inner in enumerate(value):
            yield f"[{number}]", inner
    else:
        for name, inner in (getattr(value, "__dict__", None) or {}).items():
            if not isinstance(value, (type, FunctionType, ModuleType)):
                yield f".{name}", inner


def _can_pickle(value: Any, of: str, by_value: str | None) -> bool:
    try:
        _dumped(value, of, by_value)
    except FAILURES:
        return False
    return True


_origins: dict[tuple[str, str], bool] = {}
_ids = count(1)


def _new_id() -> str:
    """Return a text that no other process makes either."""
    return f"{_nonce(os.getpid())}-{next(_ids)}"


@cache
def _nonce(pid: int) -> str:
    """Return what tells this process from others, also on other hosts; a child gets its own."""
    return f"{pid}-{os.urandom(8).hex()}"
