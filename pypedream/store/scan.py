"""One pass over byte code: chains of names such as ``config.rate``, and imports inside it.

A chain starts with a name that is not local and goes on with the attributes that are read of it at
once. What is assigned, and what only gets entries, is told apart from what is read.
"""

from __future__ import annotations

from opcode import hasconst, opmap
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.store.encoding import label, text
from pypedream.store.subscripts import HAS_FLAG, STORES, entry_use
from pypedream.store.texts import looked_up, may_name, texts_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType


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
_READS: Final = frozenset({"read_bytes", "read_text", "glob", "iterdir", "rglob"})
_SILENT: Final = _numbers("PUSH_NULL", "NOT_TAKEN")
# In these the number of the name is shifted to make room for flags.
_SHIFT: Final = {
    opmap["LOAD_GLOBAL"]: 1,
    opmap["LOAD_ATTR"]: int(HAS_FLAG),
}
CALLED: Final = "called"
ASSIGNED: Final = "assigned"


@define(eq=False, repr=False)
class Reference:
    """One chain of names in a code object, or one import.

    Attributes
    ----------
    kind
        "global", "enclosing", "import", "attribute" for one that reads a file or a folder, or
        "text" for what is named in a text: it is global, if there is any such thing.
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


@define(eq=False, repr=False)
class Scan:
    """One pass over the byte code of one code object.

    Attributes
    ----------
    found
        What is referred to.
    stored
        The steps where variables are assigned, by kind and name.
    """

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
        """Go through all steps."""
        for place, (_, operation, argument) in enumerate(self.steps):
            if self.asked is not None and operation in _LOAD:
                self._ask(operation, argument)
            action = _ACTIONS.get(operation)
            if action is not None:
                action(self, operation, argument, place)
            elif operation not in _SILENT:
                self.chain = None
        if not STORES.isdisjoint(self.code.co_code[::2]):
            self._find_entries()
        if any(map(may_name, self.code.co_consts)):
            self._find_named()
        for each in self.found:
            if each.kind == "import" and not each.has_from:
                each.attributes = tuple(self.read)
            each.is_plain = not each.attributes and not each.use
            each.label = _label(each)

    def _ask(self, operation: int, argument: int) -> None:
        self.loads += 1
        if self.loads != len(("object", "name")) or self.asked is None:
            return
        value = self.code.co_consts[argument] if operation in _CONSTANT else None
        self.asked.is_named = isinstance(value, str)
        if self.chain is not None and isinstance(value, str):
            self.chain.attributes += (value,)  # getattr(helpers, "clean") is helpers.clean

    def _find_entries(self) -> None:
        """Find of which chains nothing is read: entries are only stored."""
        places = {offset: place for place, (offset, _, _) in enumerate(self.steps)}
        for each in self.found:
            if each.kind in ("global", "enclosing"):
                after = places[each.offset] + 1 + len(each.attributes)
                each.use = each.use or entry_use(self.steps, after)

    def _find_named(self) -> None:
        """Find what is named in texts that the code loads, as it does not load its docstring."""
        loaded = {
            each: offset
            for offset, operation, argument in reversed(self.steps)
            if operation in _CONSTANT
            for each in texts_in(self.code.co_consts[argument])
        }
        code = self.code
        own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
        own.update(name for kind, name in self.stored if kind == "global")
        for chain, where in looked_up(loaded, code.co_names):
            name, *attributes = chain.split(".")
            if name not in own:
                self.found.append(Reference("text", name, loaded[where], tuple(attributes)))


def _start(scan: Scan, operation: int, argument: int, place: int) -> None:
    name = scan.code.co_names[argument >> _SHIFT.get(operation, 0)]
    scan.chain = Reference("global", name, scan.steps[place][0])
    scan.found.append(scan.chain)
    if name == "getattr":
        scan.asked, scan.loads = scan.chain, 0


def _enclose(scan: Scan, _operation: int, argument: int, place: int) -> None:
    scan.chain = Reference("enclosing", _local(scan.code, argument), scan.steps[place][0])
    scan.found.append(scan.chain)


def _attribute(scan: Scan, operation: int, argument: int, place: int) -> None:
    name = scan.code.co_names[argument >> _SHIFT.get(operation, 0)]
    if scan.chain is not None:
        scan.chain.attributes += (name,)
        is_method = argument % 2 if HAS_FLAG else operation == _METHOD
        scan.chain.use = CALLED if is_method else ""
    else:
        scan.read.append(name)
    if name in _READS:
        scan.found.append(Reference("attribute", name, scan.steps[place][0]))


def _store(scan: Scan, _operation: int, argument: int, place: int) -> None:
    scan.stored.setdefault(("global", scan.code.co_names[argument]), place)
    scan.chain = None


def _store_cell(scan: Scan, _operation: int, argument: int, place: int) -> None:
    name = _local(scan.code, argument)
    if name in scan.code.co_freevars:
        scan.stored.setdefault(("enclosing", name), place)
    scan.chain = None


def _load_module(scan: Scan, _operation: int, argument: int, place: int) -> None:
    scan.imported = Reference("import", scan.code.co_names[argument], scan.steps[place][0])
    level, names = _constant(scan, place - 2), _constant(scan, place - 1)
    scan.imported.level = level if isinstance(level, int) else 0
    scan.imported.has_from = names is not None
    scan.found.append(scan.imported)
    scan.chain = None


def _constant(scan: Scan, place: int) -> Any:
    _, operation, argument = scan.steps[place]
    return argument if operation in _SMALL else scan.code.co_consts[argument]


def _take(scan: Scan, _operation: int, argument: int, _place: int) -> None:
    if scan.imported is not None and scan.imported.has_from:
        scan.imported.attributes += (scan.code.co_names[argument],)
    scan.chain = None


def _call(scan: Scan, _operation: int, argument: int, _place: int) -> None:
    if scan.chain is not None and argument == 0:
        scan.chain.is_bare_call = True
    scan.chain = scan.asked = None


_ACTIONS: Final[dict[int, Callable[[Scan, int, int, int], None]]] = {
    **dict.fromkeys(_GLOBAL, _start),
    **dict.fromkeys(_ENCLOSING, _enclose),
    **dict.fromkeys(_ATTRIBUTE, _attribute),
    **dict.fromkeys(_numbers("STORE_GLOBAL"), _store),
    **dict.fromkeys(_numbers("STORE_DEREF"), _store_cell),
    **dict.fromkeys(_IMPORT, _load_module),
    **dict.fromkeys(_FROM, _take),
    **dict.fromkeys(_CALL, _call),
}


def _label(each: Reference) -> bytes:
    if each.kind == "import":
        return text(b"import", f"{each.name} {','.join(each.attributes)}")
    return label(".".join((each.name, *each.attributes)) if each.attributes else each.name)


def _local(code: CodeType, number: int) -> str:
    cells = [name for name in code.co_cellvars if name not in code.co_varnames]
    return (*code.co_varnames, *cells, *code.co_freevars)[number]
