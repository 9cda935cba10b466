"""The walk through all that a function depends on: helpers, constants, classes, packages.

Each function and class that is the user's own is a node with a number; the numbers follow from the
order in which the code refers to them. A node is written down as what it does, together with what
each of its names stands for: the number of another node, or a value. So the digest of all nodes
says which code there is and how it hangs together, and nothing of where it stands.

Names of other modules are not followed: they enter as package and version.
"""

from __future__ import annotations

import sys
from collections import deque
from functools import lru_cache, partial
from types import FunctionType, MethodType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field

from pypedream.store.constants import Constants
from pypedream.store.encoding import SCALARS, digest_of, joined, label, text
from pypedream.store.functions import BUILTIN, CACHED, CALLABLES, captured, innermost
from pypedream.store.lookups import MISSING
from pypedream.store.observations import Observations
from pypedream.store.packages import is_users, is_users_module, package_of
from pypedream.store.readings import (
    CLASS,
    DATA,
    EMPTY,
    FILLED,
    FUNCTION,
    read_builtin,
    read_cached,
    read_class,
    read_function,
    read_method,
    read_module,
    read_object,
    read_partial,
)
from pypedream.store.scan import ASSIGNED, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[[], Any]
    Shown = tuple[str, str, int]

_VERSION: Final = text(b"python", f"{sys.version_info.major}.{sys.version_info.minor}")
_SHOWN: Final = frozenset({bool, int, float, NoneType})


