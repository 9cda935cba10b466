"""StageParams: parameters of a stage as a pydantic model."""

from __future__ import annotations

import pickle
import time
from typing import Annotated, Any

import pytest

from pypedream import Parameters, Pipeline
from pypedream.errors import DefinitionError, ParameterError, PipelineConfigError
from pypedream.files import JSON, Dep, Out, spec_of
from pypedream.files.params import overrides_for, with_overrides

pydantic = pytest.importorskip("pydantic")
from pypedream.files import StageParams  # noqa: E402

_ = (JSON, Annotated, Dep, Out)  # named in annotations that are text


class Plots(StageParams):
    colours: list[str] = ["red"]  # noqa: RUF012 - pydantic copies it


class Params(StageParams):
    threshold: float = pydantic.Field(0.5, ge=0, le=1)
    exclude: list[str] = []  # noqa: RUF012 - pydantic copies it
    styling: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    percents: list[int] = [50, 80]  # noqa: RUF012 - pydantic copies it
    plots: Plots = Plots()


class Required(StageParams):
    threshold: float


def stage(params: Params, rows: Annotated[list, Dep("rows.json", JSON())]) -> None: ...


def only(params: Params) -> None: ...


def required(params: Required) -> None: ...


def with_default(params: Params = Params(threshold=0.2), *, x: int = 1) -> None:  # noqa: B008
    ...


def two(first: Params, second: Plots) -> None: ...


def test_the_seeds_registration():
    """The instance that is registered is the value; without one the defaults are."""
    assert spec_of(stage, params=Params(threshold=0.3)).params_value.threshold == 0.3
    assert spec_of(stage).params_value == Params()
    assert spec_of(stage).params == ("params", Params)


def test_the_default_of_the_argument():
    """It comes before the defaults of the class."""
    assert spec_of(with_default).params_value.threshold == 0.2
    assert spec_of(with_default, params=Params()).params_value.threshold == 0.5


def test_a_function_with_stage_params_only():
    """It has parameters of its own, so it has a spec."""
    spec = spec_of(only)

    assert (spec.deps, spec.outs, spec.params) == ({}, {}, ("params", Params))


def test_a_mapping_is_checked():
    """As the class checks it."""
    assert spec_of(only, params={"threshold": 0.1}).params_value.threshold == 0.1
    with pytest.raises(PipelineConfigError, match='has no field "thresold"; did you mean "thr'):
        spec_of(only, params={"thresold": 1})
    with pytest.raises(PipelineConfigError, match="Params: threshold 2 should be less than or"):
        spec_of(only, params={"threshold": 2})


def test_required_fields_are_asked_for():
    """With what to write."""
    with pytest.raises(PipelineConfigError) as caught:
        spec_of(required)

    assert (
        'argument "params": Required: threshold Field required: register(..., params=Required('
        in (str(caught.value))
    )


def test_one_argument_takes_the_parameters():
    """Two are told, unless the value says which."""
    with pytest.raises(PipelineConfigError, match="here are first and second"):
        spec_of(two)

    assert spec_of(two, params=Plots()).params == ("second", Plots)


def test_defaults_are_copied():
    """What one instance does to a list, a dict or a nested model reaches no other."""
    one, other = Params(), Params()

    one.exclude.append("a")
    one.styling["a"] = 1
    one.plots.colours.append("blue")

    assert (other.exclude, other.styling, other.plots.colours) == ([], {}, ["red"])


def test_instances_are_fixed_and_strict():
    """A field cannot be set later, and a name that is no field is refused."""
    params = Params()

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        params.threshold = 0.1
    with pytest.raises(pydantic.ValidationError, match="Extra inputs are not permitted"):
        Params(thresold=0.1)


def test_instances_can_be_sent():
    """They are pickled like any value."""
    params = Params(threshold=0.1, exclude=["a"])

    assert pickle.loads(pickle.dumps(params)) == params


def test_a_factory_for_a_mutable_default_is_refused():
    """Each field is told, with what to write in place of it."""
    with pytest.raises(DefinitionError) as caught:

        class Wrong(StageParams):
            exclude: list[str] = pydantic.Field(default_factory=list)
            styling: dict[str, Any] = pydantic.Field(default_factory=dict)
            percents: list[int] = pydantic.Field(default_factory=lambda: [50, 80])
            plots: Plots = pydantic.Field(default_factory=Plots)
            started: float = pydantic.Field(default_factory=time.time)

    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith(
        "Wrong.percents has a default_factory for a mutable default: write"
        ' "= [50, 80]", which is copied for each instance (tests/files/test_stage_params.py:'
    )


def test_a_path_in_params_is_a_warning():
    """Wherever it is nested."""
    (warning,) = spec_of(only, params=Params(styling={"sheet": "css/a.json"})).warnings

    assert warning.startswith(
        "stage \"only\": params.styling['sheet'] is a path, 'css/a.json': write it as Dep or Out"
    )


def test_a_file_overrides_them(tmp_path):
    """Field by field, also in nested models, checked by the model."""
    text = '{"stage": {"threshold": 0.4, "plots": {"colours": ["blue"]}}}'
    (tmp_path / "params.json").write_text(text, encoding="utf-8")
    given = Params(threshold=0.3, percents=[1])

    overrides = overrides_for(tmp_path, {"stage": given})["stage"]
    made = with_overrides(given, overrides, stage="stage", source="params.json")

    assert made == Params(threshold=0.4, percents=[1], plots=Plots(colours=["blue"]))
    with pytest.raises(ParameterError, match=r'^stage "stage": parameter "threshold": 2 is over'):
        with_overrides(given, {"threshold": 2}, stage="stage", source="params.json")


def test_they_can_be_the_parameters_of_a_pipeline():
    """As any other class of parameters."""
    flow = Pipeline("p", Params(threshold=0.3), progress=False)

    @flow.stage
    def doubled(threshold: float) -> float:
        return 2 * threshold

    assert flow.run()["doubled"] == 0.6
    assert flow.run(threshold=0.4)["doubled"] == 0.8
    assert Parameters.from_class(Params).definitions["threshold"].rules == "float, 0 to 1"
