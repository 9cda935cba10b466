from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial, singledispatch, wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, Union

import attrs
import pytest

from pypedream.engine.annotations import UNKNOWN, annotations_of

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")
UserId = typing.NewType("UserId", int)
CALLS: list[str] = []


class Colour(Enum):
    RED = "red"


class Box(Generic[T]):
    Lid = Colour


class Canary:
    def __class_getitem__(cls, item: object) -> type[int]:
        CALLS.append("class_getitem")
        return int


class LoudMeta(type):
    def __getattr__(cls, name: str) -> type[int]:
        CALLS.append("getattr")
        return int

    def __or__(cls, other: object) -> type[int]:
        CALLS.append("or")
        return int


class Loud(metaclass=LoudMeta):
    pass


def canary(*args: object) -> type[int]:
    CALLS.append("call")
    return int


def read(text: str) -> object:
    """Resolve *text* as the annotation of an argument in this module."""

    def stage(value): ...

    stage.__annotations__ = {"value": text}
    return annotations_of(stage)["value"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("int", int),
        (" int ", int),
        ("None", None),
        ("'int'", int),
        ("list[int]", list[int]),
        ("dict[str, list['int']]", dict[str, list[int]]),
        ("int | None", int | None),
        ("int | 'str' | None", int | str | None),
        ("typing.Optional[int]", int | None),
        ("tuple[int, ...]", tuple[int, ...]),
        ("tuple[()]", tuple[()]),
        ("Callable[[int, str], bool]", Callable[[int, str], bool]),
        ("Callable[..., bool]", Callable[..., bool]),
        ("Literal['a', 1, -1, None]", Literal["a", 1, -1, None]),
        ("Literal[Colour.RED]", Literal[Colour.RED]),
        ("Box[int]", Box[int]),
        ("Box.Lid", Colour),
        ("type[int]", type[int]),
        ("Any", Any),
        ("UserId", UserId),
        ("Path", Path),
        ("sys.version_info", sys.version_info),
    ],
)
def test_text_is_resolved_piece_by_piece(text: str, expected: object) -> None:
    """An annotation that is kept as text is what it would be if it were evaluated."""
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "missing.Name",
        "sys.missing",
        "canary('x')",
        "Canary[int]",
        "Loud.attribute",
        "int + str",
        "*int",
        "tuple[int, *Ts]",
        "not python",
        "",
        "3",
        "int if True else str",
        "[x for x in canary()]",
        "Literal[canary()]",
        "list[",
        "Colour['RED']",
        "'a b'",
    ],
)
def test_what_cannot_be_looked_up_is_unknown(text: str) -> None:
    """Names for type checkers, calls and text that is no type are unknown, and nothing runs."""
    CALLS.clear()

    assert read(text) is UNKNOWN
    assert CALLS == []


def test_metadata_and_names_for_type_checkers_are_left_out() -> None:
    """What is only there for other tools costs nothing and breaks nothing."""

    def stage(size: Annotated[int, canary("metadata")], rate: Decimal) -> list[Decimal]: ...

    CALLS.clear()

    assert annotations_of(stage) == {"size": int, "rate": UNKNOWN, "return": list[UNKNOWN]}
    assert CALLS == []


def test_operators_of_classes_are_not_called() -> None:
    """A union in text is a union, whatever a metaclass makes of the operator."""
    CALLS.clear()

    assert read("Loud | int") == Union[Loud, int]  # noqa: UP007
    assert CALLS == []


def test_modules_are_not_asked_for_lazy_names() -> None:
    """A module that would load something when asked for a name is not asked."""
    lazy = ModuleType("lazy")
    lazy.__getattr__ = canary

    def stage(): ...

    stage.__globals__["lazy"] = lazy
    stage.__annotations__ = {"return": "lazy.Frame"}
    CALLS.clear()

    assert annotations_of(stage) == {"return": UNKNOWN}
    assert CALLS == []
    del stage.__globals__["lazy"]


