"""Parameters of one stage: where they go, what they may be, and what a file sets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import attrs
import pytest

from pypedream.errors import ParameterError, PipelineConfigError
from pypedream.files import JSON, Dep, spec_of
from pypedream.files.params import overrides_for, with_overrides

_ = (JSON, Dep)  # named in annotations that are text


@attrs.frozen
class Model:
    depth: int = attrs.field(default=3, validator=attrs.validators.gt(0))
    sizes: list[int] = attrs.field(factory=list)


@attrs.frozen
class Params:
    threshold: float = 0.5
    model: Model = attrs.field(factory=Model)


@dataclass(frozen=True)
class Data:
    rate: float
    names: list[str] = field(default_factory=list)


def stage(params: Params, x: int = 1) -> int:
    return x


def told(data: Data, other: Params) -> None: ...


def unannotated(params, x) -> None: ...


def plain(x: int) -> None: ...


def test_an_instance_is_the_value():
    """Of an attrs class or a dataclass; the argument is found by its annotation."""
    given = Params(threshold=0.3)

    spec = spec_of(stage, params=given)

    assert spec.params == ("params", Params)
    assert spec.params_value is given
    assert spec_of(told, params=Data(0.1)).params == ("data", Data)
    assert spec_of(told, params=Params()).params == ("other", Params)


def test_an_argument_called_params_needs_no_annotation():
    """The class is that of the value."""
    assert spec_of(unannotated, params=Data(0.1)).params == ("params", Data)


def test_a_class_and_a_mapping_make_an_instance():
    """A class stands for its defaults, a mapping for some fields of the annotated class."""
    assert spec_of(stage, params=Params).params_value == Params()
    assert spec_of(partial(stage, x=2), params={"threshold": 0.1}).params_value == Params(0.1)


def test_an_attrs_class_alone_is_no_file_stage():
    """Such an argument may be a parameter of the pipeline, unless a value is given."""
    assert spec_of(stage) is None


@pytest.mark.parametrize(
    "function, params, message",
    [
        (
            plain,
            Params(),
            (
                "params=Params(threshold=0.5, model=Model(depth=3, sizes=[])) is given, and"
                " no argument takes it: add an argument such as params: Params"
            ),
        ),
        (stage, Data(0.1), 'argument "params": params is a Params, not Data(rate=0.1, names=[])'),
        (stage, 3, 'argument "params": params is a Params, not 3'),
        (unannotated, 3, 'argument "params": params is an instance of StageParams, not 3'),
        (told, Data, 'argument "data": Data: Data.__init__() missing 1 required positional'),
        (stage, {"thresold": 1}, 'Params has no field "thresold"; did you mean "threshold"?'),
        (
            partial(stage),
            {"model": 3, "modl": 4},
            'Params has no field "modl"; did you mean "model"?',
        ),
    ],
    ids=[
        "no argument",
        "other class",
        "number",
        "no class",
        "required",
        "unknown field",
        "known and unknown field",
    ],
)
def test_params_that_cannot_be(function, params, message):
    """Of another class, for no argument, or without what is required."""
    with pytest.raises(PipelineConfigError) as caught:
        spec_of(function, params=params)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "params, where",
    [
        ({"names": ["data/x.csv"], "rate": 1}, "data.names is a path, 'data/x.csv'"),
        ({"names": [Path("x")], "rate": 1}, "data.names is a path, Path('x')"),
        (
            {"names": {"a": "in\\x.parquet"}, "rate": 1},
            "data.names['a'] is a path, 'in\\\\x.parquet'",
        ),
    ],
    ids=["text", "Path", "Windows"],
)
def test_a_path_in_params_is_a_warning(params, where):
    """The content of a file counts only if it is a Dep or an Out."""
    (warning,) = spec_of(partial(told, other=None), params=Data(**params)).warnings

    assert warning.startswith(f'stage "told": {where}: write it as Dep or Out')
    assert re.search(r"\(.*test_params\.py:\d+\)$", warning)


@pytest.mark.parametrize(
    "text", ["x.csv", "a/b", "1/2.5", "https://example.org/x.csv", "mean absolute error", "a / b."]
)
def test_text_that_is_no_path_of_data(text):
    """A separator and the ending of data, both, make a path."""
    assert spec_of(told, params=Data(0.1, [text])).warnings == ()


def test_names_in_paths_are_fields_first(define):
    """A path takes a field of the stage's own parameters before a parameter of the pipeline."""
    function = define(
        "@dataclasses.dataclass(frozen=True)\nclass P:\n    kind: str = 'own'\n\n"
        "def f(params: P, x: Annotated[Any, Dep('{kind}/{name}.json', JSON())]): ..."
    )

    spec = spec_of(function, params=function.__globals__["P"]("mine"))

    assert spec.filled({"kind": "other", "name": "a"}).deps["x"].paths == "mine/a.json"


