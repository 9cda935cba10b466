from __future__ import annotations

import pickle
from traceback import format_exception
from typing import Any

import pytest

from pypedream.errors import ForeignError
from pypedream.executors.mishaps import Mishap
from tests.executors.stages import Holding, OddInit


def deep(error: BaseException) -> None:
    raise error


def raised(error: BaseException) -> BaseException:
    try:
        deep(
            error,
        )
    except BaseException as caught:  # noqa: BLE001 - SystemExit is one of them
        return caught
    raise AssertionError


def sent(error: BaseException) -> BaseException:
    mishap: Mishap = pickle.loads(pickle.dumps(Mishap.of(error)))
    return mishap.error()


def shown(error: BaseException) -> str:
    return "".join(format_exception(error))


def chained() -> BaseException:
    first = raised(KeyError("rows"))
    try:
        try:
            raise first
        finally:
            raise OSError(2, "no such file")  # its context is the first
    except OSError as error:
        middle = error
    error = ValueError("it cannot be read")
    error.__cause__ = middle
    error.add_note("in rows.csv")
    return raised(error)


def recursive(depth: int) -> int:
    return recursive(depth + 1)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(raised(ValueError("no rows")), id="plain"),
        pytest.param(chained(), id="chain"),
        pytest.param(raised(OddInit(3, "empty")), id="init"),
        pytest.param(
            raised(ExceptionGroup("two", [raised(OddInit(1, "x")), chained()])), id="group"
        ),
        pytest.param(raised(UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "bad")), id="decode"),
        pytest.param(raised(SystemExit(3)), id="exit"),
    ],
)
def test_an_exception_reads_the_same_after_its_way(error: BaseException) -> None:
    """Type, text, notes, causes and every line and caret of the traceback are as they were."""
    arrived = sent(error)

    assert type(arrived) is type(error)
    assert shown(arrived) == shown(error)
    assert arrived.args == error.args or isinstance(error, ExceptionGroup)


def test_attributes_of_an_exception_come_along() -> None:
    """What an error says beside its text is kept, but for what cannot be pickled."""
    odd, holding = sent(raised(OddInit(3, "empty"))), sent(raised(Holding("locked")))

    assert isinstance(odd, OddInit)
    assert odd.row == 3
    assert isinstance(holding, Holding)
    assert holding.path == "rows.csv"
    assert not hasattr(holding, "lock")


def test_an_exception_of_a_class_that_cannot_travel_says_what_it_was() -> None:
    """A ForeignError has the name of the class, the text, the notes and the lines."""

    class Bad(Exception):
        def __new__(cls, *args: Any) -> Bad:
            if args != ("once",):
                raise TypeError("only once")
            return super().__new__(cls, *args)

        def __reduce__(self) -> Any:
            raise TypeError("never")

        def __str__(self) -> str:
            return "bad luck"

    error = raised(Bad("once"))
    error.add_note("a note")
    error.args = ([print],)

    mishap = Mishap.of(error)
    arrived = mishap.error()

    assert type(arrived) is ForeignError
    assert "Bad: bad luck" in str(arrived)
    assert arrived.__notes__ == ["a note"]
    assert "deep(" in shown(arrived)


def test_a_recursion_comes_without_its_middle() -> None:
    """Very many frames are cut to the first and last of them."""
    try:
        recursive(0)
    except RecursionError as error:
        arrived = sent(error)

    frames = []
    step = arrived.__traceback__
    while step is not None:
        frames.append(step)
        step = step.tb_next
    assert 100 < len(frames) <= 800


def test_an_exception_that_is_its_own_context_ends() -> None:
    """A circle of causes is followed once."""
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    arrived = sent(one)

    assert str(arrived.__cause__) == "two"
    assert arrived.__cause__ is not None
    assert arrived.__cause__.__cause__ is None
