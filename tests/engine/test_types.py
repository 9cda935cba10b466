from __future__ import annotations

import collections
import datetime
import enum
import typing
from abc import ABC, abstractmethod
from collections import abc
from decimal import Decimal
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    ParamSpec,
    Protocol,
    Self,
    TypedDict,
    TypeVar,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.engine.types import UNKNOWN, can_fit, shown

T = TypeVar("T")
U = TypeVar("U")
P = ParamSpec("P")
UserId = NewType("UserId", int)
UserIds = NewType("UserIds", list[UserId])


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Sized(Protocol):
    def size(self) -> int: ...


class Row(TypedDict):
    name: str


class Point(NamedTuple):
    x: int
    y: int


class Animal: ...


class Dog(Animal): ...


class Stone: ...


class Box(Generic[T]): ...


class Crate(Box[T]): ...


class Backwards(Generic[T, U], collections.UserDict[U, T]): ...


class Loader(ABC):
    @abstractmethod
    def load(self) -> None: ...


class Saver(ABC):
    @abstractmethod
    def save(self) -> None: ...


class Called:
    def __call__(self) -> None: ...


class AnythingMeta(type):
    def __instancecheck__(cls, value: object) -> bool:
        return True


class Anything(metaclass=AnythingMeta): ...


class BrokenMeta(type):
    def __subclasscheck__(cls, other: type) -> bool:
        raise RuntimeError("no")


class Broken(metaclass=BrokenMeta): ...


class Mocked(Any): ...


FITS = [
    (int, int),
    (bool, int),
    (int, float),
    (float, int),
    (int, complex),
    (Dog, Animal),
    (Animal, Dog),
    (None, None),
    (None, int | None),
    (int | None, int),
    (int | str, str | bytes),
    (int, UNKNOWN),
    (UNKNOWN, int),
    (int, Any),
    (Any, int),
    (object, int),
    (int, object),
    (T, int),
    (int, T),
    (abc.Callable[P, int], abc.Callable[P, str]),
    (Annotated[int, "metadata"], int),
    (int, Annotated[float | None, "metadata"]),
    (UserId, int),
    (int, UserId),
    (list[UserId], UserIds),
    (Literal["a", 1], str),
    (str, Literal["a"]),
    (Literal["a", "b"], Literal["b", "c"]),
    (Literal[Colour.RED], Colour),
    (list, list[int]),
    (list[int], list),
    (list[int], abc.Sequence[int]),
    (abc.Sequence[int], list[int]),
    (abc.Iterable[int], list[int]),
    (list[Any], list[int]),
    (list[int | None], list[int]),
    (dict[str, int], abc.Mapping[str, float]),
    (dict[str, int], abc.Iterable[str]),
    (str, abc.Sequence[str]),
    (str, abc.Iterable[str]),
    (bytes, abc.Sequence[int]),
    (bytearray, bytes),
    (tuple[int, str], tuple[int, str]),
    (tuple[int, ...], tuple[int, int]),
    (tuple[int, int], tuple[int, ...]),
    (tuple[()], tuple[int, ...]),
    (tuple[int, int], abc.Sequence[int]),
    (abc.Sequence[int], tuple[int, int]),
    (tuple, tuple[int, int]),
    (typing.Tuple, tuple[int, int]),  # noqa: UP006
    (Point, tuple[int, int]),
    (Point, tuple),
    (tuple[int, *tuple[str, ...]], tuple[int]),
    (tuple[int, typing.Unpack[tuple[str, ...]]], tuple[int]),  # noqa: UP044
    (type[int], type[bool]),
    (type[int], type),
    (type[int], abc.Callable[[str], int]),
    (type[Any], type[int]),
    (abc.Callable[[int], str], abc.Callable[[str], int]),
    (Called, abc.Callable[[], None]),
    (abc.Callable[[], None], Called),
    (Row, dict[str, str]),
    (dict[str, Any], Row),
    (Row, abc.Mapping[str, object]),
    (int, Sized),
    (Sized, int),
    (int, abc.Hashable),
    (Loader, Saver),
    (abc.Iterable[int], abc.Sized),
    (Box[int], Box[int]),
    (Crate[int], Box[str]),
    (Backwards[int, str], abc.Mapping[str, int]),
    (int, Self),
    (int, Final[str]),
    (int, ClassVar[str]),
    (int, typing.Required[str]),
    (typing.Iterator[int], list[str]),
    (abc.Generator[int, None, None], list[int]),
    (abc.AsyncIterator[int], list[int]),
    (abc.Awaitable[int], str),
    (map, list[int]),
    (Path, str | Path),
    (datetime.datetime, datetime.date),
    (typing.IO[str], Path),
    (Anything, int),
    (int, Anything),
    (int, Broken),
    (Mocked, int),
    ("int", str),
    (list["Missing"], list[int]),  # noqa: F821
    (3, int),
    (int, [1, 2]),
    (int, "not a type"),
]

