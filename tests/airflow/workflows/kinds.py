"""Values of all kinds that go from one task to the next, and parameters of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from attrs import frozen

from pypedream import Parameter, Parameters, Pipeline, Secret, context


class Grade(Enum):
    """What a name is worth."""

    GOOD = "good"
    BAD = "bad"


@frozen
class Station:
    """A natural value of a workflow."""

    name: str
    since: date
    tags: tuple[str, ...] = ()


class Span(NamedTuple):
    """Named, and yet a tuple."""

    start: date
    days: int


values = Pipeline("values", Parameters.define(name="Mauna Loa", big=700_000))


@values.stage
def station(name):
    return Station(name, date(1958, 3, 29), ("co2", "daily"))


@values.stage
def span(station):
    return Span(station.since, len(station.tags))


@values.stage
def odd():
    return {
        1: "a key that is no text",
        "tuple": (1, (2, 3)),
        "set": {1, 2},
        "bytes": b"\x00\xff",
        "decimal": Decimal("1.10"),
        "moment": datetime(2026, 11, 21, 12, tzinfo=UTC),
        "grade": Grade.GOOD,
        "path": PurePosixPath("a/b"),
        "complex": 1 + 2j,
        "nothing": None,
        "infinite": float("inf"),
        "text": "a\u2028b \U0001f600",
    }


@values.stage
def nothing():
    return None


@values.stage
def large(big):
    return [float(number) for number in range(big)]


@values.stage
def all_of_them(station, span, odd, nothing, large):
    assert type(station) is Station
    assert type(span) is Span
    assert odd[1] == "a key that is no text"
    assert type(odd["tuple"]) is tuple
    return (station.name, span.days, sorted(map(str, odd)), nothing, len(large), large[-1])


parameters = Pipeline(
    "parameters",
    Parameters.define(
        day=date(2026, 11, 21),
        moment=datetime(2026, 11, 21, 12, tzinfo=UTC),
        method=Parameter(Literal["mean", "median"], "mean", help="how to average"),
        grade=Parameter(Grade, Grade.GOOD),
        rate=0.5,
        count=Parameter(int, 3, min=1, max=10),
        limit=Parameter(int | None, None),
        names=Parameter(list[str], ["a", "b"]),
        renames=Parameter(dict, {"old": "new"}),
        model={"depth": 3, "rate": 0.1},
        is_thorough=False,
        token=Secret("not-so-secret"),
    ),
)


@parameters.stage
def said(day, moment, method, grade, rate):
    given = [day, moment, method, grade, rate]
    return [(type(value).__name__, value) for value in given]


@parameters.stage
def more(count, limit, names, renames, is_thorough):
    given = [count, limit, names, renames, is_thorough]
    return [(type(value).__name__, value) for value in given]


@parameters.stage
def model_of(model):
    return dict(model)


@parameters.stage
def signed(token: Secret[str]):
    print("signing with", token.reveal())
    return len(token.reveal())


now = Pipeline("now", Parameters.define(n=1))


@now.stage
def when():
    run = context.RUN.get()
    return [run.id, run.attempt, str(run.logical_date), str(run.started_at)]


@now.stage
def same(when: Sequence[object]):
    run = context.RUN.get()
    return [run.id == when[0], str(run.started_at) == when[3]]


# What Airflow gets as JSON, as a run here is given it.
WHOLE = {"rate": 2.0, "model.depth": 9}
OTHERS = {
    "day": date(2026, 1, 2),
    "moment": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "method": "median",
    "grade": Grade.BAD,
    "count": 10,
    "limit": 7,
    "names": [],
    "renames": {},
    "is_thorough": True,
}