def test_local_classes_are_found_when_the_function_uses_them() -> None:
    """A name that the function captured is looked up before the globals."""

    class Path:
        pass

    def stage(path: Path) -> Path:
        return Path()

    assert annotations_of(stage) == {"path": Path, "return": Path}


def test_annotations_that_are_objects_are_left_as_they_are() -> None:
    """Without the future import annotations are objects already."""

    def stage(value): ...

    given = {"value": list["int"], "return": 3}
    stage.__annotations__ = dict(given)

    assert annotations_of(stage) == given


class Callables:
    def method(self, value: int) -> str: ...

    @staticmethod
    def static(value: int) -> str: ...

    @classmethod
    def of_class(cls, value: int) -> str: ...

    def __call__(self, value: int) -> str: ...


def plain(value: int) -> str: ...


def passing(function: Any) -> Any:
    @wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    "function",
    [
        plain,
        partial(plain),
        partial(partial(plain)),
        Callables().method,
        Callables.method,
        Callables.static,
        vars(Callables)["static"],
        Callables.of_class,
        Callables(),
        partial(Callables().method, 1),
        passing(plain),
        passing(passing(plain)),
        partial(passing(plain)),
        lru_cache(plain),
        lru_cache(maxsize=None)(passing(plain)),
    ],
    ids=repr,
)
def test_layers_around_a_function_are_seen_through(function: object) -> None:
    """Methods, partials, objects, caches and decorators have the annotations of the function."""
    assert annotations_of(function) == {"value": int, "return": str}


@dataclass
class Row:
    size: int
    tags: Sequence[str] = ()
    parent: Row | None = None


@attrs.define
class Item:
    size: int
    tags: Sequence[str] = ()
    parent: Item | None = None


@pytest.mark.parametrize("owner", [Row, Item])
def test_a_class_has_the_annotations_of_its_constructor(owner: type) -> None:
    """What a class gives is an instance of it, and its fields are looked up in its module."""
    expected = {"size": int, "tags": Sequence[str], "parent": owner | None, "return": owner}

    assert annotations_of(owner) == expected
    assert annotations_of(partial(owner, size=1)) == expected


def test_a_class_that_may_give_something_else_says_nothing_of_it() -> None:
    """``__new__`` and metaclasses decide what calling a class gives."""

    class Other:
        def __new__(cls, value: int) -> Any:
            return value

    assert annotations_of(Other) == {"value": int, "return": UNKNOWN}


def test_a_wrapper_with_arguments_of_its_own_has_no_borrowed_annotations() -> None:
    """`functools.wraps` copies annotations that are not those of the wrapper."""

    @wraps(plain)
    def wrapper(value, extra): ...

    @wraps(plain)
    def annotated(value, extra): ...

    annotated.__annotations__ = {"extra": "float"}

    assert annotations_of(wrapper) == {}
    assert annotations_of(annotated) == {"extra": float}


def test_a_function_that_chooses_between_functions_has_no_annotations() -> None:
    """The annotations of a singledispatch function are those of one of many."""

    @singledispatch
    def stage(value: int) -> int: ...

    assert annotations_of(stage) == {}


@pytest.mark.parametrize("function", [len, print, int, list, "".join, 3, None], ids=repr)
def test_what_is_not_written_in_python_has_no_annotations(function: object) -> None:
    """Builtins, and what cannot be called at all, say nothing."""
    assert annotations_of(function) == {}


def test_decorators_in_a_circle_end() -> None:
    """Two functions that claim to wrap each other do not hang the plan."""

    def first(*args): ...

    def second(*args): ...

    first.__wrapped__, second.__wrapped__ = second, first

    assert annotations_of(first) == {}


def test_a_builtin_argument_name_stays_out_of_the_way() -> None:
    """Every annotated argument is there, keyword-only and variable ones too."""

    def stage(first: int, /, *rest: str, key: float = 1.0, **options: bool) -> Mapping[str, int]:
        return {}

    assert annotations_of(stage) == {
        "first": int,
        "rest": str,
        "key": float,
        "options": bool,
        "return": Mapping[str, int],
    }
