"""None in the place of a value that a stage writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NotRequired, Protocol, TypedDict

import pytest

from pypedream.files import JSON, Out
from tests.files.test_in_a_run import flow_of, project

__all__ = ["project"]

FILE = Out("given.json", JSON())


class Sized(Protocol):
    """What has a size."""

    def size(self) -> int: ...


class Several(TypedDict):
    rows: Annotated[list[int], Out("rows.json", JSON())]
    best: Annotated[int | None, Out("best.json", JSON())]
    notes: NotRequired[Annotated[dict[str, str], Out("notes.json", JSON())]]


def a_list() -> Annotated[list[int], FILE]:
    return None  # type: ignore[return-value]


def a_table() -> Annotated[dict[str, int] | list[int], FILE]: ...  # type: ignore[empty-body]


def several() -> Several:
    return {"rows": None, "best": None, "notes": None}  # type: ignore[typeddict-item]


async def awaited() -> Annotated[int, FILE]: ...  # type: ignore[empty-body]


def optional() -> Annotated[list[int] | None, FILE]:
    return None


def anything() -> Annotated[Any, FILE]:
    return None


def sized() -> Annotated[Sized, FILE]: ...  # type: ignore[empty-body]


def nothing() -> Annotated[None, FILE]:
    return None


@pytest.mark.parametrize(
    "function, message",
    [
        (a_list, "it returned None, and its annotation says list[int]"),
        (a_table, "it returned None, and its annotation says dict[str, int] | list[int]"),
        (awaited, "it returned None, and its annotation says int"),
        (
            several,
            (
                'it returned None for "rows", and its annotation says list[int];'
                ' it returned None for "notes", and its annotation says dict[str, str]'
            ),
        ),
    ],
    ids=["list", "union", "async", "fields"],
)
def test_a_stage_that_forgets_to_return_is_told_so(project: Path, function: Any, message: str):
    """In a line with its place; what was there stays."""
    names = ("given.json", "rows.json", "best.json")
    for name in names:
        (project / name).write_text("[1]")

    with pytest.raises(TypeError) as caught:
        flow_of(function).run()

    assert str(caught.value).startswith(f"{message} (")
    assert "test_absent.py:" in str(caught.value)
    assert [(project / name).read_text() for name in names] == ["[1]"] * 3


@pytest.mark.parametrize("function", [optional, anything, sized, nothing])
def test_none_is_written_where_it_may_be_the_value(project: Path, function: Any):
    """By a type that says so, or that is not known to say otherwise."""
    flow_of(function).run()

    assert (project / "given.json").read_text().strip() == "null"


def test_none_that_is_given_in_place_of_a_stage_is_written(project: Path):
    """Who gives it means it."""
    flow_of(a_list).run(given={"a_list": None})

    assert (project / "given.json").read_text().strip() == "null"
