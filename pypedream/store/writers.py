"""How the values of each class are written down: by class, by library, by what it is derived from.

A class that need not be loaded is found by its name, and an optional library by the module of its
own that knows it. None of them is imported here.
"""

from __future__ import annotations

import copyreg
import sys
import warnings
from collections import OrderedDict, defaultdict, deque
from contextlib import suppress
from enum import Enum
from functools import partial
from types import GenericAlias, MappingProxyType, ModuleType, UnionType
from typing import TYPE_CHECKING, Any, Final

from pypedream.errors import UnhashableInput
from pypedream.store.encoding import SCALARS, Encoding, digest_of, joined, name_of, tagged, text
from pypedream.store.fields import fields_of, fields_of_class
from pypedream.store.functions import CALLABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pypedream.store.encoding import Write

_PICKLE = 5
_FIX: Final = "give its class a method __pypedream_hash__ that returns what counts"


def writer_of(value: Any) -> Write | None:
    """Return how a value is written down; None if its type is not known."""
    kind = type(value)
    if hasattr(kind, "__pypedream_hash__"):
        return _write_hook
    exact = _WRITERS.get(kind)
    if exact is not None:
        return exact
    if isinstance(value, CALLABLES):
        return Encoding.callable
    return _of_library(kind) or _of_base(kind)


def _write_hook(encoding: Encoding, value: Any) -> bytes:
    kind = type(value)
    return encoding.record(b"hook", kind, {"": value.__pypedream_hash__()})


def _write_partial(encoding: Encoding, value: Any) -> bytes:
    given = (value.func, value.args, value.keywords)
    return encoding.sequence(b"partial", given)


def _write_secret(encoding: Encoding, value: Any) -> bytes:
    """Write down the digest of a secret only: what is written may be shown in an error."""
    return text(b"secret", digest_of(encoding.node(value.reveal())))


def _write_module(_encoding: Encoding, value: Any) -> bytes:
    return text(b"module", f"{value.__name__} {getattr(value, '__version__', '')}")


def _write_default_dict(encoding: Encoding, value: Any) -> bytes:
    content = encoding.mapping(b"dict", value)
    return joined(b"defaultdict", (encoding.node(value.default_factory), content))


def _write_ordered(encoding: Encoding, value: Any) -> bytes:
    return encoding.sequence(b"ordered", value.items())


def _write_deque(encoding: Encoding, value: Any) -> bytes:
    return joined(b"deque", (encoding.node(value.maxlen), encoding.sequence(b"list", value)))


def _write_array(encoding: Encoding, value: Any) -> bytes:
    return encoding.sequence(b"array", (value.typecode, value.tobytes()))


def _as(tag: bytes, take: Callable[[Any], Iterable[Any]]) -> Write:
    """Write down what *take* gives of a value."""
    return lambda encoding, value: encoding.sequence(tag, take(value))


def _buffer(tag: bytes) -> Write:
    return lambda _, value: tagged(tag, bytes(value))


_WRITERS: Final[dict[type, Write]] = {
    list: lambda encoding, value: encoding.sequence(b"list", value),
    tuple: lambda encoding, value: encoding.sequence(b"tuple", value),
    set: lambda encoding, value: encoding.unordered(b"set", value),
    frozenset: lambda encoding, value: encoding.unordered(b"frozenset", value),
    dict: lambda encoding, value: encoding.mapping(b"dict", value),
    MappingProxyType: lambda encoding, value: encoding.mapping(b"mappingproxy", value),
    OrderedDict: _write_ordered,
    defaultdict: _write_default_dict,
    deque: _write_deque,
    bytearray: _buffer(b"bytearray"),
    memoryview: _buffer(b"memoryview"),
    range: _as(b"range", lambda value: (len(value), *value[:1], *value[1:2])),
    slice: _as(b"slice", lambda value: (value.start, value.stop, value.step)),
    GenericAlias: _as(b"alias", lambda value: (value.__origin__, value.__args__)),
    UnionType: lambda encoding, value: encoding.unordered(b"union", value.__args__),
    partial: _write_partial,
    ModuleType: _write_module,
}


# Values of classes that need not be loaded, by the module and name of one of their bases


def _write_path(_encoding: Encoding, value: Any) -> bytes:
    return text(b"path", value.as_posix())


def _write_decimal(_encoding: Encoding, value: Any) -> bytes:
    """Write 1.0 and 1.00 alike: they are equal numbers."""
    if value.is_nan():
        return text(b"decimal", "nan")
    if not value.is_finite() or not value:
        return text(b"decimal", f"{'-' * value.is_signed()}{abs(value) if value else 0}")
    sign, digits, exponent = value.as_tuple()
    written = "".join(map(str, digits))
    short = written.rstrip("0")
    return text(b"decimal", f"{'-' * sign}{short}e{exponent + len(written) - len(short)}")


def _zone(value: Any) -> str | None:
    zone = value.tzinfo
    return None if zone is None else str(getattr(zone, "key", None) or zone)


def _write_moment(encoding: Encoding, value: Any) -> bytes:
    """Write down a date or time; the same hour in another zone is another value."""
    return encoding.sequence(type(value).__name__.encode(), (value.isoformat(), _zone(value)))


def _write_enum(encoding: Encoding, value: Any) -> bytes:
    return encoding.record(b"enum", type(value), {str(value.name): value.value})


