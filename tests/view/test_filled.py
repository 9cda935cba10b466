from __future__ import annotations

import builtins
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, validators

from pypedream import Pipeline
from pypedream.parameters import Parameter, Parameters, Secret
from pypedream.view.fields import fields_of
from pypedream.view.filled import Filled, code_of, filled


class Colour(Enum):
    RED = 1
    BLUE = 2


@define
class Model:
    depth: int = field(default=3, validator=validators.lt(20))
    leaves: int = 8

    def __attrs_post_init__(self) -> None:
        if self.leaves > 2**self.depth:
            raise ValueError("more leaves than there is room for")


@define
class Settings:
    model: Model
    rate: float = 0.1


def fill(parameters: Parameters, **entered: Any) -> Filled:
    names = {name.replace("__", "."): answer for name, answer in entered.items()}
    return filled(parameters, fields_of(parameters), names)


def test_every_mistake_is_found_at_once():
    """Each field has the parameter's own words, and what fits is taken nevertheless."""
    parameters = Parameters.define(
        "source", rate=Parameter(float, 0.1, max=1), years=[1990], depth=3
    )

    now = fill(parameters, rate="2.0", years="1990, x", depth="5")

    assert now.mistakes == {
        "rate": "2.0 is over the maximum 1",
        "years": "'1990, x' does not fit: 'x' is not an int, like its default [1990]",
    }
    assert now.missing == ("source",)
    assert now.parameters.depth == 5
    assert not now.is_ready
    assert now.trouble.splitlines() == [
        'parameter "rate": 2.0 is over the maximum 1',
        "parameter \"years\": '1990, x' does not fit: 'x' is not an int, like its default [1990]",
        'parameter "source" is to be filled in',
    ]


def test_what_is_filled_in_is_set_by_the_form():
    """The parameters know who set them, and what was left keeps who did."""
    parameters = Parameters.define("source", rate=0.1, depth=3).with_values(
        {"depth": 4}, source="environment"
    )

    now = fill(parameters, source="a.csv", rate="0.1")

    assert now.is_ready
    assert [now.parameters.source(name) for name in ("source", "rate", "depth")] == [
        "form",
        "default",
        "environment",
    ]


def test_an_emptied_field_is_missing():
    """Also where the parameter had a value before."""
    parameters = Parameters.define(day=Parameter(date)).with_values(
        {"day": date(2026, 1, 31)}, source="run(...)"
    )

    now = fill(parameters, day=None)

    assert now.missing == ("day",)
    assert not now.is_ready


def test_what_a_class_says_of_a_field_is_shown_there():
    """Its validator is known only when the whole is made."""
    now = fill(Parameters.from_class(Settings), model__depth="30")

    assert now.mistakes == {"model.depth": "must be < 20: 30"}
    assert now.refused == ()


def test_what_a_class_says_of_the_whole_is_said_once():
    """It belongs to no field, and a run cannot begin."""
    now = fill(Parameters.from_class(Settings), model__depth="1")

    assert now.mistakes == {}
    assert now.refused == ('parameter "model": more leaves than there is room for',)
    assert not now.is_ready


PARAMETERS = Parameters.define(
    "source",
    "any",
    {"model.depth": 3},
    rate=0.1,
    colour=Parameter(Colour, Colour.RED),
    colours=Parameter(list[Colour], [Colour.RED]),
    day=date(2026, 1, 31),
    path=Path("a"),
    executor="mine",
    limit=Parameter(int | None, None),
    token=Secret("hunter2"),
)
ENTERED = {
    "source": 'say "hi"\n',
    "any": "[1, 2]",
    "model.depth": "5",
    "rate": "0.25",
    "colour": 1,
    "colours": "RED\nBLUE",
    "day": date(2026, 2, 1),
    "path": "b/c",
    "executor": "other",
    "limit": "12",
    "token": "swordfish",
}


def test_the_code_does_what_the_form_does(monkeypatch):
    """Executed as it stands, it sets the same values; a secret is not in it."""
    now = filled(PARAMETERS, fields_of(PARAMETERS), ENTERED)
    code = code_of(now.parameters, {"workers": 2})
    flow = Pipeline("coded", PARAMETERS, {"all": lambda rate: rate})
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda name: asked.append(name) or "swordfish")

    scope: dict[str, Any] = {"flow": flow}
    exec(compile(code, "cell", "exec"), {"__builtins__": builtins}, scope)

    assert flow.last_run is not None
    assert flow.last_run.parameters == now.parameters
    assert flow.last_run.plan.options.workers == 2
    assert asked == ["token"]
    assert "swordfish" not in code


@pytest.mark.parametrize(
    "entered, code",
    [
        ({}, "flow.run()"),
        ({"rate": "0.2"}, "flow.run(rate=0.2)"),
        ({"model.depth": "5"}, 'flow.run({"model.depth": 5})'),
    ],
)
def test_the_code_has_what_was_set_and_nothing_else(entered, code):
    """Short enough to be read, as most values are left as they are."""
    parameters = Parameters.define({"model.depth": 3}, rate=0.1)
    now = filled(parameters, fields_of(parameters), entered)

    assert code_of(now.parameters, {}) == code


def test_the_whole_code_has_all_that_can_be_written():
    """To be changed by hand: what must be filled in has dots, secrets and functions stay away."""
    parameters = Parameters.define("source", rate=0.1, loss=len, token=Secret("hunter2"))

    code = code_of(parameters, {"executor": "threads"}, "mine", is_whole=True)

    assert code == 'mine.run(source=..., rate=0.1, executor="threads")'