MISFITS = [
    (int, str),
    (str, int),
    (str, bytes),
    (str, Path),
    (str, float),
    (Decimal, float),
    (None, int),
    (int, None),
    (int | None, str),
    (int | float, str | None),
    (Dog, Stone),
    (Annotated[int, "metadata"], str),
    (UserId, str),
    (Literal["a"], int),
    (int, Literal["a"]),
    (Literal["a"], Literal["b"]),
    (Literal[Colour.RED], Literal[Colour.BLUE]),
    (list[int], list[str]),
    (list[int], abc.Sequence[str]),
    (list[int], set[int]),
    (list[int], dict[int, int]),
    (list[list[int]], list[list[str]]),
    (dict[str, int], dict[str, str]),
    (dict[str, int], abc.Mapping[int, int]),
    (abc.Sequence[int], abc.Mapping[int, int]),
    (str, list[str]),
    (str, abc.Sequence[int]),
    (int, abc.Iterable[int]),
    (int, abc.Sized),
    (list[int], abc.Hashable),
    (tuple[int, str], tuple[int, int]),
    (tuple[int, str], tuple[int]),
    (tuple[()], tuple[int]),
    (tuple[int, ...], tuple[str, ...]),
    (tuple[int, str], tuple[int, ...]),
    (tuple[int, str], abc.Sequence[int]),
    (abc.Sequence[int], tuple[str, str]),
    (tuple[int, int], list[int]),
    (type[int], type[str]),
    (type[int], str),
    (int, abc.Callable[[], int]),
    (abc.Callable[[], int], int),
    (Row, int),
    (Row, list[str]),
    (Point, list[int]),
    (Box[int], Box[str]),
    (Box[int], list[int]),
    (list[Colour], list[int]),
    (list[int], abc.Iterator[int]),
]


def name(pair: object) -> str | None:
    return " to ".join(map(shown, pair)) if isinstance(pair, tuple) else None


@pytest.mark.parametrize("pair", FITS, ids=name)
def test_a_value_may_fit(pair: tuple[Any, Any]) -> None:
    """Whatever could work in some run is let through."""
    assert can_fit(*pair)


@pytest.mark.parametrize("pair", MISFITS, ids=name)
def test_no_value_can_fit(pair: tuple[Any, Any]) -> None:
    """What cannot work in any run is refused."""
    assert not can_fit(*pair)


SIMPLE = [int, str, float, bool, bytes, None, Decimal, Path, list, dict, tuple, Literal["a", 1]]
OPEN = [Any, object, T, UNKNOWN, Sized, Anything, Broken]
LEAVES = st.sampled_from([*SIMPLE, *OPEN, Animal, Dog, Colour, Point, Row, UserId])


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = st.sampled_from([list, set, abc.Sequence, abc.Iterable, type, Box, Crate])
    return st.one_of(
        st.builds(lambda kind, member: kind[member], one, inner),
        st.builds(lambda key, content: dict[key, content], inner, inner),
        st.builds(lambda first, second: tuple[first, second], inner, inner),
        st.builds(lambda member: tuple[member, ...], inner),
        st.builds(lambda given, result: abc.Callable[[given], result], inner, inner),
        st.builds(lambda first, second: typing.Union[first, second], inner, inner),  # noqa: UP007
        st.builds(lambda member: Annotated[member, "metadata"], inner),
    )


ANNOTATIONS = st.recursive(LEAVES, nested, max_leaves=6)


