"""What a fresh interpreter does to tell a target: import it, and say what is there.

It is another process with nothing in it but this, so that it may set the clock for what it imports.
"""

from __future__ import annotations

import os
import pickle
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, evolve, field

from pypedream.errors import ExportError
from pypedream.places import is_library, is_ours

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pypedream.export.text_modules import TextModule

WHEN: Final = "when"
WHERE: Final = "where"
PLACE: Final = "place"
CONSTANT: Final = "constant "
_DAY_S: Final = 24 * 60 * 60


@define
class Question:
    """What is asked.

    Attributes
    ----------
    answer
        The file that gets the answer.
    folders
        What to import from, first of all.
    days
        How much later it is to be.
    is_elsewhere
        Whether it is to be another machine, as far as the user's code can tell.
    texts
        Modules that are only a text yet, by name.
    """

    answer: str
    target: str
    folders: list[str]
    days: int = 0
    is_elsewhere: bool = False
    texts: Mapping[str, TextModule] = Factory(dict)


@define
class Found:
    """What a fresh interpreter found.

    Attributes
    ----------
    varies
        What is another value each time, or on another machine, or is a place on this one, with
        `WHEN`, `WHERE` or `PLACE`: by "stage.argument", the name of a parameter, or that of a part
        of the code such as "constant TODAY".
    structure, code
        The parts of the pipeline, each name with what it is in this process.
    texts
        The parts of its code, each name with what its text says.
    file
        The file of the module.
    error
        What went wrong, in one line; "" if nothing did.
    missing
        The module that could not be found, if that is what went wrong.
    place
        The line of the user's code where that was: file and number.
    modules
        The top names of all modules that were imported.
    """

    varies: dict[str, str] = Factory(dict)
    structure: dict[str, str] = Factory(dict)
    code: dict[str, str] = Factory(dict)
    texts: dict[str, str] = Factory(dict)
    file: str = ""
    error: str = ""
    missing: str = ""
    place: tuple[str, int] | None = None
    modules: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def parts(self) -> dict[str, str]:
        """All parts."""
        return {**self.code, **self.structure}

    def compared(self, later: Found, elsewhere: Found) -> Found:
        """Return the same with what is another value in other interpreters.

        One that could not import the module, as it was another day there, says nothing.
        """
        today = _today()
        then, there = later.parts, elsewhere.parts
        varies = {}
        for name, said in self.parts.items():
            if said != then.get(name, said) or any(each in said for each in today):
                varies[name] = WHEN
            elif said != there.get(name, said) and not name.startswith(CONSTANT):
                varies[name] = WHERE
        return evolve(self, varies=varies)

    def fingerprint(self, varies: Collection[str] = ()) -> str:
        """Return the fingerprint of the pipeline without what varies; "" if there is none."""
        from pypedream.export.fingerprint import Imprint

        return str(Imprint(self.structure, self.texts).without(varies)) if self.structure else ""


def _today() -> set[str]:
    """Return how a value says today: what it is made by may not be asked through `time.time`."""
    days = (date.today(), datetime.now(UTC).date())  # noqa: DTZ011 - as the user's code has it
    return {text for day in days for text in (day.isoformat(), f"'{day:%Y%m%d}")}


_answering: list[str] = []


def refuse_while_answering() -> None:
    """Refuse to ask from an interpreter that answers: there would be no end of interpreters.

    Raises
    ------
    ExportError
        If this is one; with the way out.
    """
    if _answering:
        raise ExportError(
            "the module exports its pipeline when it is imported: put that under"
            ' if __name__ == "__main__"'
        )


def main() -> None:
    """Answer the question that the standard input holds."""
    question: Question = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from our own parent
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as this lasts
    sys.path[:0] = question.folders
    _answering.append(question.target)
    try:
        found = _found(question)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
        found = Found(error=_one_line(error), missing=getattr(error, "name", None) or "")
        found.place = _users_line(error)
    Path(question.answer).write_bytes(pickle.dumps(found))


def _found(question: Question) -> Found:
    from pypedream.export.fingerprint import imprint_of
    from pypedream.export.remote import load

    if question.texts:
        from pypedream.export.text_modules import TextFinder

        sys.meta_path.insert(0, TextFinder(question.texts))
    if question.days:
        _shift_clock(question.days * _DAY_S)
    if question.is_elsewhere:
        _change_machine()
    pipeline = load(question.target)
    now, text = imprint_of(pipeline), imprint_of(pipeline, by_text=True)
    module = sys.modules[question.target.partition(":")[0]]
    return Found(
        structure=now.structure,
        code=now.code,
        texts=text.code,
        file=getattr(module, "__file__", "") or "",
        modules=frozenset(name.partition(".")[0] for name in sys.modules),
    )


def _shift_clock(seconds: float) -> None:
    import time

    now = time.time
    time.time = lambda: now() + seconds


def _change_machine() -> None:
    """Let the user's code find another environment and other processors."""
    import socket

    processors = os.cpu_count() or 1
    os.cpu_count = lambda: processors + 1
    socket.gethostname = lambda: "elsewhere"
    os.environ = _OtherEnvironment(os.environ)  # noqa: B003 - only what asks for it sees it


class _OtherEnvironment(type(os.environ)):  # type: ignore[misc]
    """The variables of the process, with other values for whoever asks from the user's code."""

    def __init__(self, own: Any) -> None:
        self.__dict__.update(vars(own))

    def __getitem__(self, key: str) -> str:
        if not _is_asked_by_user():
            return str(super().__getitem__(key))
        return str(super().__getitem__(key)) + "1" if super().__contains__(key) else "1"

    def __contains__(self, key: object) -> bool:
        return _is_asked_by_user() or super().__contains__(key)


def _is_asked_by_user() -> bool:
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith("<frozen "):
        frame = frame.f_back
    file = frame.f_code.co_filename
    return not is_library(file) and not is_ours(file) and file[:1] != "<"


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _users_line(error: BaseException) -> tuple[str, int] | None:
    """Return the innermost line of the user's own code, or that of a mistake in its text."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    found, step = None, error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not is_library(file) and not is_ours(file) and file[:1] != "<":
            found = file, step.tb_lineno
        step = step.tb_next
    return found
