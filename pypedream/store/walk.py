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
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field

from pypedream.errors import UnhashableInput
from pypedream.places import Place
from pypedream.store.bytecode import behaviour
from pypedream.store.class_parts import declared, is_data, names_of
from pypedream.store.encoding import Encoding, digest_of, joined, name_of, tagged, text
from pypedream.store.fields import fields_of
from pypedream.store.functions import (
    BUILTIN,
    CACHED,
    CALLABLES,
    captured,
    defaults,
    innermost,
    inside,
    is_generated,
)
from pypedream.store.lookups import MISSING, is_of, load, of_module, of_object, read_of
from pypedream.store.packages import is_users, is_users_module, package_of
from pypedream.store.per_code import PerCode
from pypedream.store.references import ASSIGNED, Reference, references
from pypedream.store.state import is_only_filled, what_counts
from pypedream.store.writers import write_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of Python's own objects only those of these modules say what they are; others keep what happens.
_TAKEN_APART: Final = frozenset({"functools", "operator", "types", "typing"})


@define(eq=False)
class Walk:
    """One walk; it lives until the identity of one function is known.

    Attributes
    ----------
    parts
        From the name of each part to its digest.
    shown
        From the name of each part to what it is called in a message, with its place.
    functions
        The functions of the user that were found.
    states
        What they make and do not read: the function, its reference, and what it fills, if it does.
    """

    parts: dict[str, str] = Factory(dict)
    shown: dict[str, str] = Factory(dict)
    functions: list[FunctionType] = Factory(list)
    states: list[tuple[FunctionType, Reference, object]] = Factory(list)
    records: list[bytes] = Factory(list)
    numbers: dict[int, tuple[int, object]] = Factory(dict)
    queue: deque[tuple[str, str, Any]] = Factory(deque)
    links: list[bytes] = Factory(list)
    encoding: Encoding = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.encoding = Encoding(
            unknown=self._unknown, function=self._inside, met=self._met, has_cycles=True
        )

    def run(self, root: Any) -> None:
        """Walk through all that *root* depends on."""
        inner = innermost(root)
        name = str(getattr(inner, "__name__", type(inner).__name__))
        kind = "class" if isinstance(inner, type) else "function"
        encoded = self.refer(kind, name, root)
        self.records.append(joined(b"root", (encoded,)))
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
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        packages = sorted(name for name in self.parts if name.startswith("package "))
        about = (text(b"python", version), *(text(b"package", name) for name in packages))
        return digest_of(joined(b"code", (*about, *self.records)))

    # What a name stands for

    def refer(self, kind: str, name: str, value: Any) -> bytes:
        """Write down what a name stands for, and see to it that it is followed."""
        if isinstance(value, CALLABLES):
            return self._called(kind, name, value)
        if isinstance(value, ModuleType):
            self._package(value.__name__)
            is_own = is_users_module(value.__name__)
            return self._node("module", value.__name__, value) if is_own else text(b"module", "")
        prefix = "constant" if kind in ("helper", "function") else kind
        return self._constant(prefix, name, value)

    def _called(self, kind: str, name: str, value: Any) -> bytes:
        if isinstance(value, partial):
            return self._partial(kind, name, value)
        if isinstance(value, MethodType):
            return self._method(kind, name, value)
        if isinstance(value, CACHED):
            return joined(b"cached", (self.refer(kind, name, value.__wrapped__),))
        if isinstance(value, BUILTIN):
            return self._builtin(value)
        if is_users(value):
            return self._node(kind, name, value)
        return self._of_library(value)

    def _node(self, kind: str, name: str, value: Any) -> bytes:
        known = self.numbers.get(id(value))
        if known is None:
            known = self.numbers[id(value)] = (len(self.numbers), value)
            if isinstance(value, FunctionType):
                self.functions.append(value)
            if kind == "helper":
                kind = "class" if isinstance(value, type) else "helper"
                name = value.__qualname__ if kind == "class" else _symbol(value)
            self.queue.append((kind, name, value))
        return text(b"node", str(known[0]))

    def _of_library(self, value: Any) -> bytes:
        """Write down a function of a library, and the user's own functions that it wraps."""
        self._package(str(getattr(value, "__module__", "")))
        parts = [text(b"library", f"{value.__module__}.{value.__qualname__}")]
        if isinstance(value, FunctionType):
            table = dict(
                vars(value).get("registry", ())
            )  # of a function by the type of its argument
            wrapped = vars(value).get("__wrapped__")
            held = [*captured(value), ("__wrapped__", wrapped), ("registry", table)]
            parts += [self.refer("helper", name, each) for name, each in held if _is_given(each)]
        return joined(b"library", parts)

    def _builtin(self, value: Any) -> bytes:
        owner = getattr(value, "__self__", None)
        module = getattr(value, "__module__", None) or type(owner).__module__
        self._package(str(module))
        name = text(b"builtin", f"{module}.{value.__qualname__}")
        if owner is None or isinstance(owner, (ModuleType, type)):
            return name
        return joined(b"bound", (name, self._constant("object", value.__qualname__, owner)))

    def _partial(self, kind: str, name: str, value: Any) -> bytes:
        inner = str(getattr(innermost(value), "__name__", name))
        given = {**{str(at): one for at, one in enumerate(value.args, 1)}, **value.keywords}
        parts = [self.refer(kind, name, value.func)]
        for argument, content in given.items():
            encoded = self.refer("argument", f"{argument} in {inner}", content)
            parts.append(joined(b"argument", (text(b"", argument), encoded)))
        return joined(b"partial", parts)

    def _method(self, kind: str, name: str, value: MethodType) -> bytes:
        owner = value.__self__
        function = self.refer(kind, name, value.__func__)
        about = self.refer("object", f"of {value.__func__.__qualname__}", owner)
        return joined(b"method", (function, about))

    def _constant(self, kind: str, name: str, value: Any) -> bytes:
        """Write down a value, and what functions and classes there are in it."""
        before, self.links = self.links, []
        try:
            encoded = self.encoding.encode(value)
        except UnhashableInput:
            encoded = self._opaque(type(value))
        links, self.links = self.links, before
        self._part(kind, name, digest_of(encoded))
        return joined(b"value", (encoded, *links))

    def _inside(self, value: Any) -> bytes:
        """Write down a function or class that is somewhere in a value."""
        self.links.append(self.refer("helper", "", value))
        return text(b"called", str(getattr(value, "__qualname__", "")))

    def _met(self, kind: type) -> None:
        self.links.append(self.refer("helper", "", kind))

    def _unknown(self, encoding: Encoding, value: Any) -> bytes:
        """Write down an object by its fields, if it is not one of Python itself."""
        kind = type(value)
        top = kind.__module__.partition(".")[0]
        function = getattr(value, "function", None) if top == "pypedream" else value
        if isinstance(function, CALLABLES):
            return self._inside(function)
        if top in _TAKEN_APART and not fields_of(value):
            return write_apart(encoding, value)
        is_closed = top == "pypedream" or top in sys.stdlib_module_names - _TAKEN_APART
        if is_users(kind) or not is_closed:
            with suppress(UnhashableInput):
                return encoding.record(b"object", kind, fields_of(value))
        return self._opaque(kind)

    def _opaque(self, kind: type) -> bytes:
        self._package(kind.__module__)
        return text(b"opaque", name_of(kind))

    # Functions

    def _function(self, kind: str, name: str, function: FunctionType) -> bytes:
        own = _BEHAVIOUR.of(function.__code__)
        place = Place(function.__code__.co_filename, function.__code__.co_firstlineno)
        self._part(kind, name, own.hex(), f"{kind} {_shown(kind, name, function)} ({place})")
        parts = [tagged(b"does", own)]
        for argument, content in defaults(function):
            encoded = self.refer("default of", f"{argument} in {function.__name__}", content)
            parts.append(joined(b"default", (text(b"", argument), encoded)))
        enclosed = dict(captured(function))
        for reference in references(function.__code__):
            parts += self._follow(function, enclosed, reference)
        if "__wrapped__" in vars(function):
            parts.append(self.refer("helper", "", vars(function)["__wrapped__"]))
        return joined(b"function", parts)

    def _follow(
        self, function: FunctionType, enclosed: dict[str, Any], reference: Reference
    ) -> Iterator[bytes]:
        if reference.kind == "import":
            yield from self._imported(function, reference)
        if reference.kind not in ("enclosing", "global"):
            return
        if reference.use == ASSIGNED:
            self.states.append((function, reference, None))
            return
        if reference.kind == "enclosing":
            value = enclosed.get(reference.name, MISSING)
            kind, name = "captured value", f"{reference.name} in {function.__name__}"
        else:
            value = function.__globals__.get(reference.name, MISSING)
            kind, name = "constant", _global(function, reference.name)
        if value is not MISSING:
            chain = ".".join((reference.name, *reference.attributes))
            found = self._chain(kind, name, value, function, reference)
            yield joined(b"name", (text(b"", chain), found))

    def _chain(
        self, kind: str, name: str, value: Any, function: FunctionType, reference: Reference
    ) -> bytes:
        """Go along a chain of attributes for as long as each is found without running code."""
        attributes = reference.attributes
        for place, attribute in enumerate(attributes):
            if isinstance(value, ModuleType):
                if not is_users_module(value.__name__):
                    self._package(value.__name__)
                    return text(b"library", ".".join((value.__name__, *attributes[place:])))
                name = f"{value.__name__}.{attribute}"
                found = of_module(value, attribute)
            else:
                name = name if kind == "captured value" else f"{name}.{attribute}"
                found = of_object(value, attribute)
            if found is MISSING:
                attributes = attributes[place:]
                break
            value = found
        else:
            attributes = ()
        if reference.use and is_only_filled(value, attributes, reference.use):
            self.states.append((function, reference, value))
            return self._filled(name, value, reference.use)
        if isinstance(value, CALLABLES):
            return self.refer("helper", name, value)
        return self.refer(kind, name, value)

    def _filled(self, name: str, value: Any, use: str) -> bytes:
        """Write down a container that the code fills and does not read."""
        counts = what_counts(value, use)
        kind = "length of" if isinstance(counts, int) else "helper"
        encoded = () if counts is None else (self.refer(kind, name, counts),)
        return joined(b"filled", (text(b"", name_of(type(value))), *encoded))

    def _imported(self, function: FunctionType, reference: Reference) -> Iterator[bytes]:
        """Follow an import inside a function; a module of the user is loaded for it."""
        module = load(function, reference)
        yield text(b"import", f"{reference.name} {','.join(reference.attributes)}")
        if module is None:
            return
        self._package(module.__name__)
        if not is_users_module(module.__name__):
            return
        names = reference.attributes if reference.has_from else read_of(function, module)
        for name in names:
            value = of_module(module, name)
            if isinstance(value, ModuleType) and is_users_module(value.__name__):
                for inner in read_of(function, value):
                    yield self._member(value, inner)
            elif value is not MISSING:
                yield self._member(module, name)

    def _member(self, module: ModuleType, name: str) -> bytes:
        value = of_module(module, name)
        kind = "helper" if isinstance(value, CALLABLES) else "constant"
        found = self.refer(kind, f"{module.__name__}.{name}", value)
        return joined(b"name", (text(b"", name), found))

    def _module(self, name: str, module: ModuleType) -> bytes:
        """Write down all that is written in a module: code that has it can reach any of that."""
        names = [each for each, value in sorted(vars(module).items()) if is_of(module, each, value)]
        self._part("module", name, digest_of(self.encoding.node(names)))
        return joined(b"module", [self._member(module, each) for each in names])

    # Classes

    def _class(self, kind: str, name: str, value: Any) -> bytes:
        bases = [self.refer("helper", "", base) for base in value.__bases__]
        if type(value) is not type:
            bases.append(self.refer("helper", "", type(value)))
        fields = self._constant("fields of", value.__qualname__, declared(value))
        members = [
            joined(b"member", (text(b"", member), encoded))
            for member, content in sorted(vars(value).items(), key=lambda item: item[0])
            if (encoded := self._attribute(value, member, content)) is not None
        ]
        self._part(kind, name, digest_of(self.encoding.node(names_of(value))))
        return joined(b"class", (*bases, fields, *members))

    def _attribute(self, owner: type, member: str, content: Any) -> bytes | None:
        name = f"{owner.__qualname__}.{member}"
        layers = inside(content)
        if layers:
            methods = [self.refer("class", name, each) for each in layers]
            return joined(type(content).__name__.encode(), methods)
        if isinstance(content, (FunctionType, CACHED, partial, MethodType)):
            return None if is_generated(content) else self.refer("class", name, content)
        if isinstance(content, type):
            return self.refer("class", content.__qualname__, content)
        return (
            self._constant("constant", name, content) if is_data(owner, member, content) else None
        )

    # Parts

    def _package(self, module: str) -> None:
        if module and not is_users_module(module):
            package = package_of(module)
            if package is not None:
                name, version = package
                self.parts[f"package {name}: {version}"] = digest_of(text(b"", version))

    def _part(self, kind: str, name: str, digest: str, shown: str = "") -> None:
        """Keep one part. Another one may have the same name."""
        symbol, number = f"{kind} {name}", 1
        while self.parts.setdefault(symbol, digest) != digest:
            number += 1
            symbol = f"{kind} {name} #{number}"
        self.shown[symbol] = shown or symbol


def _behaviour(code: CodeType) -> bytes:
    encoding = Encoding(function=_name_only)
    return bytes.fromhex(digest_of(encoding.encode(behaviour(code))))


_BEHAVIOUR: Final = PerCode(_behaviour)


def _name_only(value: Any) -> bytes:
    return text(b"kind", value.__qualname__)


def _symbol(value: Any) -> str:
    return _within(value.__module__, value.__qualname__)


def _shown(kind: str, name: str, function: FunctionType) -> str:
    return function.__qualname__ if kind == "helper" else name


def _global(function: FunctionType, name: str) -> str:
    return _within(function.__globals__.get("__name__"), name)


def _within(module: object, name: str) -> str:
    return name if module in ("__main__", None) else f"{module}.{name}"


def _is_given(value: Any) -> bool:
    """Say whether what a layer of a library keeps comes from the user."""
    if isinstance(value, (FunctionType, type, MethodType, partial, CACHED)):
        inner = innermost(value)
        return isinstance(inner, (FunctionType, type)) and is_users(inner)
    if isinstance(value, dict):
        return bool(value) and all(callable(each) for each in value.values())
    return type(value) in (bool, int, float, str)
