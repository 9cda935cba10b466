"""What a function, class or other thing that is called consists of, as a flat list of values.

Reading the same thing twice gives the same list, value by value, unless something that counts has
changed. So the list serves both to write down what code is and to see that it is what it was.
"""

from __future__ import annotations

from functools import cached_property, lru_cache, partial
from operator import itemgetter
from types import FunctionType, MethodType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any, Final

from pypedream.store.class_parts import declared, is_data, names_of
from pypedream.store.functions import CACHED, CALLED, captured, inside, is_generated
from pypedream.store.lookups import MISSING, is_of, load, of_module, of_object, read_of
from pypedream.store.packages import is_users, is_users_module
from pypedream.store.references import about
from pypedream.store.scan import ASSIGNED, Reference
from pypedream.store.state import is_only_filled, what_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

FILLED: Final = object()
EMPTY: Final = object()
_PLAIN: Final = frozenset(
    {bool, bytes, dict, float, frozenset, int, list, set, str, tuple, NoneType}
)
DATA: Final = "data"
FUNCTION: Final = "function"
CLASS: Final = "class"
_KINDS: Final = ("global", "enclosing")
# Builtins in whose place IPython puts functions of its own among the user's names.
_STOOD_IN_FOR: Final = frozenset({"open", "exit", "quit"})


def read_function(function: FunctionType) -> list[Any]:
    """Return the parts of a function, and what its names refer to in the order of its code."""
    own, given, keywords = about(function.__code__), function.__defaults__, function.__kwdefaults__
    wrapped = vars(function).get("__wrapped__", MISSING)
    values = [own, wrapped, function.__name__, function.__qualname__, function.__module__]
    values.append(len(given or ()))
    values += given or ()
    values.append(len(keywords or ()))
    for item in (keywords or {}).items():
        values += item
    variables, cells = function.__globals__, None
    for reference in own.references:
        if reference.kind == "global":
            value = variables.get(reference.name, MISSING)
            if reference.name in _STOOD_IN_FOR and is_of_ipython(value):
                value = MISSING  # as for the builtin that it stands for
        elif reference.kind == "enclosing":
            cells = contents_of_cells(function) if cells is None else cells
            value = cells.get(reference.name, MISSING)
        elif reference.kind == "text":
            value = variables.get(reference.name, MISSING)
        else:
            values += _imported(function, reference) if reference.kind == "import" else ()
            continue
        if reference.is_plain:
            values.append(value)
        elif reference.use != ASSIGNED:
            values += _end_of_chain(value, reference)
    return values


def is_of_ipython(value: Any) -> bool:
    """Say whether something is a function or object of IPython's."""
    is_function = isinstance(value, FunctionType)  # which may say that it is what it wraps
    home = value.__globals__.get("__name__") if is_function else type(value).__module__
    return str(home).startswith("IPython.")


