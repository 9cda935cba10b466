"""An exception on its way from one process to another: the user's own type, with its frames.

A pickled exception has neither a traceback nor the exceptions that led to it. So these are taken
along beside it, and put together again out of real frames: whatever shows a traceback, in a
terminal or a notebook, then shows the user's lines as if the call had been made here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from attrs import define, frozen

from pypedream.errors import ForeignError, MissingExtra
from pypedream.executors.frames import Spot, spots_of, traceback_of
from pypedream.executors.packing import FAILURES, pack
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.executors.packing import Packed

    Form = tuple[BaseException | type[BaseException], tuple[Any, ...], dict[str, Any]]

__all__ = ["Mishap"]

MOST_IN_CHAIN = 50


@frozen
class Mishap:
    """What one exception was, its frames, and the exceptions behind it.

    Attributes
    ----------
    packed
        The exception, pickled; None if it cannot be.
    kind, said
        Name of its class with the module, and its text.
    notes
        Its notes, for an exception that cannot be pickled.
    spots
        Where it was, from the outermost frame on.
    cause, context, is_context_hidden
        The exceptions behind it, as ``__cause__``, ``__context__`` and ``__suppress_context__``.
    members
        Those of an exception group.
    """

    packed: Packed | None
    kind: str
    said: str
    notes: tuple[str, ...]
    spots: tuple[Spot, ...]
    cause: Mishap | None = None
    context: Mishap | None = None
    is_context_hidden: bool = False
    members: tuple[Mishap, ...] = ()

    @classmethod
    def of(cls, error: BaseException) -> Mishap:
        """Take down *error*, from the first frame that is not pypedream's own."""
        return _Takedown().of(error)

    def error(self) -> BaseException:
        """Return the exception again, with a traceback of frames that show its lines."""
        error = self._unpacked()
        traceback = traceback_of(self.spots)
        error.__traceback__ = traceback
        error.__cause__ = None if self.cause is None else self.cause.error()
        error.__context__ = None if self.context is None else self.context.error()
        if self.cause is not None and self.context is not None and self.cause == self.context:
            error.__context__ = error.__cause__
        error.__suppress_context__ = self.is_context_hidden
        return error

    def _unpacked(self) -> BaseException:
        if self.packed is not None:
            members = [member.error() for member in self.members]
            with suppress(*FAILURES):
                error = _made_again(self.packed.value(), members)
                if isinstance(error, BaseException):
                    return error
        error = ForeignError(f"{self.kind}: {self.said}", kind=self.kind)
        for note in self.notes:
            error.add_note(note)
        return error


@define
class _Takedown:
    """Takes down one exception and those behind it, each once."""

    left: int = MOST_IN_CHAIN

    def of(self, error: BaseException, seen: tuple[int, ...] = ()) -> Mishap:
        self.left -= 1
        seen = (*seen, id(error))
        members: tuple[Mishap, ...] = ()
        if isinstance(error, BaseExceptionGroup):
            members = tuple(self.of(member, seen) for member in error.exceptions)
        notes = getattr(error, "__notes__", ())
        return Mishap(
            packed=_packed(error, bool(members)),
            kind=f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
            said=_said(error),
            notes=tuple(map(str, notes)) if isinstance(notes, (list, tuple)) else (),
            spots=spots_of(users_traceback(error.__traceback__)),
            cause=self._behind(error.__cause__, seen),
            context=self._behind(error.__context__, seen),
            is_context_hidden=error.__suppress_context__,
            members=members,
        )

    def _behind(self, error: BaseException | None, seen: tuple[int, ...]) -> Mishap | None:
        if error is None or id(error) in seen or self.left <= 0:
            return None
        return self.of(error, seen)


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except FAILURES:
        return "its text raised as well"


def _packed(error: BaseException, is_group: bool) -> Packed | None:
    """Pickle *error*, without those of its attributes that cannot be pickled."""
    members = list(error.exceptions) if isinstance(error, BaseExceptionGroup) else []
    for parts in _forms(error, is_group):
        try:
            packed = pack(parts, of="an error", part="it")
            if isinstance(_made_again(packed.value(), members), type(error)):
                return packed
        except (*FAILURES, MissingExtra):
            continue
    return None


@frozen
class _AsItIs:
    """Pickles as the exception that it holds, and in that one's own way.

    Importing Dask registers another way for all exceptions, in which some lose their text.
    """

    error: BaseException

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.error.__reduce_ex__(4)


def _forms(error: BaseException, is_group: bool) -> Iterator[Form]:
    """Yield ways to pickle *error*: the plainest first.

    The second is for a class whose ``__init__`` takes something else than what it hands on, and
    for a group, whose members have their own way.
    """
    if not is_group:
        yield cast("BaseException", _AsItIs(error)), (), {}
    args = error.args[:1] if is_group else error.args
    state = dict(vars(error))
    yield type(error), args, state
    kept = {name: value for name, value in state.items() if _can_go(value)}
    yield type(error), args, kept
    yield type(error), (_said(error),), kept


def _can_go(value: Any) -> bool:
    try:
        pack(value, of="an error", part="it").value()
    except (*FAILURES, MissingExtra):
        return False
    return True


def _made_again(form: Form, members: Sequence[BaseException]) -> BaseException:
    error, args, state = form
    if not isinstance(error, type):
        return error
    if members:
        args = (*args, members)
    made = error.__new__(error, *args)
    made.args = args
    made.__dict__.update(state)
    return made