@given(ANNOTATIONS)
def test_what_is_annotated_alike_fits(annotation: Any) -> None:
    """A value always fits where its own annotation stands."""
    assert can_fit(annotation, annotation)


@given(ANNOTATIONS, ANNOTATIONS)
def test_a_broader_consumer_fits_as_well(annotation: Any, other: Any) -> None:
    """To accept something else in addition never makes a misfit."""
    union = typing.Union[annotation, other]  # noqa: UP007

    assert can_fit(annotation, union)
    assert can_fit(union, annotation)


@given(st.one_of(ANNOTATIONS, st.integers(), st.text(), st.lists(st.none())), ANNOTATIONS)
def test_any_two_annotations_can_be_compared_and_shown(first: Any, second: Any) -> None:
    """Whatever was written as an annotation gives an answer and a short text."""
    assert can_fit(first, second) in (True, False)
    assert can_fit(second, first) in (True, False)
    assert 0 <= len(shown(first)) <= 80


@pytest.mark.parametrize(
    "annotation, text",
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (UNKNOWN, "unknown"),
        (Any, "Any"),
        (list[int], "list[int]"),
        (typing.List[int], "list[int]"),  # noqa: UP006
        (typing.List, "list"),  # noqa: UP006
        (int | None, "int | None"),
        (typing.Optional[int], "int | None"),  # noqa: UP045
        (dict[str, list[int] | None], "dict[str, list[int] | None]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (tuple[()], "tuple[()]"),
        (abc.Sequence[str], "Sequence[str]"),
        (abc.Callable[[int, str], bool], "Callable[[int, str], bool]"),
        (abc.Callable[..., bool], "Callable[..., bool]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Literal[Colour.RED], "Literal[Colour.RED]"),
        (Annotated[int, "metadata"], "int"),
        (Path, "pathlib.Path"),
        (datetime.datetime, "datetime.datetime"),
        (UserId, "UserId"),
        (T, "T"),
        (Final[int], "Final[int]"),
        ("Missing", "Missing"),
        (list["Missing"], "list[Missing]"),  # noqa: F821
        (typing.Optional["Missing"], "Missing | None"),  # noqa: F821
        (3, "int"),
    ],
    ids=str,
)
def test_an_annotation_is_shown_as_it_is_written(annotation: Any, text: str) -> None:
    """The text is what a user would write, with the module that offers a class."""
    assert shown(annotation) == text


def test_a_long_annotation_is_cut() -> None:
    """What is shown fits on a line."""
    assert shown(Literal[tuple("abcdefghijklmnopqrstuvwxyz")]).endswith("...")


def test_the_names_of_arrays_and_frames_are_those_that_users_know() -> None:
    """A class is shown by the package that offers it, not by the file that it is in."""
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")

    assert shown(numpy.ndarray) == "numpy.ndarray"
    assert shown(pandas.DataFrame) == "pandas.DataFrame"
    assert shown(dict[str, pandas.Series]) == "dict[str, pandas.Series]"


def test_arrays_fit_by_their_dtype() -> None:
    """Scalars of numpy are numbers, and arrays of numbers are not arrays of text."""
    numpy = pytest.importorskip("numpy")

    def arrays(scalar: Any) -> Any:
        return numpy.ndarray[Any, numpy.dtype[scalar]]

    assert can_fit(numpy.int64, int)
    assert can_fit(int, numpy.float64)
    assert can_fit(numpy.bool_, bool)
    assert can_fit(arrays(numpy.float64), arrays(numpy.int32))
    assert can_fit(arrays(numpy.float64), arrays(Any))
    assert not can_fit(arrays(numpy.float64), arrays(numpy.str_))
    assert not can_fit(numpy.str_, int)
    assert not can_fit(numpy.ndarray, float)


def test_frames_fit_frames_only() -> None:
    """A series is not a frame, and a frame is not a list of anything."""
    pandas = pytest.importorskip("pandas")

    assert can_fit(pandas.DataFrame, pandas.DataFrame | None)
    assert can_fit(pandas.Timestamp, datetime.datetime)
    assert can_fit(pandas.DataFrame, abc.Iterable[str])
    assert not can_fit(pandas.DataFrame, pandas.Series)
    assert not can_fit(pandas.DataFrame, list[dict[str, int]])