@define(eq=False, repr=False)
class Walk:
    """One walk; it lives until the identity of one function is known.

    Attributes
    ----------
    parts
        From the name of each part to its digest.
    places
        From the name of each part that has a place to what a message calls it, its file and line.
    values
        From the name of each part that is a number, or no text at all, to how it is written.
    packages
        The names of those parts that are packages.
    functions
        The functions of the user that were found.
    observations
        What was looked at.
    """

    parts: dict[str, str] = Factory(dict)
    places: dict[str, Shown] = Factory(dict)
    values: dict[str, str] = Factory(dict)
    packages: set[str] = Factory(set)
    functions: list[FunctionType] = Factory(list)
    constants: Constants = Factory(Constants)
    observations: Observations = field(init=False)
    records: list[bytes] = Factory(list)
    numbers: dict[int, tuple[bytes, object]] = Factory(dict)
    queue: deque[tuple[str, str, Any]] = Factory(deque)

    def __attrs_post_init__(self) -> None:
        self.observations = Observations(self.constants)

    def run(self, root: Any) -> None:
        """Walk through all that *root* depends on.

        An object may say by a method of its class what it is made of: a kind, a name and a value
        for each part.
        """
        inner = innermost(root)
        name = str(getattr(inner, "__name__", type(inner).__name__))
        kind = "class" if isinstance(inner, type) else "function"
        if not isinstance(root, CALLABLES):
            self.observations.look(read_object, root)
        told = getattr(type(root), "__pypedream_parts__", None)
        about = [(kind, name, root)] if told is None else told(root)
        self.records.append(joined(b"root", [self.refer(*each) for each in about]))
        self.finish()

    def finish(self) -> None:
        """Write down what waits to be."""
        while self.queue:
            kind, name, value = self.queue.popleft()
            if isinstance(value, type):
                self.records.append(self._class(kind, name, value))
            elif isinstance(value, ModuleType):
                self.records.append(self._module(name, value))
            else:
                self.records.append(self._function(kind, name, value))

    def digest(self) -> str:
        """Return the digest of everything that was found."""
        about = (_VERSION, *(text(b"package", name) for name in sorted(self.packages)))
        return digest_of(joined(b"code", (*about, *self.records)))

    # What a name stands for

    def refer(self, kind: str, name: str, value: Any) -> bytes:
        """Write down what a name stands for, and see to it that it is followed."""
        kind_of_constant = "constant" if kind in ("helper", "function") else kind
        if type(value) in SCALARS:
            return self._constant(kind_of_constant, name, value)
        if isinstance(value, CALLABLES):
            return self._called(kind, name, value)
        if isinstance(value, ModuleType):
            self._package(value.__name__)
            is_own = is_users_module(value.__name__)
            return self._node("module", value.__name__, value) if is_own else text(b"module", "")
        return self._constant(kind_of_constant, name, value)

    def _called(self, kind: str, name: str, value: Any) -> bytes:
        if type(value) is FunctionType and is_users(value):  # as most are
            return self._node(kind, name, value)
        if isinstance(value, partial):
            return self._partial(kind, name, value)
        if isinstance(value, MethodType):
            function, owner = self.observations.look(read_method, value)
            about = (kind, name, function), ("object", f"of {function.__qualname__}", owner)
            return joined(b"method", [self.refer(*each) for each in about])
        if isinstance(value, CACHED):
            wrapped = self.observations.look(read_cached, value)[0]
            return joined(b"cached", (self.refer(kind, name, wrapped),))
        if isinstance(value, BUILTIN):
            return self._builtin(value)
        return self._node(kind, name, value) if is_users(value) else self._of_library(value)

    def _node(self, kind: str, name: str, value: Any) -> bytes:
        known = self.numbers.get(id(value))
        if known is None:
            known = self.numbers[id(value)] = (_node(len(self.numbers)), value)
            if isinstance(value, FunctionType):
                self.functions.append(value)
            if kind == "helper":
                kind = "class" if isinstance(value, type) else "helper"
                name = value.__qualname__ if kind == "class" else _symbol(value)
            self.queue.append((kind, name, value))
        return known[0]

    def _of_library(self, value: Any) -> bytes:
        """Write down a function of a library, and the user's own functions that it wraps."""
        home = _home(value)
        self._package(home)
        parts = [text(b"library", f"{home}.{value.__qualname__}")]
        if isinstance(value, FunctionType):
            held = self.observations.look(_read_of_library, value)
            named = zip(held[::2], held[1::2], strict=True)
            parts += [self.refer("helper", name, each) for name, each in named]
        return joined(b"library", parts)

    def _builtin(self, value: Any) -> bytes:
        owner = getattr(value, "__self__", None)
        module = getattr(value, "__module__", None) or type(owner).__module__
        self._package(str(module))
        name = text(b"builtin", f"{module}.{value.__qualname__}")
        if not read_builtin(value):
            return name
        self.observations.look(read_builtin, value)
        return joined(b"bound", (name, self._constant("object", value.__qualname__, owner)))

    def _partial(self, kind: str, name: str, value: Any) -> bytes:
        inner = str(getattr(innermost(value), "__name__", name))
        function, *given = self.observations.look(read_partial, value)
        parts = [self.refer(kind, name, function)]
        for argument, content in zip(given[::2], given[1::2], strict=True):
            encoded = self.refer("argument", f"{argument} in {inner}", content)
            parts.append(joined(b"argument", (label(argument), encoded)))
        return joined(b"partial", parts)

    def _constant(self, kind: str, name: str, value: Any) -> bytes:
        """Write down a value, and what functions and classes there are in it."""
        scalar = SCALARS.get(type(value))
        if scalar is not None:
            encoded = scalar(value)
            symbol = self._part(kind, name, digest_of(encoded))
            if type(value) in _SHOWN:  # a text may be a secret
                self.values[symbol] = repr(value)
            return encoded
        self.observations.must_know(value)
        constant = self.constants.of(value)
        for module in constant.modules:
            self._package(module)
        links = [self.refer("helper", "", each) for each in constant.links]
        self._part(kind, name, digest_of(constant.encoded))
        return joined(b"value", (constant.encoded, *links))

    # Functions

    def _function(self, kind: str, name: str, function: FunctionType) -> bytes:
        values = self.observations.look(read_function, function)
        own, wrapped, own_name, full_name = values[:4]
        shown = f"{kind} {full_name if kind == 'helper' else name}"
        self._part(kind, name, own.digest, (shown, own.file, own.line))
        take = iter(values[5:]).__next__
        parts = [own.does]
        contents = [take() for _ in range(take())]
        given = list(zip(reversed(own.arguments), reversed(contents), strict=False))
        given += [(take(), take()) for _ in range(take())]
        for argument, content in given:
            encoded = self.refer("default of", f"{argument} in {own_name}", content)
            parts.append(joined(b"default", (label(argument), encoded)))
        for reference in own.references:
            parts += self._follow(function, reference, take)
        if wrapped is not MISSING:
            parts.append(self.refer("helper", "", wrapped))
        return joined(b"function", parts)

    def _follow(self, function: FunctionType, reference: Reference, take: Take) -> list[bytes]:
        """Write down what a reference stands for, from what was read of the function."""
        if reference.kind == "import":
            return self._imported(reference, take)
        if reference.kind == "attribute" or reference.use == ASSIGNED:
            return []
        module, value, left = "", take(), 0
        if not reference.is_plain:
            module, value, left = value, take(), take()
        if value is MISSING:
            return []
        if value is FILLED:
            found = self._filled(_name(function, reference, module)[1], left, take())
        elif left and isinstance(value, ModuleType) and not is_users_module(value.__name__):
            self._package(value.__name__)
            found = text(b"library", ".".join((value.__name__, *reference.attributes[-left:])))
        elif isinstance(value, CALLABLES):
            found = self._called("helper", reference.name, value)
        else:
            found = self.refer(*_name(function, reference, module), value)
        return [joined(b"name", (reference.label, found))]

    def _filled(self, name: str, kind: Any, counts: Any) -> bytes:
        """Write down a container that the code fills and does not read."""
        about = "helper" if isinstance(counts, CALLABLES) else "places in"
        encoded = () if counts is EMPTY else (self.refer(about, name, counts),)
        return joined(b"filled", (label(kind), *encoded))

    def _imported(self, reference: Reference, take: Take) -> list[bytes]:
        """Write down an import inside a function, and what is used of a module of the user."""
        module = take()
        if module is MISSING:
            return [reference.label]
        self._package(module)
        members = [self._member(take(), take(), take()) for _ in range(take())]
        return [reference.label, *members]

    def _member(self, module: str, name: str, value: Any) -> bytes:
        kind = "helper" if isinstance(value, CALLABLES) else "constant"
        found = self.refer(kind, f"{module}.{name}", value)
        return joined(b"name", (label(name), found))

    def _module(self, name: str, module: ModuleType) -> bytes:
        """Write down all that is written in a module: code that has it can reach any of that."""
        values = self.observations.look(read_module, module)
        names = values[::2]
        self._part("module", name, digest_of(joined(b"", (label(each) for each in names))))
        members = zip(names, values[1::2], strict=True)
        return joined(b"module", [self._member(module.__name__, *each) for each in members])

    # Classes

    def _class(self, kind: str, name: str, value: Any) -> bytes:
        take = iter(self.observations.look(read_class, value)).__next__
        full_name = take()
        bases = [self.refer("helper", "", take()) for _ in range(take())]
        metaclass, fields = take(), take()
        if metaclass is not type and not any(type(base) is metaclass for base in value.__bases__):
            bases.append(self.refer("helper", "", metaclass))
        parts = [*bases, self._constant("fields of", full_name, fields)]
        names = [label(take()) for _ in range(take())]
        for _ in range(take()):
            member = take()
            encoded = self._of_class(
                f"{full_name}.{member}", take(), [take() for _ in range(take())]
            )
            parts.append(joined(b"member", (label(member), encoded)))
        self._part(kind, name, digest_of(joined(b"", names)))
        return joined(b"class", parts)

    def _of_class(self, name: str, what: str, found: list[Any]) -> bytes:
        if what == FUNCTION:
            return self.refer("class", name, found[0])
        if what == CLASS:
            return self.refer("class", found[0].__qualname__, found[0])
        if what == DATA:
            return self._constant("constant", name, found[0])
        return joined(what.encode(), [self.refer("class", name, each) for each in found])

    # Parts

    def _package(self, module: str) -> None:
        if module and not is_users_module(module):
            package = package_of(module)
            if package is not None:
                name = "package {}: {}".format(*package)
                self.packages.add(name)
                self.parts[name] = digest_of(label(package[1]))

    def _part(self, kind: str, name: str, digest: str, place: Shown | None = None) -> str:
        """Keep one part and return what it is called. Another one may have the same name."""
        symbol, number = f"{kind} {name}", 1
        while self.parts.setdefault(symbol, digest) != digest:
            number += 1
            symbol = f"{kind} {name} #{number}"
        if place is not None:
            self.places[symbol] = place
        return symbol


