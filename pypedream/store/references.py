"""What a code object does and refers to, found out once for each.

Read from the byte code, because a function may have no source.
"""

from __future__ import annotations

from hashlib import sha256
from types import CodeType
from typing import Final

from attrs import frozen

from pypedream.store.bytecode import behaviour_of, instructions
from pypedream.store.encoding import tagged
from pypedream.store.per_code import PerCode
from pypedream.store.scan import ASSIGNED, Reference, Scan


@frozen(eq=False, repr=False)
class Code:
    """What was found out of a code object.

    Attributes
    ----------
    arguments
        The names of those arguments that can be given by their place.
    file
        Where it was written.
    line
        Its first line.
    does
        What it does, written down.
    digest
        The digest of that.
    references
        What it and the functions inside it refer to, in order, each once. A variable that the code
        itself assigns is there only once, as assigned: it is what the function keeps, not what it
        is.
    """

    arguments: tuple[str, ...]
    file: str
    line: int
    does: bytes
    digest: str
    references: tuple[Reference, ...]


def about(code: CodeType) -> Code:
    """Return what a code object does and refers to; it is found out once."""
    return _KNOWN.of(code)


def _about(code: CodeType) -> Code:
    steps = instructions(code)
    digest = sha256(behaviour_of(code, steps))
    return Code(
        code.co_varnames[: code.co_argcount],
        code.co_filename,
        code.co_firstlineno,
        tagged(b"does", digest.digest()),
        digest.hexdigest(),
        _references(*_read(code, steps)),
    )


_Found = tuple[Reference, CodeType]
_Assigned = dict[tuple[str, str], _Found]
_KNOWN: Final = PerCode(_about)


def placed_references(code: CodeType) -> list[tuple[Reference, int]]:
    """Return the references of a code object with their lines."""
    found, assigned = _read(code, instructions(code))
    given = [(each, inner) for each, inner in found if (each.kind, each.name) not in assigned]
    return [(each, _line(inner, each.offset)) for each, inner in (*given, *assigned.values())]


def _references(found: list[_Found], assigned: _Assigned) -> tuple[Reference, ...]:
    known: dict[tuple[object, ...], Reference] = {}
    for each, _ in found:
        if (each.kind, each.name) not in assigned:
            marks = (each.level, each.is_bare_call, each.is_named, each.use)
            known.setdefault((each.kind, each.name, each.attributes, *marks), each)
    return (*known.values(), *(each for each, _ in assigned.values()))


def _read(code: CodeType, steps: list[tuple[int, int, int]]) -> tuple[list[_Found], _Assigned]:
    """Return what is referred to and what is assigned, and in which code object."""
    scan = Scan(code, steps)
    scan.run()
    found: list[_Found] = [(each, code) for each in scan.found]
    assigned = {
        (kind, name): (Reference(kind, name, scan.steps[place][0], use=ASSIGNED), code)
        for (kind, name), place in scan.stored.items()
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner, stored = _read(constant, instructions(constant))
            found += inner
            for (kind, name), where in stored.items():
                if kind == "global" or name in code.co_freevars:  # else it is of this code itself
                    assigned.setdefault((kind, name), where)
    return found, assigned


def _line(code: CodeType, offset: int) -> int:
    lines = (line for start, end, line in code.co_lines() if start <= offset < end)
    return next(lines, None) or code.co_firstlineno
