"""Code: literals and calls as Python text that formatters leave as it is, whatever their width.

What fits in 79 columns is one line. Anything else has an item a line and a comma behind the last
one, which black and ruff take as a request to keep it so.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen

from pypedream.errors import ExportError
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH: Final = 79
"""Columns that one line may take; formatters for the narrowest pages begin to fold beyond it."""

_STEP: Final = "    "
_MARKS: Final = re.compile(r'"{3,}|\A"|"\Z')
# That of one fixed version: a letter must not be written otherwise by a newer Python.
_CATEGORY: Final = unicodedata.ucd_3_2_0.category


@frozen
class Bracket:
    """What stands in brackets: a call, a list or a dict.

    Attributes
    ----------
    head
        Text before the items, up to the opening bracket.
    items
        What is inside, each with the text before it: "retries=", or '"load": '.
    tail
        The closing bracket.
    """

    head: str
    items: tuple[tuple[str, Code], ...]
    tail: str

    def __str__(self) -> str:
        inside = ", ".join(f"{before}{code}" for before, code in self.items)
        return f"{self.head}{inside}{self.tail}"


Code: TypeAlias = "str | Bracket"


def literal(value: Any) -> Code:
    r"""Return the literal of what JSON can hold.

    Raises
    ------
    ExportError
        If there is none that gives the same value again.

    Examples
    --------
    >>> str(literal({"a": [1, None, True], "b": 'say "no"'}))
    '{"a": [1, None, True], "b": \'say "no"\'}'
    """
    if type(value) is str:
        return text_literal(value)
    if value is None or type(value) in (bool, int):
        return repr(value)
    if type(value) is float and math.isfinite(value):
        return repr(value).replace("e+", "e")
    if type(value) is list:
        return Bracket("[", tuple(("", literal(each)) for each in value), "]")
    if type(value) is dict and all(type(key) is str for key in value):
        return table({key: literal(each) for key, each in value.items()})
    raise ExportError(f"{said(value)} cannot be written as JSON is")


def table(items: Mapping[str, Code]) -> Bracket:
    """Return a dict of texts to code."""
    pairs = tuple((f"{text_literal(key)}: ", code) for key, code in items.items())
    return Bracket("{", pairs, "}")


def call(name: str, given: Iterable[Code] = (), named: Mapping[str, Code] | None = None) -> Bracket:
    """Return a call, with arguments by position and by name."""
    by_name = ((f"{each}=", code) for each, code in (named or {}).items())
    return Bracket(f"{name}(", (*(("", code) for code in given), *by_name), ")")


def text_literal(text: str) -> str:
    r"""Return the literal of a text, in the quotes that need fewer backslashes.

    Examples
    --------
    >>> print(text_literal("größe"), text_literal("it's\n"), text_literal('"a"'))
    "größe" "it's\n" '"a"'
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(letter, quote) for letter in text) + quote


def docstring(text: str) -> str:
    """Return the docstring of a module; its lines stay lines."""
    lines = "\n".join(line.rstrip() for line in text.strip().split("\n"))
    marks = {at for match in _MARKS.finditer(lines) for at in range(*match.span())}
    inside = "".join(_within(each, is_mark=at in marks) for at, each in enumerate(lines))
    return f'"""{inside}\n"""' if "\n" in inside else f'"""{inside}"""'


def _within(letter: str, *, is_mark: bool) -> str:
    """Return a letter as it is written within a docstring; a mark could begin or end one."""
    if is_mark:
        return '\\"'
    return letter if letter == "\n" else _escaped(letter, "")


def laid_out(code: Code, indent: int = 0, before: str = "", after: str = "") -> str:
    """Return code as lines.

    Parameters
    ----------
    indent
        How many levels it is indented.
    before, after
        Text on its first and behind its last line.
    """
    flat = f"{_STEP * indent}{before}{code}{after}"
    if isinstance(code, str) or len(flat) <= WIDTH:
        return flat
    return folded(code, indent, before, after)


def folded(code: Bracket, indent: int, before: str = "", after: str = "") -> str:
    """Return what is in brackets with an item a line, even where it would fit in one."""
    margin = _STEP * indent
    if not code.items:
        return f"{margin}{before}{code}{after}"
    lines = [laid_out(each, indent + 1, name, ",") for name, each in code.items]
    return "\n".join([f"{margin}{before}{code.head}", *lines, f"{margin}{code.tail}{after}"])


def _escaped(letter: str, quote: str) -> str:
    if letter in ("\\", quote):
        return f"\\{letter}"
    if " " <= letter <= "~":
        return letter
    if letter < " " or _CATEGORY(letter)[0] in "CZ":  # also what a reader could not see
        return ascii(letter)[1:-1]
    return letter