def written(root: Path, data: object, name: str = "params.json") -> None:
    (root / name).write_text(json.dumps(data), encoding="utf-8")


def test_a_file_overrides_parameters(tmp_path):
    """By stage; nested classes are set field by field, and the instance itself stays."""
    written(tmp_path, {"fit@v2": {"threshold": 0.4, "model": {"depth": 7}}, "load": {}})
    given = Params(0.3, Model(sizes=[1]))

    overrides = overrides_for(tmp_path, {"fit@v2": given, "load": Data, "other": None})
    made = with_overrides(given, overrides["fit@v2"], stage="fit@v2", source="params.json")

    assert list(overrides) == ["fit@v2"]
    assert made == Params(0.4, Model(7, [1]))
    assert given == Params(0.3, Model(sizes=[1]))


def test_without_a_file_nothing_is_overridden(tmp_path):
    """And without an entry the instance is the same object."""
    given = Params()

    assert overrides_for(tmp_path, {"fit": given}) == {}
    assert with_overrides(given, {}, stage="fit", source="params.json") is given


def test_yaml_and_toml(tmp_path):
    """The file may be YAML or TOML."""
    (tmp_path / "params.toml").write_text("[fit]\nthreshold = 0.4\n", encoding="utf-8")
    assert overrides_for(tmp_path, {"fit": Params}) == {"fit": {"threshold": 0.4}}

    pytest.importorskip("yaml")
    (tmp_path / "params.toml").unlink()
    (tmp_path / "params.yaml").write_text("fit:\n  threshold: 0.4\n", encoding="utf-8")
    assert overrides_for(tmp_path, {"fit": Params}) == {"fit": {"threshold": 0.4}}


def test_what_a_file_cannot_set_is_told_at_once(tmp_path):
    """Stages and fields that are not there, with the nearest name."""
    data = {"fti": {}, "fit": {"thresold": 1, "zzz": 2}, "load": {"x": 1}, "plot": 3}
    written(tmp_path, data)

    with pytest.raises(ParameterError) as caught:
        overrides_for(tmp_path, {"fit": Params(), "load": None, "plot": Data})

    assert str(caught.value).splitlines() == [
        'stage "fti" is not there; did you mean "fit"? (params.json)',
        'stage "fit": Params has no field "thresold"; did you mean "threshold"? (params.json)',
        'stage "fit": Params has no field "zzz"; there are threshold, model (params.json)',
        'stage "load" takes no params (params.json)',
        'stage "plot": fields with values are needed, not 3 (params.json)',
    ]


def test_values_that_a_class_refuses(tmp_path):
    """Type and nested validators, each with the stage and the file."""
    with pytest.raises(ParameterError) as caught:
        with_overrides(
            Params(),
            {"threshold": "x", "model": {"dpeth": 1}},
            stage="fit",
            source="params.json",
        )

    assert str(caught.value).splitlines() == [
        'stage "fit": parameter "threshold": \'x\' is not a float (params.json)',
        'stage "fit": no parameter "model.dpeth"; did you mean "model.depth"? (params.json)',
    ]
    with pytest.raises(ParameterError, match=r'^stage "fit": parameter "model.depth": must be > 0'):
        with_overrides(Params(), {"model": {"depth": 0}}, stage="fit", source="params.json")


def test_two_files_of_parameters(tmp_path):
    """Which one counts is not guessed."""
    written(tmp_path, {})
    written(tmp_path, {}, "params.yaml")

    with pytest.raises(ParameterError, match=r"^params\.yaml and params\.json are both in "):
        overrides_for(tmp_path, {})


def test_a_file_that_cannot_be_read(tmp_path):
    """File and line are told."""
    (tmp_path / "params.json").write_text('{\n  "fit": oops\n}', encoding="utf-8")

    with pytest.raises(ParameterError, match=r"params\.json:2: "):
        overrides_for(tmp_path, {"fit": Params})
