"""Frames of another process as frames of this one, so that a traceback shows its lines.

A traceback needs frames, and a frame comes only from running code. So a small function that returns
its own frame is given the file, the name and the position of the line in question.
"""

from __future__ import annotations

import sys
from types import FunctionType, TracebackType
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

__all__ = ["Spot", "spots_of", "traceback_of"]

MOST = 400  # frames at either end: a recursion has a thousand of the same
UNITS_AT_ONCE = 8
LONG_FORM, NO_COLUMNS = 14, 13


@frozen
class Spot:
    """Where a frame was.

    Attributes
    ----------
    file, line, name, module
        As a traceback shows them.
    first_line
        The first line of the function.
    end_line, column, end_column
        How far the part of the line goes that was running; None where Python does not know.
    """

    file: str
    line: int
    name: str
    qualname: str
    module: str
    first_line: int
    end_line: int | None
    column: int | None
    end_column: int | None


def spots_of(traceback: TracebackType | None) -> tuple[Spot, ...]:
    """Return the frames of a traceback, without the middle of very many."""
    spots = list(map(_spot, _steps(traceback)))
    if len(spots) > 2 * MOST:
        del spots[MOST:-MOST]
    return tuple(spots)


def traceback_of(spots: Sequence[Spot]) -> TracebackType | None:
    """Return a traceback that shows *spots*, the first one outermost."""
    traceback: TracebackType | None = None
    for spot in reversed(spots):
        frame = _frame(spot)
        traceback = TracebackType(traceback, frame, frame.f_lasti, spot.line)
    return traceback


def _steps(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _spot(step: TracebackType) -> Spot:
    code, line = step.tb_frame.f_code, step.tb_lineno or 1
    _, end_line, column, end_column = _position(code, step.tb_lasti)
    module = step.tb_frame.f_globals.get("__name__")
    return Spot(
        file=code.co_filename,
        line=line,
        name=code.co_name,
        qualname=code.co_qualname,
        module=module if isinstance(module, str) else "",
        first_line=code.co_firstlineno,
        end_line=end_line,
        column=column,
        end_column=end_column,
    )


def _position(code: CodeType, instruction: int) -> Sequence[int | None]:
    for number, position in enumerate(code.co_positions()):
        if number == instruction // 2:
            return position
    return (None, None, None, None)


def _here() -> Any:
    return sys._getframe()


def _frame(spot: Spot) -> Any:
    code = _here.__code__
    stub = code.replace(
        co_filename=spot.file,
        co_name=spot.name,
        co_qualname=spot.qualname,
        co_firstlineno=spot.first_line,
        co_linetable=_line_table(len(code.co_code) // 2, spot),
    )
    return FunctionType(stub, {"sys": sys, "__name__": spot.module, "__file__": spot.file})()


def _line_table(units: int, spot: Spot) -> bytes:
    """Return a table by which every instruction is at *spot* (3.11 to 3.14: Objects/locations)."""
    table = bytearray()
    delta = spot.line - spot.first_line
    while units > 0:
        count = min(units, UNITS_AT_ONCE)
        units -= count
        has_columns = None not in (spot.end_line, spot.column, spot.end_column)
        form = LONG_FORM if has_columns else NO_COLUMNS
        table.append(0x80 | form << 3 | count - 1)
        table += _signed(delta)
        if has_columns:
            table += _unsigned(max((spot.end_line or 0) - spot.line, 0))
            table += _unsigned((spot.column or 0) + 1)
            table += _unsigned((spot.end_column or 0) + 1)
        delta = 0
    return bytes(table)


def _unsigned(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x40:  # noqa: PLR2004 - six bits a byte
        parts.append(0x40 | number & 0x3F)
        number >>= 6
    parts.append(number)
    return bytes(parts)


def _signed(number: int) -> bytes:
    return _unsigned((-number << 1) | 1 if number < 0 else number << 1)