_SECRET: Final = ("pypedream.parameters.secret", "Secret")
_BY_NAME: Final[dict[tuple[str, str], Write]] = {
    _SECRET: _write_secret,
    ("pathlib", "PurePath"): _write_path,
    ("pathlib._local", "PurePath"): _write_path,
    ("decimal", "Decimal"): _write_decimal,
    ("fractions", "Fraction"): _as(b"fraction", lambda value: (value.numerator, value.denominator)),
    ("datetime", "datetime"): _write_moment,
    ("datetime", "time"): _write_moment,
    ("datetime", "date"): lambda _, value: text(b"date", value.isoformat()),
    ("datetime", "timedelta"): _as(
        b"timedelta", lambda value: (value.days, value.seconds, value.microseconds)
    ),
    ("datetime", "timezone"): _as(b"timezone", lambda value: (str(value), value.utcoffset(None))),
    ("zoneinfo", "ZoneInfo"): lambda _, value: text(b"zone", str(value)),
    ("uuid", "UUID"): lambda _, value: tagged(b"uuid", value.bytes),
    ("re", "Pattern"): _as(b"pattern", lambda value: (value.pattern, value.flags)),
    ("array", "array"): _write_array,
    ("collections", "Counter"): lambda encoding, value: encoding.mapping(b"counter", value),
    ("types", "SimpleNamespace"): lambda encoding, value: encoding.record(
        b"namespace", type(value), dict(vars(value))
    ),
}
# One file for each library; each has a function `writer(kind)`.
_LIBRARIES: Final = {
    "numpy": "numpy_values",
    "pandas": "pandas_values",
    "polars": "polars_values",
    "pyarrow": "arrow_values",
    "xarray": "xarray_values",
}


def _of_library(kind: type) -> Write | None:
    """Find how a class of an optional library is written down. Imports no such library."""
    from importlib import import_module

    for base in kind.__mro__[:-1]:
        home = str(base.__module__).partition(".")[0]
        if home in _LIBRARIES and home in sys.modules:
            module = import_module(f"pypedream.store.{_LIBRARIES[home]}")
            found: Write | None = module.writer(kind)
            return found
        named = _BY_NAME.get((str(base.__module__), base.__name__))
        if named is not None and (base is kind or home == "pathlib"):
            return named
    return None


def _of_base(kind: Any) -> Write | None:
    """Find how a class is written down by what its fields are, or by the builtin that it is."""
    if issubclass(kind, Enum):
        return _write_enum
    if fields_of_class(kind) is not None:
        return _write_fields
    if any((base.__module__, base.__name__) == _SECRET for base in kind.__mro__):
        return _write_secret
    if issubclass(kind, partial):
        return _write_partial
    for base in kind.__mro__[1:-1]:
        writer = _WRITERS.get(base)
        named = _BY_NAME.get((str(base.__module__), base.__name__))
        if writer is not None or named is not None or base in SCALARS:
            return _write_subclass
    return None


def _write_fields(encoding: Encoding, value: Any) -> bytes:
    fields = {}
    for name in fields_of_class(type(value)) or ():
        with suppress(AttributeError):  # a field that was never set
            fields[name] = getattr(value, name)
    extra = getattr(value, "__pydantic_extra__", None)
    return encoding.record(b"record", type(value), {**fields, **(extra or {})})


def _write_subclass(encoding: Encoding, value: Any) -> bytes:
    """Write down an instance of a class that is derived from a builtin one."""
    for base in type(value).__mro__[1:-1]:
        if base in SCALARS:
            content = SCALARS[base](base.__new__(base, value))
            break
        writer = _WRITERS.get(base) or _BY_NAME.get((str(base.__module__), base.__name__))
        if writer is not None:
            content = writer(encoding, value)
            break
    else:
        raise AssertionError(type(value))
    return joined(b"derived", (content, encoding.record(b"", type(value), fields_of(value))))


_WARNED: Final[set[str]] = set()


def write_unknown(encoding: Encoding, value: Any) -> bytes:
    """Write down a value of a type that is not known, and warn once."""
    kind = type(value)
    name = name_of(kind)
    if encoding.strict:
        raise UnhashableInput(kind, f"is of a type that pypedream does not know; {_FIX}")
    encoded = write_apart(encoding, value)
    if name not in _WARNED:
        _WARNED.add(name)
        message = f"{name} counts by what pickle makes of it; give it a __pypedream_hash__ method"
        warnings.warn(message, stacklevel=2)
    return encoded


def write_apart(encoding: Encoding, value: Any) -> bytes:
    """Write down what pickle would write, but in an order that does not change."""
    kind = type(value)
    name = name_of(kind)
    try:
        registered = copyreg.dispatch_table.get(kind)  # pickle looks there first, too
        taken = registered(value) if registered else value.__reduce_ex__(_PICKLE)
        if registered and isinstance(taken, str):
            taken = _global(value, taken)
    except UnhashableInput:
        raise
    except Exception as error:
        raise UnhashableInput(kind, f"cannot be taken apart ({error}); {_FIX}") from error
    if isinstance(taken, str):
        return text(b"global", f"{name} {taken}")
    make, arguments, *rest = taken
    state = rest[0] if rest else None
    entries = [list(part) if part is not None else None for part in rest[1:3]]
    inside = [_named(argument) for argument in arguments]
    content = (
        text(b"", name),
        encoding.node(_named(make)),
        encoding.node([inside, state, *entries]),
    )
    return joined(b"object", content)


def _global(value: Any, name: str) -> str:
    """Return where something is found by its name alone; as pickle does, see that it is there."""
    import pickle  # such values are few

    module = pickle.whichmodule(value, name)  # type: ignore[attr-defined]
    if getattr(sys.modules.get(module), name, None) is not value:
        raise AttributeError(f"it is not {module}.{name}")
    return f"{module}.{name}"


def _named(value: Any) -> Any:
    """Return the name of a class or function: how an object is made is not its content."""
    if isinstance(value, CALLABLES):
        return ("made by", getattr(value, "__module__", None), getattr(value, "__qualname__", None))
    return value