@lru_cache(maxsize=1_000)
def _node(number: int) -> bytes:
    return text(b"node", str(number))


def _symbol(value: Any) -> str:
    return _within(value.__module__, value.__qualname__)


def _name(function: FunctionType, reference: Reference, module: str) -> tuple[str, str]:
    """Return what kind of part the end of a chain is, and what it is called."""
    if reference.kind == "enclosing":
        kind, start = "captured value", f"{reference.name} in {function.__name__}"
        rest = ""
    else:
        kind, start = "constant", _within(function.__globals__.get("__name__"), reference.name)
        rest = module
    return kind, start + rest if module[:1] in ("", ".") else module


def _within(module: object, name: str) -> str:
    return name if module in ("__main__", None) else f"{module}.{name}"


def _home(value: Any) -> str:
    """Return the module of what a library defines.

    A layer around a function of the user, or a method that attrs adds to a class of the user's,
    says that it is of the user's module, whose name does not count.
    """
    home = str(getattr(value, "__module__", ""))
    is_layer = isinstance(value, FunctionType) and is_users_module(home)
    return str(value.__globals__.get("__name__")) if is_layer else home


def _read_of_library(function: FunctionType) -> list[Any]:
    """Return what a function of a library keeps of the user's, each with its name."""
    table = dict(vars(function).get("registry", ()))  # of a function by the type of its argument
    held = [
        *captured(function),
        ("__wrapped__", vars(function).get("__wrapped__")),
        ("registry", table),
    ]
    return [part for item in held if _is_given(item[1]) for part in item]


def _is_given(value: Any) -> bool:
    """Say whether what a layer of a library keeps comes from the user."""
    if isinstance(value, (FunctionType, type, MethodType, partial, CACHED)):
        inner = innermost(value)
        return isinstance(inner, (FunctionType, type)) and is_users(inner)
    if isinstance(value, dict):
        return bool(value) and all(callable(each) for each in value.values())
    return type(value) in (bool, int, float, str)
