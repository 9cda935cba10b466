from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pypedream.errors import MissingExtra, ParameterError
from pypedream.parameters import Parameter, Parameters, Secret

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Model:
    depth: int = 3
    day: date = date(2026, 1, 1)


@pytest.fixture
def parameters() -> Parameters:
    return Parameters.define(
        last_year=1990,
        model=Parameter(Model),
        token=Parameter(Secret, None, env="API_TOKEN"),
        sizes=(1, 2),
    )


def test_environment_sets_by_prefix(parameters: Parameters) -> None:
    """A variable with the prefix sets the name that follows, in any case, __ for a dot."""
    environ = {"PYPEDREAM_PARAM_LAST_YEAR": "2000", "pypedream_param_Model__Depth": "5", "X": "1"}

    changed = parameters.with_environment(environ)

    assert (changed.last_year, changed.model.depth) == (2000, 5)
    assert changed.source("last_year") == "environment PYPEDREAM_PARAM_LAST_YEAR"
    assert changed.source("model.depth") == "environment pypedream_param_Model__Depth"


def test_environment_sets_by_own_variable(parameters: Parameters) -> None:
    """A variable that a parameter names sets it; the one with the prefix wins."""
    own = {"API_TOKEN": "a"}

    assert parameters.with_environment(own).token == Secret("a")
    assert parameters.with_environment(own).source("token") == "environment API_TOKEN"
    both = {"PYPEDREAM_PARAM_TOKEN": "b", **own}
    assert parameters.with_environment(both).token == Secret("b")


def test_environment_of_the_process(
    parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an argument it is the environment of the process."""
    monkeypatch.setenv("PYPEDREAM_PARAM_LAST_YEAR", "2000")

    assert parameters.with_environment().last_year == 2000


def test_environment_with_mistakes(parameters: Parameters) -> None:
    """Unknown names and wrong texts in the environment are listed together."""
    environ = {"PYPEDREAM_PARAM_LST_YEAR": "2000", "PYPEDREAM_PARAM_MODEL__DEPTH": "deep"}

    with pytest.raises(ParameterError) as caught:
        parameters.with_environment(environ)

    unknown, wrong = str(caught.value).splitlines()
    assert unknown.startswith('no parameter "lst_year"; did you mean "last_year"?')
    assert unknown.endswith("(environment PYPEDREAM_PARAM_LST_YEAR)")
    assert wrong.startswith("parameter \"model.depth\": 'deep' is not an int")
    assert wrong.endswith("(environment PYPEDREAM_PARAM_MODEL__DEPTH)")


FILES = {
    "toml": 'last_year = 2000\nsizes = [3]\n[model]\ndepth = 5\nday = "2026-01-31"\n',
    "json": '{"last_year": 2000, "sizes": [3], "model": {"depth": 5, "day": "2026-01-31"}}',
    "yaml": "last_year: 2000\nsizes: [3]\nmodel: {depth: 5, day: 2026-01-31}\n",
}


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml", "yml", "TOML"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_file_sets_values(
    parameters: Parameters, tmp_path: Path, suffix: str, encoding: str
) -> None:
    """A file sets values, nested ones too, and is named as their source."""
    if suffix.startswith("y"):
        pytest.importorskip("yaml")
    path = tmp_path / f"params.{suffix}"
    text = FILES["yaml" if suffix == "yml" else suffix.lower()]
    path.write_text(text, encoding=encoding, newline="\r\n")

    changed = parameters.with_file(path)

    assert changed.last_year == 2000
    assert changed.model == Model(5, date(2026, 1, 31))
    assert changed.sizes == (3,)
    assert changed.source("model.depth") == str(path)


def test_file_with_mistakes(parameters: Parameters, tmp_path: Path) -> None:
    """Mistakes in a file are listed together, each with the file."""
    path = tmp_path / "params.toml"
    path.write_text('lst_year = 2000\nmodel.depth = "deep"\n', encoding="utf-8")

    with pytest.raises(ParameterError) as caught:
        parameters.with_file(path)

    assert str(caught.value).splitlines() == [
        f'no parameter "lst_year"; did you mean "last_year"? ({path})',
        f"parameter \"model.depth\": 'deep' is not an int ({path})",
    ]


@pytest.mark.parametrize(
    "name, text, reason",
    [
        ("params.toml", "a = 1\nb = \n", r"params\.toml:2: "),
        ("params.json", '{"a": 1,\n "b" 2}', r"params\.json:2: Expecting ':' delimiter"),
        ("params.yaml", "a: 1\nb: [1\nc: 2\n", r"params\.yaml:3: "),
        ("params.json", "[1, 2]", r"params\.json: holds no names with values"),
        ("params.ini", "a = 1", r"params\.ini: parameters are read from \.toml, \.json, \.yaml"),
    ],
    ids=["toml", "json", "yaml", "no mapping", "suffix"],
)
def test_file_that_cannot_be_read(
    parameters: Parameters, tmp_path: Path, name: str, text: str, reason: str
) -> None:
    """A file that cannot be parsed is named with the line where the parser stopped."""
    if name.endswith(".yaml"):
        pytest.importorskip("yaml")
    (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(ParameterError, match=reason):
        parameters.with_file(tmp_path / name)


def test_file_that_is_not_there(parameters: Parameters, tmp_path: Path) -> None:
    """A file that is not there is a mistake of the user, with its path."""
    with pytest.raises(ParameterError, match=r"nope\.toml: cannot be read: No such file"):
        parameters.with_file(tmp_path / "nope.toml")


def test_file_in_another_encoding(parameters: Parameters, tmp_path: Path) -> None:
    """A file that is not UTF-8 says so."""
    path = tmp_path / "params.toml"
    path.write_bytes("name = 'Zürich'".encode("latin-1"))

    with pytest.raises(ParameterError, match="is not UTF-8 text"):
        parameters.with_file(path)


def test_empty_yaml_sets_nothing(parameters: Parameters, tmp_path: Path) -> None:
    """An empty YAML file sets nothing."""
    pytest.importorskip("yaml")
    path = tmp_path / "params.yaml"
    path.write_text("# nothing yet\n", encoding="utf-8")

    assert parameters.with_file(path) is parameters


def test_yaml_without_its_package(
    parameters: Parameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyYAML the message says how to install it."""
    path = tmp_path / "params.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(MissingExtra, match=r'params\.yaml needs pyyaml: pip install "pypedream\['):
        parameters.with_file(path)
