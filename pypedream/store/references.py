"""What a code object refers to: chains of names such as ``config.rate``, and imports inside it.

Read from the byte code, because a function may have no source. A chain starts with a name that is
not local and goes on with the attributes that are read of it at once. What code assigns or only
fills is told apart from what it reads.
"""

from __future__ import annotations

from opcode import hasconst, opmap
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.store.bytecode import instructions
from pypedream.store.encoding import text
from pypedream.store.subscripts import HAS_FLAG, STORES, entry_use
from pypedream.store.per_code import PerCode

if TYPE_CHECKING:
    from collections.abc import Callable


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(opmap[name] for name in names if name in opmap)


_GLOBAL: Final = _numbers("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_ENCLOSING: Final = _numbers("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_METHOD: Final = opmap.get("LOAD_METHOD")
_ATTRIBUTE: Final = _numbers("LOAD_ATTR", "LOAD_METHOD")
_CONSTANT: Final = frozenset(hasconst)
_SMALL: Final = _numbers("LOAD_SMALL_INT")
_IMPORT: Final = _numbers("IMPORT_NAME")
_FROM: Final = _numbers("IMPORT_FROM")
_CALL: Final = _numbers("CALL", "PRECALL")
_LOAD: Final = (
    frozenset(number for name, number in opmap.items() if name.startswith("LOAD_") and number)
    - _ATTRIBUTE
)
_READS: Final = frozenset({"read_bytes", "read_text"})
_SILENT: Final = _numbers("PUSH_NULL", "NOT_TAKEN")
# In these the number of the name is shifted to make room for flags.
_SHIFT: Final = {
    opmap["LOAD_GLOBAL"]: 1,
    opmap["LOAD_ATTR"]: int(HAS_FLAG),
}
CALLED: Final = "called"
ASSIGNED: Final = "assigned"


@define(eq=False)
class Reference:
    """One chain of names in a code object, or one import.

    Attributes
    ----------
    kind
        "global", "enclosing", "import", or "attribute" for one that reads a file.
    name
        The first name, the module that is imported, or the attribute.
    offset
        Where the code refers to it.
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
    use
        "called" if the last attribute is a method that is called at once, "entry" or "update" if
        entries are only stored, "assigned" if the code gives the name a value. Nothing if it may
        be used in any way.
    is_plain
        Whether it is only a name, of which no attribute is read.
    label
        What the code says, written down.
    """

    kind: str
    name: str
    offset: int
    attributes: tuple[str, ...] = ()
    level: int = 0
    has_from: bool = False
    is_bare_call: bool = False
    is_named: bool = False
    use: str = ""
    is_plain: bool = False
    label: bytes = b""


@define(eq=False)
class _Scan:
    """One pass over the byte code."""

    code: CodeType
    steps: list[tuple[int, int, int]]
    found: list[Reference] = Factory(list)
    stored: dict[tuple[str, str], int] = Factory(dict)
    chain: Reference | None = None
    imported: Reference | None = None
    asked: Reference | None = None  # the last getattr, until it is called
    loads: int = 0
    read: list[str] = Factory(list)  # attributes of what is local

    def run(self) -> None:
        for place, (_, operation, argument) in enumerate(self.steps):
            if self.asked is not None and operation in _LOAD:
                self.ask(operation, argument)
            action = _ACTIONS.get(operation)
            if action is not None:
                action(self, operation, argument, place)
            elif operation not in _SILENT:
                self.chain = None
        if not STORES.isdisjoint(operation for _, operation, _ in self.steps):
            self.find_entries()
        for each in self.found:
            if each.kind == "import" and not each.has_from:
                each.attributes = tuple(self.read)
            each.is_plain = not each.attributes and not each.use
            each.label = _label(each)

    def start(self, operation: int, argument: int, place: int) -> None:
        name = self.code.co_names[argument >> _SHIFT.get(operation, 0)]
        self.chain = Reference("global", name, self.steps[place][0])
        self.found.append(self.chain)
        if name == "getattr":
            self.asked, self.loads = self.chain, 0

    def enclose(self, _operation: int, argument: int, place: int) -> None:
        self.chain = Reference("enclosing", _local(self.code, argument), self.steps[place][0])
        self.found.append(self.chain)

    def attribute(self, operation: int, argument: int, place: int) -> None:
        name = self.code.co_names[argument >> _SHIFT.get(operation, 0)]
        if self.chain is not None:
            self.chain.attributes += (name,)
            is_method = argument % 2 if HAS_FLAG else operation == _METHOD
            self.chain.use = CALLED if is_method else ""
        else:
            self.read.append(name)
        if name in _READS:
            self.found.append(Reference("attribute", name, self.steps[place][0]))

    def ask(self, operation: int, argument: int) -> None:
        self.loads += 1
        if self.loads != len(("object", "name")) or self.asked is None:
            return
        value = self.code.co_consts[argument] if operation in _CONSTANT else None
        self.asked.is_named = isinstance(value, str)
        if self.chain is not None and isinstance(value, str):
            self.chain.attributes += (value,)  # getattr(helpers, "clean") is helpers.clean

    def store(self, _operation: int, argument: int, place: int) -> None:
        self.stored.setdefault(("global", self.code.co_names[argument]), place)
        self.chain = None

    def store_cell(self, _operation: int, argument: int, place: int) -> None:
        name = _local(self.code, argument)
        if name in self.code.co_freevars:
            self.stored.setdefault(("enclosing", name), place)
        self.chain = None

    def load_module(self, _operation: int, argument: int, place: int) -> None:
        self.imported = Reference("import", self.code.co_names[argument], self.steps[place][0])
        level, names = map(self.constant, (place - 2, place - 1))
        self.imported.level = level if isinstance(level, int) else 0
        self.imported.has_from = names is not None
        self.found.append(self.imported)
        self.chain = None

    def constant(self, place: int) -> Any:
        _, operation, argument = self.steps[place]
        return argument if operation in _SMALL else self.code.co_consts[argument]

    def take(self, _operation: int, argument: int, _place: int) -> None:
        if self.imported is not None and self.imported.has_from:
            self.imported.attributes += (self.code.co_names[argument],)
        self.chain = None

    def call(self, _operation: int, argument: int, _place: int) -> None:
        if self.chain is not None and argument == 0:
            self.chain.is_bare_call = True
        self.chain = self.asked = None

    def find_entries(self) -> None:
        """Find of which chains nothing is read: entries are only stored."""
        places = {offset: place for place, (offset, _, _) in enumerate(self.steps)}
        for each in self.found:
            if each.kind in ("global", "enclosing"):
                after = places[each.offset] + 1 + len(each.attributes)
                each.use = each.use or entry_use(self.steps, after)


_ACTIONS: Final[dict[int, Callable[[_Scan, int, int, int], None]]] = {
    **dict.fromkeys(_GLOBAL, _Scan.start),
    **dict.fromkeys(_ENCLOSING, _Scan.enclose),
    **dict.fromkeys(_ATTRIBUTE, _Scan.attribute),
    **dict.fromkeys(_numbers("STORE_GLOBAL"), _Scan.store),
    **dict.fromkeys(_numbers("STORE_DEREF"), _Scan.store_cell),
    **dict.fromkeys(_IMPORT, _Scan.load_module),
    **dict.fromkeys(_FROM, _Scan.take),
    **dict.fromkeys(_CALL, _Scan.call),
}


def references(code: CodeType) -> tuple[Reference, ...]:
    """Return what a code object and the functions inside it refer to, in order, each once.

    A variable that the code itself assigns is there only once, as assigned: it is what the
    function keeps, not what it is.
    """
    return _KNOWN.of(code)


def placed_references(code: CodeType) -> list[tuple[Reference, int]]:
    """Return the references of a code object with their lines."""
    found, assigned = _read(code)
    given = [(each, inner) for each, inner in found if (each.kind, each.name) not in assigned]
    return [(each, _line(inner, each.offset)) for each, inner in (*given, *assigned.values())]


def _references(code: CodeType) -> tuple[Reference, ...]:
    found, assigned = _read(code)
    known: dict[tuple[object, ...], Reference] = {}
    for each, _ in found:
        if (each.kind, each.name) not in assigned:
            marks = (each.level, each.is_bare_call, each.is_named, each.use)
            known.setdefault((each.kind, each.name, each.attributes, *marks), each)
    return (*known.values(), *(each for each, _ in assigned.values()))


_KNOWN: Final = PerCode(_references)
_Found = tuple[Reference, CodeType]


def _read(code: CodeType) -> tuple[list[_Found], dict[tuple[str, str], _Found]]:
    """Return what is referred to and what is assigned, and in which code object."""
    scan = _Scan(code, list(instructions(code)))
    scan.run()
    found: list[_Found] = [(each, code) for each in scan.found]
    assigned = {
        (kind, name): (Reference(kind, name, scan.steps[place][0], use=ASSIGNED), code)
        for (kind, name), place in scan.stored.items()
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner, stored = _read(constant)
            found += inner
            for (kind, name), where in stored.items():
                if kind == "global" or name in code.co_freevars:  # else it is of this code itself
                    assigned.setdefault((kind, name), where)
    return found, assigned


def _label(each: Reference) -> bytes:
    if each.kind == "import":
        return text(b"import", f"{each.name} {','.join(each.attributes)}")
    return text(b"", ".".join((each.name, *each.attributes)))


def _local(code: CodeType, number: int) -> str:
    cells = [name for name in code.co_cellvars if name not in code.co_varnames]
    return (*code.co_varnames, *cells, *code.co_freevars)[number]


def _line(code: CodeType, offset: int) -> int:
    lines = (line for start, end, line in code.co_lines() if start <= offset < end)
    return next(lines, None) or code.co_firstlineno
