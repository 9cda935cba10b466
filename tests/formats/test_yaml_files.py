"""YAML is read and written safely."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pypedream.errors import FormatError
from pypedream.formats import YAML

pytest.importorskip("yaml")

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | st.dates()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
@example(value=["no", "1e3", "2020-01-01", "~", "", "a\u2028\x85\x00"])
@example(value=datetime.date(2020, 1, 1))
def test_yaml_gives_back_what_was_written(tmp_path: Path, value: Any) -> None:
    """load(save(x)) == x, and in the order of x."""
    YAML().save(value, tmp_path / "x.yaml")

    back = YAML().load(tmp_path / "x.yaml")
    assert back == value
    assert repr(back) == repr(value)


def test_yaml_runs_no_code(tmp_path: Path) -> None:
    """A tag that makes Python objects is an error."""
    (tmp_path / "x.yaml").write_text("a: 1\nb: !!python/object/apply:os.system ['touch pwned']\n")

    with pytest.raises(FormatError, match=r"x\.yaml:2 is not YAML: could not determine a construc"):
        YAML().load(tmp_path / "x.yaml")


def test_yaml_writes_no_objects(tmp_path: Path) -> None:
    """What the safe part of YAML lacks is refused."""
    with pytest.raises(FormatError, match=r"x\.yaml cannot be written as YAML: .*cannot repr"):
        YAML().save({"x": object()}, tmp_path / "x.yaml")

    assert list(tmp_path.iterdir()) == []


def test_damage_names_the_line(tmp_path: Path) -> None:
    """What is no YAML is said with path and line."""
    (tmp_path / "x.yaml").write_text("a: 1\nb: [1, 2\nc: 3\n")

    with pytest.raises(FormatError, match=r"x\.yaml:3 is not YAML") as error:
        YAML().load(tmp_path / "x.yaml")

    assert error.value.line == 3
