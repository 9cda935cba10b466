"""What a code object refers to: chains of names such as ``config.rate``, and imports inside it.

Read from the byte code, because a function may have no source. A chain starts with a name that is
not local and goes on with the attributes that are read of it at once.
"""

from __future__ import annotations

import sys
from opcode import hasconst, opmap
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, frozen

from pypedream.store.bytecode import instructions
from pypedream.store.per_code import PerCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(opmap[name] for name in names if name in opmap)


_GLOBAL: Final = _numbers("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_ENCLOSING: Final = _numbers("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_ATTRIBUTE: Final = _numbers("LOAD_ATTR", "LOAD_METHOD")
_CONSTANT: Final = frozenset(hasconst)
_SMALL: Final = _numbers("LOAD_SMALL_INT")
_STORED: Final = _numbers("STORE_GLOBAL")
_IMPORT: Final = _numbers("IMPORT_NAME")
_FROM: Final = _numbers("IMPORT_FROM")
_CALL: Final = _numbers("CALL", "PRECALL")
_LOAD: Final = frozenset(
    number for name, number in opmap.items() if name.startswith("LOAD_") and number
)
_READS: Final = frozenset({"read_bytes", "read_text"})
_SILENT: Final = _numbers("PUSH_NULL", "NOT_TAKEN")
# In these the number of the name is shifted to make room for flags.
_SHIFT: Final = {
    opmap["LOAD_GLOBAL"]: 1,
    opmap["LOAD_ATTR"]: 1 if sys.version_info >= (3, 12) else 0,
}


@frozen
class Reference:
    """One chain of names in a code object, or one import.

    Attributes
    ----------
    kind
        "global", "enclosing", "import", or "attribute" for one that reads a file.
    name
        The first name, the module that is imported, or the attribute.
    attributes
        What is read of it; for an import, what is imported from it. If the module itself is
        imported, what is read of any local variable: it may be the module.
    level
        How many dots stand before an imported module.
    has_from
        Whether something is imported from a module, and not the module itself.
    is_bare_call
        Whether it is called at once, without any argument.
    is_named
        Whether it is ``getattr`` with a name that is written in the code.
    """

    kind: str
    name: str
    attributes: tuple[str, ...]
    file: str
    line: int
    level: int = 0
    has_from: bool = False
    is_bare_call: bool = False
    is_named: bool = False


@define(eq=False)
class _Open:
    """A reference while its code is read."""

    kind: str
    name: str
    offset: int
    attributes: list[str] = Factory(list)
    level: int = 0
    has_from: bool = False
    is_bare_call: bool = False
    is_named: bool = False


@define(eq=False)
class _Scan:
    """One pass over the byte code."""

    code: CodeType
    found: list[_Open] = Factory(list)
    chain: _Open | None = None
    imported: _Open | None = None
    constants: list[Any] = Factory(list)
    stored: set[str] = Factory(set)
    asked: _Open | None = None  # the last getattr, until it is called
    loads: int = 0
    read: list[str] = Factory(list)  # attributes of what is local

    def step(self, operation: int, argument: int, offset: int) -> None:
        if operation in _LOAD and operation not in _ATTRIBUTE:
            self.loads += 1
        action = _ACTIONS.get(operation, _Scan.other)
        action(self, operation, argument, offset)

    def start(self, operation: int, argument: int, offset: int) -> None:
        name = self.code.co_names[argument >> _SHIFT.get(operation, 0)]
        self.chain = _Open("global", name, offset)
        self.found.append(self.chain)
        if name == "getattr":
            self.asked, self.loads = self.chain, 0

    def enclose(self, _operation: int, argument: int, offset: int) -> None:
        code = self.code
        cells = [name for name in code.co_cellvars if name not in code.co_varnames]
        name = (*code.co_varnames, *cells, *code.co_freevars)[argument]
        self.chain = _Open("enclosing", name, offset)
        self.found.append(self.chain)

    def attribute(self, operation: int, argument: int, offset: int) -> None:
        name = self.code.co_names[argument >> _SHIFT.get(operation, 0)]
        if self.chain is not None:
            self.chain.attributes.append(name)
        else:
            self.read.append(name)
        if name in _READS:
            self.found.append(_Open("attribute", name, offset))

    def constant(self, operation: int, argument: int, _offset: int) -> None:
        value = argument if operation in _SMALL else self.code.co_consts[argument]
        self.constants = [*self.constants[-1:], value]
        if self.asked is not None and self.loads == len(("object", "name")):
            self.asked.is_named = isinstance(value, str)
            if self.chain is not None and isinstance(value, str):
                self.chain.attributes.append(value)  # getattr(helpers, "clean") is helpers.clean
        self.chain = None

    def store(self, _operation: int, argument: int, _offset: int) -> None:
        self.stored.add(self.code.co_names[argument])
        self.chain = None

    def load_module(self, _operation: int, argument: int, offset: int) -> None:
        level, names = (*self.constants, 0, None)[:2]
        imported = _Open("import", self.code.co_names[argument], offset)
        imported.level = level if isinstance(level, int) else 0
        imported.has_from = names is not None
        self.found.append(imported)
        self.imported, self.chain = imported, None

    def take(self, _operation: int, argument: int, _offset: int) -> None:
        if self.imported is not None and self.imported.has_from:
            self.imported.attributes.append(self.code.co_names[argument])
        self.chain = None

    def call(self, _operation: int, argument: int, _offset: int) -> None:
        if self.chain is not None and argument == 0:
            self.chain.is_bare_call = True
        self.chain = self.asked = None

    def other(self, operation: int, _argument: int, _offset: int) -> None:
        if operation not in _SILENT:
            self.chain = None


_ACTIONS: Final[dict[int, Callable[[_Scan, int, int, int], None]]] = {
    **dict.fromkeys(_GLOBAL, _Scan.start),
    **dict.fromkeys(_ENCLOSING, _Scan.enclose),
    **dict.fromkeys(_ATTRIBUTE, _Scan.attribute),
    **dict.fromkeys(_CONSTANT | _SMALL, _Scan.constant),
    **dict.fromkeys(_STORED, _Scan.store),
    **dict.fromkeys(_IMPORT, _Scan.load_module),
    **dict.fromkeys(_FROM, _Scan.take),
    **dict.fromkeys(_CALL, _Scan.call),
}


def references(code: CodeType) -> tuple[Reference, ...]:
    """Return what a code object and the functions inside it refer to, in order, each once.

    A global variable that the code itself assigns is not among them: it is what the function
    keeps, not what it is.
    """
    return _KNOWN.of(code)


def _references(code: CodeType) -> tuple[Reference, ...]:
    stored: set[str] = set()
    found: dict[tuple[object, ...], Reference] = {}
    for each in _read(code, stored):
        marks = (each.level, each.is_bare_call, each.is_named)
        found.setdefault((each.kind, each.name, each.attributes, marks), each)
    return tuple(
        each for each in found.values() if each.kind != "global" or each.name not in stored
    )


_KNOWN: Final = PerCode(_references)


def _read(code: CodeType, stored: set[str]) -> Iterator[Reference]:
    scan = _Scan(code)
    for offset, operation, argument in instructions(code):
        scan.step(operation, argument, offset)
    stored |= scan.stored
    lines = list(code.co_lines())
    for each in scan.found:
        line = next((line for start, end, line in lines if start <= each.offset < end), None)
        if each.kind == "import" and not each.has_from:
            each.attributes = scan.read
        yield Reference(
            each.kind,
            each.name,
            tuple(each.attributes),
            code.co_filename,
            line or code.co_firstlineno,
            each.level,
            each.has_from,
            each.is_bare_call,
            each.is_named,
        )
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _read(constant, stored)
