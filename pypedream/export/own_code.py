"""The code that is the user's own, in parts, so that two machines can compare it.

Own is what comes from where the pipeline comes from: its package, and what lies beside it. That
holds on another machine too, where the same files may be installed, other versions of libraries
are there and folders bear other names. Of all else only the names count.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from opcode import opmap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.export.portable import Portable
from pypedream.export.statements import Statements, names_used, said
from pypedream.places import is_library
from pypedream.store.bytecode import behaviour, instructions, names_in
from pypedream.store.functions import (
    CALLABLES,
    captured,
    defaults,
    innermost,
    inside,
    is_generated,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterator

_IMPORT: Final = (opmap["IMPORT_NAME"],)
_ASSIGN: Final = (opmap["STORE_GLOBAL"], opmap["DELETE_GLOBAL"])
_OF_MODULES: Final = frozenset({"__main__", "__mp_main__"})


@define(eq=False)
class Neighbourhood:
    """Which modules are own: those of the same top package, and those beside it.

    Attributes
    ----------
    module
        Name of the module that has the pipeline.
    """

    module: str
    _known: dict[str, bool] = Factory(dict)

    @cached_property
    def root(self) -> str:
        """The folder that the module is imported from; "" if there is none."""
        file = getattr(sys.modules.get(self.module), "__file__", None)
        if not isinstance(file, str):
            return ""
        levels = self.module.count(".") + (Path(file).name == "__init__.py")
        above = [*Path(os.path.realpath(file)).parents]
        return str(above[min(levels, len(above) - 1)])

    @cached_property
    def installed(self) -> frozenset[str] | None:
        """The top packages of the same distribution; None if the module is not installed."""
        if not is_library(os.path.join(self.root, "x.py")):
            return None
        return _installed_with(self.module.partition(".")[0], Path(self.root))

    def has(self, module: str) -> bool:
        """Say whether a module is own. It need not be loaded."""
        top = module.partition(".")[0]
        if top not in self._known:
            self._known[top] = self._has(top)
        return self._known[top]

    def _has(self, top: str) -> bool:
        if top == self.module.partition(".")[0] or top in _OF_MODULES:
            return True
        if not self.root or not top or top in sys.stdlib_module_names or top == "pypedream":
            return False
        if self.installed is not None:
            return top in self.installed
        base = os.path.join(self.root, top)
        return os.path.isfile(base + ".py") or os.path.isfile(os.path.join(base, "__init__.py"))


def _installed_with(top: str, folder: Path) -> frozenset[str]:
    """Return the top names of the distribution that brought a package.

    The files are read for it, as asking `importlib.metadata` would read those of all distributions.
    """
    records = folder.glob("*.dist-info/RECORD")
    for record in sorted(records, key=lambda each: not each.parent.name.lower().startswith(top)):
        with suppress(OSError):
            files = [line.partition(",")[0] for line in record.read_text("utf-8").splitlines()]
            code = [file for file in files if file.endswith(".py")]
            names = {file.partition("/")[0].removesuffix(".py") for file in code}
            if top in names:
                return frozenset(names)
    return frozenset({top})


@define(eq=False)
class OwnCode:
    """One walk through the user's code, from functions to all that they use.

    Attributes
    ----------
    own
        Which modules are walked through.
    by_text
        Whether constants and classes count by the statements that make them, and not by what they
        are in this process.
    parts
        From the name of each part to its digest: "function load", "constant RATE".
    functions
        The user's functions that were met.
    assigned
        Names of constants that are none, because a function assigns them.
    """

    own: Neighbourhood
    by_text: bool = False
    parts: dict[str, str] = Factory(dict)
    functions: list[FunctionType] = Factory(list)
    portable: Portable = Factory(Portable)
    assigned: set[str] = Factory(set)
    _seen: dict[int, object] = Factory(dict)
    _texts: dict[str, Statements] = Factory(dict)
    _queue: deque[Any] = Factory(deque)

    def __attrs_post_init__(self) -> None:
        self.portable.is_own = self._is_own
        if self.own.root:
            self.portable.folders |= {self.own.root}

    def walk(self, function: Any) -> None:
        """Note the parts of a function, and of all that it uses."""
        self._constant("called", "", function)
        while self._queue:
            found = self._queue.popleft()
            if isinstance(found, type):
                self._class(found)
            else:
                self._function(found)
        for name in self.assigned:
            self.parts.pop(f"constant {name}", None)

    @property
    def has_texts(self) -> bool:
        """Whether the text of each module that was asked for is there."""
        return all(each.tree is not None for each in self._texts.values())

    # What a name stands for

    def _global(self, module: str, name: str, value: Any, names: Collection[str]) -> None:
        """Note what a name of a module stands for, which code with these names refers to."""
        if isinstance(value, ModuleType):
            self._members(value, names)
        is_followed = isinstance(value, CALLABLES) and self._is_own(value)
        if self.by_text and not is_followed:
            self._statement(module, name)
        elif not isinstance(value, ModuleType):
            self._constant("constant", self._within(module, name), value)

    def _members(self, module: ModuleType, names: Collection[str]) -> None:
        """Note those members of an own module whose names are used."""
        if not self.own.has(module.__name__):
            return
        others = [each for each in names if each != module.__name__.rpartition(".")[2]]
        for each in others:
            value = vars(module).get(each)
            if each[:2] != "__" and each in vars(module) and value is not module:
                rest = [other for other in others if other != each]  # modules may have each other
                self._global(module.__name__, each, value, rest)

    def _statement(self, module: str, name: str) -> None:
        """Note the statements that make a constant, and what they use."""
        symbol = f"constant {self._within(module, name)}"
        if symbol in self.parts:
            return
        text = self._texts.setdefault(module, Statements(module))
        statements = text.binders.get(name, [])
        self.parts[symbol] = sha256(repr([*map(said, statements)]).encode()).hexdigest()
        for each in statements:
            origin = text.origin(each, name)
            if origin is None:
                self._used_by(each, module)
            elif self.own.has(origin[0]):
                self._statement(*origin)

    def _used_by(self, statement: ast.stmt, module: str) -> None:
        names = list(dict.fromkeys(names_used(statement)))
        scope = vars(sys.modules[module]) if module in sys.modules else {}
        for each in names:
            if each in scope and each[:2] != "__":
                self._global(module, each, scope[each], names)

    def _constant(self, kind: str, name: str, value: Any) -> None:
        """Note a value in words, and follow the functions and classes in it."""
        self.portable.met.clear()
        said_so = self.portable.say(value)
        if kind != "called" and not (isinstance(value, CALLABLES) and self._is_own(value)):
            self._part(f"{kind} {name}", said_so)
        for each in list(self.portable.met):
            self._follow(each)

    def _follow(self, value: Any) -> None:
        inner = innermost(value)
        for layer in _layers(value):
            if self._is_own(layer) and id(layer) not in self._seen:
                self._seen[id(layer)] = layer
                self._queue.append(layer)
        if not isinstance(inner, (FunctionType, type)) and not isinstance(inner, CALLABLES):
            self._follow(type(inner))

    # Functions and classes

    def _function(self, function: FunctionType) -> None:
        code = function.__code__
        self.functions.append(function)
        name = self._within(function.__module__, function.__qualname__)
        self._part(f"function {name}", sha256(behaviour(code)).hexdigest())
        for argument, value in defaults(function):
            self._constant("default of", f"{argument} in {name}", value)
        for variable, value in captured(function):
            self._constant("captured value", f"{variable} in {name}", value)
        names = list(dict.fromkeys(names_in(code)))
        scope = function.__globals__
        home = str(scope.get("__name__"))
        for each in names:
            if each in scope and each[:2] != "__":
                self._global(home, each, scope[each], names)
        self.assigned |= {self._within(home, each) for each in _assigned(code)}
        for module in _imported(code, function):
            if self.own.has(module):
                self._imported(module, names)

    def _imported(self, module: str, names: Collection[str]) -> None:
        """Follow what a function imports when it is called."""
        try:
            found = import_module(module)
        except Exception:  # noqa: BLE001 - whether it can be imported is not asked here
            return
        self._members(found, names)

    def _class(self, kind: type) -> None:
        name = self._within(kind.__module__, kind.__qualname__)
        if self.by_text and "." not in kind.__qualname__:
            self._statement(kind.__module__, kind.__qualname__)
            return
        self._part(f"class {name}", self.portable.say([each.__qualname__ for each in kind.__mro__]))
        for base in kind.__bases__:
            self._follow(base)
        for attribute, value in list(vars(kind).items()):
            if is_generated(value) or attribute in _SAID_OF_CLASSES:
                continue
            functions = inside(value) or ([value] if isinstance(value, CALLABLES) else [])
            for each in functions:
                self._follow(each)
            if not functions and attribute[:2] != "__":
                self._constant("constant", f"{name}.{attribute}", value)
        fields = getattr(kind, "__attrs_attrs__", None)
        for field in fields or ():
            self._constant("constant", f"{name}.{field.name}", [field.default, field.converter])

    # Names

    def _is_own(self, value: Any) -> bool:
        module = getattr(value, "__module__", None)
        return isinstance(module, str) and self.own.has(module)

    def _within(self, module: Any, name: str) -> str:
        return name if module in (self.own.module, *_OF_MODULES) else f"{module}.{name}"

    def _part(self, symbol: str, said: str) -> None:
        name, number = symbol, 1
        while self.parts.setdefault(name, said) != said:
            number += 1
            name = f"{symbol} #{number}"


_SAID_OF_CLASSES: Final = frozenset(
    {"__doc__", "__module__", "__qualname__", "__dict__", "__weakref__", "__firstlineno__"}
    | {"__static_attributes__", "__annotations__", "__annotate__", "__attrs_attrs__", "__slots__"}
    | {"__dataclass_fields__", "__dataclass_params__", "__match_args__", "__attrs_own_setattr__"}
    | {"__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl", "__hash__"}
)


def _layers(value: Any) -> Iterator[Any]:
    """Give a function or class and, of one that wraps another, what is inside."""
    inner = innermost(value)
    for each in dict.fromkeys([id(value), id(inner)]):
        found = value if each == id(value) else inner
        if isinstance(found, (FunctionType, type)):
            yield found


def _assigned(code: CodeType) -> Iterator[str]:
    """Give the globals that a function assigns."""
    yield from (code.co_names[number] for number in _numbers(code, _ASSIGN))


def _numbers(code: CodeType, operations: Collection[int]) -> Iterator[int]:
    yield from (number for _, operation, number in instructions(code) if operation in operations)


def _imported(code: CodeType, function: FunctionType) -> Iterator[str]:
    """Give the modules that a function imports when it is called, by their full names."""
    package = str(function.__globals__.get("__package__") or "")
    waiting = [code]
    while waiting:
        one = waiting.pop()
        waiting += [each for each in one.co_consts if isinstance(each, CodeType)]
        for number in _numbers(one, _IMPORT):
            yield from _full(one.co_names[number], package)


def _full(name: str, package: str) -> Iterator[str]:
    """Give the name as it stands, and as it is meant within a package."""
    if name:
        yield name
    if package:
        yield f"{package}.{name}".rstrip(".")
