"""Values as the Python that makes them again, laid out as a formatter would leave it."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH: Final = 88  # what formatters allow if nobody says otherwise
_MOST_MEMBERS: Final = 60
_MOST_LETTERS: Final = 400
_MOST_BITS: Final = 1_000
_DEPTH: Final = 12
_BRACKETS: Final[dict[type, tuple[str, str]]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}
_MOMENTS: Final = frozenset({"date", "datetime", "time", "timedelta"})


@frozen
class Piece:
    """Some Python: a text, or an opening bracket, members and a closing one.

    Attributes
    ----------
    opening
        The whole text when there are no members.
    members
        Pairs of what stands before a member, such as ``load=``, and the member.
    imports
        The import lines that the text itself needs.
    """

    opening: str
    members: tuple[tuple[str, Piece], ...] = ()
    closing: str = ""
    imports: frozenset[str] = frozenset()

    def needs(self) -> frozenset[str]:
        """Return the import lines of the piece and its members."""
        return self.imports.union(*(member.needs() for _, member in self.members))

    def on_one_line(self) -> str:
        """Return the text without line breaks."""
        inside = ", ".join(before + member.on_one_line() for before, member in self.members)
        return f"{self.opening}{inside}{self.closing}"

    def laid_out(self, indent: int, *, before: int, after: int = 0) -> str:
        """Return the text, a member a line where it would be too wide.

        Parameters
        ----------
        indent
            Blanks at the start of the line that the piece begins on.
        before, after
            How many letters stand before and after it on that line.
        """
        line = self.on_one_line()
        if before + len(line) + after <= WIDTH or not self.members:
            return line
        inner = indent + 4
        lines = [
            f"{' ' * inner}{name}{member.laid_out(inner, before=inner + len(name), after=1)},"
            for name, member in self.members
        ]
        end = " " * indent + self.closing.removeprefix(",")
        return "\n".join([self.opening, *lines, end])


def literal(value: Any) -> Piece | None:
    """Return the Python that makes an equal value of the same types; None if that is not short.

    Examples
    --------
    >>> literal({"rate": 0.5, "sizes": (1, float("inf"))}).on_one_line()
    '{"rate": 0.5, "sizes": (1, float("inf"))}'
    >>> literal(object()) is None
    True
    """
    try:
        piece = _Reading().piece(value, _DEPTH)
    except _NoLiteralError:
        return None
    return piece if len(piece.on_one_line()) <= _MOST_LETTERS else None


class _NoLiteralError(Exception):
    """A value is not plain, or not small."""


@define(eq=False)
class _Reading:
    """One walk through a value.

    Attributes
    ----------
    seen
        Ids of what can be changed in place: a list that is met twice is one list, and written
        twice it would be two.
    """

    seen: set[int] = Factory(set)
    left: int = _MOST_MEMBERS

    def piece(self, value: Any, depth: int) -> Piece:
        self.left -= 1
        if self.left < 0 or not depth:
            raise _NoLiteralError
        if type(value) in _BRACKETS:
            return self.container(value, depth)
        piece = _single(value)
        if piece is None:
            raise _NoLiteralError
        return piece

    def container(self, value: Any, depth: int) -> Piece:
        kind = type(value)
        if kind in (list, dict, set):
            if id(value) in self.seen:
                raise _NoLiteralError
            self.seen.add(id(value))
        if not value and kind in (set, frozenset):
            return Piece(f"{kind.__name__}()")
        opening, closing = _BRACKETS[kind]
        if kind is tuple and len(value) == 1:
            closing = f",{closing}"
        return Piece(opening, tuple(self.members(value, depth - 1)), closing)

    def members(self, value: Any, depth: int) -> Iterable[tuple[str, Piece]]:
        if len(value) > _MOST_MEMBERS:
            raise _NoLiteralError
        if type(value) is dict:
            keys = [self.piece(key, depth) for key in value]
            return [
                (f"{key.on_one_line()}: ", self.piece(each, depth))
                for key, each in zip(keys, value.values(), strict=True)
                if not self.refuses(key)
            ]
        pieces = [("", self.piece(each, depth)) for each in value]
        if type(value) in (set, frozenset):  # which has no order of its own
            pieces.sort(key=lambda pair: pair[1].on_one_line())
        return pieces

    def refuses(self, key: Piece) -> bool:
        """Leave a key that needs an import to the formats."""
        if key.needs():
            raise _NoLiteralError
        return False


def _single(value: Any) -> Piece | None:
    kind = type(value)
    if value is None or kind is bool or (kind is int and value.bit_length() <= _MOST_BITS):
        return Piece(repr(value))
    if kind is float:
        return Piece(_float(value))
    if kind is complex:
        return Piece(f"complex({_float(value.real)}, {_float(value.imag)})")
    if kind in (str, bytes):
        return Piece(_quoted(repr(value))) if len(value) <= _MOST_LETTERS else None
    return _of_python(value)


def _float(value: float) -> str:
    return repr(value) if value - value == 0 else f'float("{value}")'


def _of_python(value: Any) -> Piece | None:
    """Write a value of a class that Python brings: a moment, an exact number or a path."""
    kind = type(value)
    if kind.__module__ == "datetime" and kind.__name__ in _MOMENTS:
        return _moment(value)
    if kind.__module__ == "decimal" and kind.__name__ == "Decimal":
        needed = frozenset({"from decimal import Decimal"})
        return Piece(f'Decimal("{value}")', imports=needed)
    if kind.__module__.startswith("pathlib") and isinstance(value, PurePath):
        if kind.__name__ not in ("PosixPath", "WindowsPath"):
            return None
        needed = frozenset({"from pathlib import Path"})
        return Piece(f"Path({_quoted(repr(str(value)))})", imports=needed)
    return None


def _moment(value: Any) -> Piece | None:
    from datetime import UTC

    if getattr(value, "tzinfo", None) not in (None, UTC):
        return None
    text = repr(value).replace("datetime.timezone.utc", "datetime.UTC")
    return Piece(text, imports=frozenset({"import datetime"}))


def _quoted(text: str) -> str:
    """Put the repr of a text into the quotes that formatters prefer."""
    start = text.index(text[-1])
    inside = text[start + 1 : -1]
    if text[-1] == '"' or '"' in inside:
        return text
    return f'{text[:start]}"{inside}"'
