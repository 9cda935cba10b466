"""Frames: the user's own lines of a traceback with their source, live or from a record."""

from __future__ import annotations

import re
from linecache import getline
from typing import TYPE_CHECKING, TypeVar

from pypedream.places import Place, is_library, is_ours
from pypedream.view.page import Frame

if TYPE_CHECKING:
    from types import CodeType, TracebackType

T = TypeVar("T")

MOST_FRAMES = 6
WIDTH = 160
_RECORDED = re.compile(r' *File "(.*)", line (\d{1,9}), in (.*)')


def frames_of(traceback: TracebackType | None) -> tuple[Frame, ...]:
    """Return the user's frames of a traceback, each with three lines of source.

    Frames of libraries are shown only if there are no others. Of a deep recursion the outermost
    and the innermost frames are kept.
    """
    steps: list[tuple[CodeType, int]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not is_ours(code.co_filename):
            steps.append((code, traceback.tb_lineno))
        traceback = traceback.tb_next
    own = [step for step in steps if not is_library(step[0].co_filename)] or steps
    return tuple(_frame(code, line) for code, line in _ends(own))


def frames_in(text: str) -> tuple[Frame, ...]:
    """Return the frames that the text of a recorded traceback shows, with one line of source."""
    found = []
    lines = text.splitlines()
    for line, below in zip(lines, [*lines, ""][1:], strict=True):
        match = _RECORDED.fullmatch(line)
        if match is not None and not is_ours(match[1]):
            number = int(match[2])
            has_source = below.strip() and _RECORDED.fullmatch(below) is None
            source = ((number, below.strip()[:WIDTH]),) if has_source else ()
            place = Place(match[1], number)
            found.append((match[1], Frame(str(place), match[3], number, source)))
    own = [frame for file, frame in found if not is_library(file)]
    return tuple(_ends(own or [frame for _, frame in found]))


def _ends(steps: list[T]) -> list[T]:
    half = MOST_FRAMES // 2
    return steps if len(steps) <= MOST_FRAMES else [*steps[:half], *steps[-half:]]


def _frame(code: CodeType, line: int) -> Frame:
    last = max((end for _, _, end in code.co_lines() if end), default=line)
    numbered = [
        (number, getline(code.co_filename, number).rstrip()[:WIDTH])
        for number in range(max(line - 1, code.co_firstlineno, 1), min(line + 1, last) + 1)
    ]
    return Frame(str(Place(code.co_filename, line)), code.co_name, line, _without_margin(numbered))


def _without_margin(numbered: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Leave out blank lines at the end, and the indent that all lines have."""
    while numbered and not numbered[-1][1]:
        numbered.pop()
    indents = [len(text) - len(text.lstrip()) for _, text in numbered if text]
    indent = min(indents, default=0)
    return tuple((number, text[indent:]) for number, text in numbered)