def contents_of_cells(function: FunctionType) -> dict[str, Any]:
    """Return the variables of enclosing functions."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    return found


def _end_of_chain(start: Any, reference: Reference) -> list[Any]:
    """Return the name of the module where a chain ends, what it leads to, and how much is left."""
    module, value, left = follow_chain(start, reference)
    rest = reference.attributes[len(reference.attributes) - left :]
    if is_only_filled(value, rest, reference.use):
        kind = type(value)
        return [module, FILLED, f"{kind.__module__}.{kind.__qualname__}", _counts(value, reference)]
    return [module, value, left]


def _counts(value: Any, reference: Reference) -> Any:
    counts = what_counts(value, reference.use)
    return EMPTY if counts is None else counts


def follow_chain(value: Any, reference: Reference) -> tuple[str, Any, int]:
    """Go along a chain of attributes for as long as each is found without running code.

    Returns
    -------
    What the attributes of modules of the user are called until then, what is found, and how many
    attributes are left. A module of a library is not entered.
    """
    shown = ""
    for place, attribute in enumerate(reference.attributes):
        if isinstance(value, ModuleType):
            is_open = is_users_module(value.__name__)
            found = of_module(value, attribute) if is_open else MISSING
            shown = f"{value.__name__}.{attribute}" if is_open else shown
        else:
            found = of_object(value, attribute)
            shown = f"{shown}.{attribute}"
        if found is MISSING:
            return shown, value, len(reference.attributes) - place
        value = found
    return shown, value, 0


def _imported(function: FunctionType, reference: Reference) -> list[Any]:
    """Return the module that is imported inside a function, and what is used of it."""
    module = load(function, reference)
    if module is None:
        return [MISSING]
    members: list[Any] = []
    for owner, name in _members(function, reference, module):
        members += (owner.__name__, name, of_module(owner, name))
    return [module.__name__, len(members) // 3, *members]


def _members(
    function: FunctionType, reference: Reference, module: ModuleType
) -> Iterator[tuple[ModuleType, str]]:
    if not is_users_module(module.__name__):
        return
    for name in reference.attributes if reference.has_from else read_of(function, module):
        value = of_module(module, name)
        if isinstance(value, ModuleType) and is_users_module(value.__name__):
            yield from ((value, inner) for inner in read_of(function, value))
        elif value is not MISSING:
            yield module, name


def read_module(module: ModuleType) -> list[Any]:
    """Return all that is written in a module, by name."""
    found = [item for item in sorted(vars(module).items()) if is_of(module, *item)]
    return [part for item in found for part in item]


def read_class(kind: Any) -> list[Any]:
    """Return bases, fields and names of a class, and its members, each with what it is."""
    bases, names = kind.__bases__, names_of(kind)
    values = [kind.__qualname__, len(bases), *bases, type(kind), declared(kind), len(names), *names]
    found = [(name, *_member(kind, name, content)) for name, content in _members_of(kind)]
    counted = [each for each in found if each[1]]
    values.append(len(counted))
    for name, what, parts in counted:
        values += (name, what, len(parts), *parts)
    return values


def _members_of(kind: type) -> list[tuple[str, Any]]:
    """Return what may count, by name: of what libraries note in a class, which is much, nothing."""
    has_code: Callable[[Any], bool] = _has_code
    found = [
        item
        for item in vars(kind).items()
        if item[0][:2] != "__" or item[0][-2:] != "__" or has_code(type(item[1]))
    ]
    return sorted(found, key=itemgetter(0))


@lru_cache(maxsize=1_000)
def _has_code(kind: Hashable) -> bool:
    return isinstance(kind, type) and issubclass(
        kind, (*CALLED, staticmethod, classmethod, property, cached_property)
    )


def _member(owner: type, name: str, content: Any) -> tuple[str, list[Any]]:
    """Return what a member of a class is, and its parts; nothing if it does not count."""
    kind = type(content)
    if kind in _PLAIN:  # as most are, and there are many in a model of pydantic
        return (DATA if is_data(owner, name, content) else ""), [content]
    if kind is FunctionType:
        return _method(content)
    layers = inside(content)
    if layers:
        return type(content).__name__, layers
    if isinstance(content, (CACHED, partial, MethodType)):
        return ("" if is_generated(content) else FUNCTION), [content]
    if isinstance(content, type):
        return CLASS, [content]
    return (DATA if is_data(owner, name, content) else ""), [content]


def _method(function: FunctionType) -> tuple[str, list[Any]]:
    if is_generated(function):
        return "", []
    if not str(function.__globals__.get("__name__")).startswith("pydantic."):
        return FUNCTION, [function]
    # The model calls it, and it calls what the user wrote.
    inner = [each for _, each in captured(function) if is_users(each)]
    return ("calls" if inner else ""), inner


def read_partial(value: partial[Any]) -> list[Any]:
    """Return what a partial calls, and with what, by the place or name of each argument."""
    given = {**{str(at): one for at, one in enumerate(value.args, 1)}, **value.keywords}
    return [value.func, *(part for item in given.items() for part in item)]


def read_method(value: MethodType) -> list[Any]:
    """Return the function of a method, and its object."""
    return [value.__func__, value.__self__]


def read_cached(value: Any) -> list[Any]:
    """Return the function whose results are kept."""
    return [value.__wrapped__]


def read_builtin(value: Any) -> list[Any]:
    """Return the object that a builtin method belongs to."""
    owner = getattr(value, "__self__", None)
    return [] if isinstance(owner, (ModuleType, type, type(None))) else [owner]


def read_object(value: Any) -> list[Any]:
    """Return the object itself: what is in it counts."""
    return [value]
