"""Tokens: whatever a definition says is in its token, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pytest
from attrs import evolve, fields, frozen

from pypedream import Parameters, Pipeline, Variables
from pypedream.engine.table import StageTable
from pypedream.engine.tokens import Loaders, Untold, token_of
from pypedream.files import Dep, Out
from pypedream.files.spec import FileDep, FileOut, FileSpec
from pypedream.files.stage_files import StageFiles
from pypedream.formats import JSON, Reader
from pypedream.over import over_of
from pypedream.stage import Policy, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def copied(
    rows: Annotated[list[int], Dep("in.json", JSON())], limit: int = 3
) -> Annotated[list[int], Out("out.json", JSON())]:
    return rows[:limit]


def token(stage: Stage, **about: Any) -> str:
    table = StageTable("flow")
    table.add("copied", stage)
    usual = {"parameters": Parameters.define(), "variables": Variables.define(), "options": {}}
    return token_of("flow", table, **{**usual, **about})


def stage_of(function: Callable[..., Any] = copied, **policy: Any) -> Stage:
    flow = Pipeline("flow")
    flow.register(function, **policy)
    return next(iter(flow._table.stages.values()))


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, dict):
        return {}
    if isinstance(value, Reader):
        return JSON(indent=7)
    if isinstance(value, tuple):
        return ("other.json",)
    return "other.json"


def with_files(files: StageFiles) -> Stage:
    return stage_of().with_files(files)


FILES = stage_of().files
assert FILES is not None
DEP, OUT = FILES.spec.deps["rows"], FILES.spec.outs["return"]


def with_spec(**changed: Any) -> Stage:
    assert FILES is not None
    return with_files(evolve(FILES, spec=evolve(FILES.spec, **changed)))


SPEC = {each.name: other(getattr(FILES.spec, each.name)) for each in fields(FileSpec)}
SPEC |= {"params": ("limit", int), "params_value": 3}


@pytest.mark.parametrize("name", [each.name for each in fields(FileDep)])
def test_all_that_is_said_of_a_file_to_read(name: str) -> None:
    """Its path, its loader, and whether it goes on from the last run."""
    changed = evolve(DEP, **{name: other(getattr(DEP, name))})

    assert token(with_spec(deps={"rows": changed})) != token(stage_of())


@pytest.mark.parametrize("name", [each.name for each in fields(FileOut)])
def test_all_that_is_said_of_a_file_to_write(name: str) -> None:
    """Its path, its loader, its kind, and what a plot says of itself."""
    changed = evolve(OUT, **{name: other(getattr(OUT, name))})

    assert token(with_spec(outs={"return": changed})) != token(stage_of())


@pytest.mark.parametrize("name", [*SPEC.keys() - {"params_value"}])
def test_all_that_is_said_of_the_files_of_a_stage(name: str) -> None:
    """A field that is new counts, too, or this fails."""
    value = {"params_value": 3} if name == "params" else {}

    assert token(with_spec(**{name: SPEC[name]}, **value)) != token(stage_of())


def test_the_values_of_the_parameters_of_a_stage() -> None:
    """With their class."""
    one, two = (with_spec(params=("limit", int), params_value=each) for each in (3, 4))

    assert token(one) != token(two)


def test_the_project_and_the_pipeline_of_a_stage() -> None:
    """The same paths of another project are other files, and a lock names its pipeline."""
    assert FILES is not None
    assert {each.name for each in fields(StageFiles)} == {"spec", "root", "pipeline"}
    assert token(with_files(evolve(FILES, root="/elsewhere"))) != token(stage_of())
    assert token(with_files(evolve(FILES, pipeline="other"))) != token(stage_of())


POLICY: Mapping[str, Any] = {
    "retry_on": ValueError,
    "after": ("first",),
    "when": "flag",
    "tags": ("slow",),
    "cache": "force",
    "depends_on": (other,),
    "env": ("HOME",),
    "over": over_of("rows"),
    "item_key": other,
    "uses": ("gpu:0",),
}


@pytest.mark.parametrize("name", [each.name for each in fields(Policy)])
def test_all_that_is_said_of_how_a_stage_is_called(name: str) -> None:
    """Also what nothing depends on: a plan might refuse it."""
    usual = Policy()
    value = POLICY.get(name, other(getattr(usual, name)))

    assert token(stage_of().with_policy(evolve(usual, **{name: value}))) != token(stage_of())


@frozen
class Config:
    rate: float = 0.5


ABOUT: Mapping[str, Mapping[str, Any]] = {
    "a parameter": {"parameters": Parameters.define(rate=0.5)},
    "its value": {"parameters": Parameters.define(rate=0.6)},
    "its class": {"parameters": Parameters.from_class(Config)},
    "a value that was set": {
        "parameters": Parameters.define(rate=0.5).with_values({"rate": 0.7}, source="a test")
    },
    "a variable": {"variables": Variables.define(count=0)},
    "an option": {"options": {"workers": 2}},
}


def test_all_that_is_said_of_a_pipeline() -> None:
    """Its parameters, variables and options."""
    tokens = {token(stage_of(), **about) for about in ABOUT.values()}

    assert len(tokens | {token(stage_of())}) == len(ABOUT) + 1


def test_environment_variables_of_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """By any name that a parameter has for itself."""
    from pypedream import Parameter

    parameters = Parameters.define(rate=Parameter(float, 0.5, env="TOKEN_RATE"))
    before = token(stage_of(), parameters=parameters)
    monkeypatch.setenv("TOKEN_RATE", "0.9")

    assert token(stage_of(), parameters=parameters) != before


def with_default(rows: Annotated[list[int], Dep("in.json", JSON())], limit: int = 4) -> Any:
    return rows[:limit]


def with_another_type(rows: Annotated[list[int], Dep("in.json", JSON())], limit: str = 4) -> Any:
    return rows[:limit]


def test_defaults_and_types_of_arguments() -> None:
    """A plan compares types with those of other stages."""
    first = stage_of(with_default)
    with_another_type.__code__ = with_default.__code__
    second = stage_of(with_another_type, name="with_default")

    assert token(first) != token(second)
    with_another_type.__annotations__["limit"] = with_default.__annotations__["limit"]
    assert token(first) == token(stage_of(with_another_type, name="with_default"))


def test_a_definition_has_the_same_token_again() -> None:
    """Of equal stages, made anew."""
    assert token(stage_of()) == token(stage_of())


def test_what_a_text_of_the_code_names() -> None:
    """It is looked up where the function is called, so it is part of the definition."""

    def made(limit: int) -> Callable[..., Any]:
        space: dict[str, Any] = {"LIMIT": limit, "__name__": "theirs"}
        exec("def few(rows):\n    return rows.query('x > @LIMIT')", space)
        return space["few"]  # type: ignore[no-any-return]

    def told(limit: int) -> str:
        flow = Pipeline("flow")
        flow.stage(made(limit), name="few")
        return token(next(iter(flow._table.stages.values())))

    assert told(1) == told(1) != told(2)


def test_options_of_a_loader_that_were_changed() -> None:
    """A loader of the user's is looked at each time; what is known of ours cannot change."""

    class Mine(Reader[str]):
        def __init__(self) -> None:
            self.sep = ","

        def load(self, path: Path) -> str:
            return path.read_text().replace(self.sep, "")

    mine, known = Mine(), Loaders()
    stage = with_spec(deps={"rows": evolve(DEP, loader=mine)})

    before = token(stage, loaders=known)
    assert token(stage, loaders=known) == token(stage) == before
    mine.sep = ";"
    assert token(stage, loaders=known) == token(stage) != before


def test_what_cannot_be_told() -> None:
    """An object that says nothing of itself is named."""
    with pytest.raises(Untold, match="option sinks"):
        token(stage_of(), options={"sinks": (print,)})
