"""JSON and JSON Lines give back what was written, or refuse to write it."""

from __future__ import annotations

import json
from array import array
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pypedream.errors import FormatError
from pypedream.formats import JSON, JSONL
from pypedream.formats.json_files import is_exact

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.none() | st.booleans() | st.integers() | TEXT
FINITE = PLAIN | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(FINITE, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))
ANYTHING = st.recursive(
    PLAIN | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner)
        | st.tuples(inner, inner)
    ),
)
reuse = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down; 0.0 is not -0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right)


@reuse
@given(value=VALUES)
@example(value=-0.0)
@example(value={"a\u2028b": "\x00\x7f\x85"})
@example(value=10**300)
def test_json_gives_back_what_was_written(tmp_path: Path, value: Any) -> None:
    """load(save(x)) is x for all that JSON has, types included."""
    JSON().save(value, tmp_path / "x.json")

    assert same(JSON().load(tmp_path / "x.json"), value)


@reuse
@given(values=st.lists(VALUES))
@example(values=["a\u2028b\x85c\rd"])
def test_jsonl_gives_back_what_was_written(tmp_path: Path, values: list[Any]) -> None:
    """load(save(x)) is x, one document a line whatever letters are in it."""
    JSONL().save(values, tmp_path / "x.jsonl")

    assert same(JSONL().load(tmp_path / "x.jsonl"), values)
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == len(values)


@given(value=ANYTHING)
def test_what_is_called_exact_comes_back(value: Any) -> None:
    """is_exact never says yes to what Python's json would change."""
    if is_exact(value):
        assert same(json.loads(json.dumps(value)), value)


@given(value=VALUES)
def test_what_json_has_is_exact(value: Any) -> None:
    """is_exact does not say no without need."""
    assert is_exact(value)


ARRAYS = {
    "number": lambda np: (np.int64(3), ".tolist()"),
    "numbers": lambda np: (np.ones(2), ".tolist()"),
    "texts": lambda np: (np.array(["a", "b"]), ".tolist()"),
    "objects": lambda np: (np.array(["a", None]), ".tolist()"),
    "other objects": lambda np: (np.array([{1}, None]), ""),
    "moment": lambda np: (np.datetime64("2026-11-30"), ".astype(str).tolist()"),
    "moments": lambda np: (np.ones(2, "M8[ns]"), ".astype(str).tolist()"),
    "durations": lambda np: (np.ones(2, "m8[s]"), ".astype(str).tolist()"),
    "complex": lambda np: (np.ones(2, complex), ".real.tolist() and .imag.tolist()"),
    "one complex": lambda np: (1j, ".real and .imag"),
    "bytes": lambda np: (np.array([b"a"]), ""),
    "day": lambda np: (date(2026, 11, 30), ".isoformat()"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_what_json_lacks_is_told_with_what_of_it_can_be_written(name: str) -> None:
    """And that it can: a hint that does not help is none."""
    value, way = ARRAYS[name](pytest.importorskip("numpy"))

    with pytest.raises(FormatError) as caught:
        JSON().dumps([value])

    hint = f": its {way} can be written" if way else ""
    assert str(caught.value).endswith(f"which JSON lacks{hint}")
    for part in way.split(" and ") if way else ():
        assert JSON().dumps(eval(f"value{part}"))


@pytest.mark.parametrize(
    "value,text",
    [
        ({"loss": [1.0, float("nan")]}, r"\['loss'\]\[1\] is nan, which is no .*allow_nan=True"),
        (float("inf"), "the value is inf"),
        ({"a": {1: "x"}}, r"\['a'\] has the key 1: JSON has only text as keys"),
        ({None: 1}, "the value has the key None"),
        ({"x": "\ud800"}, r"\['x'\] is text that UTF-8 cannot hold"),
        ({"\ud800": 1}, "a key of the value is text that UTF-8 cannot hold"),
        ([{1, 2}], r"\[0\] is of type set, which JSON lacks"),
        ([array("i")], r"\[0\] is of type array\.array, which JSON lacks: its \.tolist\(\) can be"),
        ([Path()], r"\[0\] is of type pathlib\.[\w.]+, which JSON lacks"),
    ],
    ids=[
        "nan",
        "infinity",
        "number as key",
        "None as key",
        "surrogate",
        "bad key",
        "set",
        "array",
        "path",
    ],
)
def test_what_json_cannot_hold_is_refused(tmp_path: Path, value: Any, text: str) -> None:
    """The message names file and place; the old file stays."""
    path = tmp_path / "x.json"
    path.write_text("old")

    with pytest.raises(FormatError, match=rf"x\.json cannot be written as JSON: .*{text}") as error:
        JSON().save(value, path)

    assert error.value.path == str(path)
    assert error.value.format == "JSON"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_value_that_contains_itself_is_refused(tmp_path: Path) -> None:
    """A circle has no end in JSON."""
    value: list[Any] = [1]
    value.append(value)

    with pytest.raises(FormatError, match=r"\[1\] contains itself"):
        JSON().save(value, tmp_path / "x.json")


def test_nan_is_written_when_it_is_allowed(tmp_path: Path) -> None:
    """Who asks for it gets NaN and infinity in both directions."""
    loose = JSON(allow_nan=True)
    loose.save([float("inf"), -0.5], tmp_path / "x.json")

    assert loose.load(tmp_path / "x.json") == [float("inf"), -0.5]
    with pytest.raises(FormatError, match=r"Infinity is no JSON; JSON\(allow_nan=True\) reads it"):
        JSON().load(tmp_path / "x.json")


def test_a_tuple_is_written_as_a_list(tmp_path: Path) -> None:
    """A tuple has no other form in JSON and loses nothing but its type."""
    JSON().save({"shape": (2, 3)}, tmp_path / "x.json")

    assert JSON().load(tmp_path / "x.json") == {"shape": [2, 3]}


def test_damage_names_the_line(tmp_path: Path) -> None:
    """What is no JSON is said with path, line and column."""
    (tmp_path / "x.json").write_text('{\n "a": 1,\n "b" 2\n}')

    with pytest.raises(FormatError, match=r"x\.json:3 is not JSON: .*column 6") as error:
        JSON().load(tmp_path / "x.json")

    assert error.value.line == 3
    assert isinstance(error.value.__cause__, json.JSONDecodeError)


def test_jsonl_names_the_line(tmp_path: Path) -> None:
    """One bad line among many is found by its number."""
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n\n{"a": \n')

    with pytest.raises(FormatError, match=r"x\.jsonl:3 is not JSONL: Expecting value") as error:
        JSONL().load(tmp_path / "x.jsonl")

    assert error.value.line == 3


def test_jsonl_names_the_record_that_it_refuses(tmp_path: Path) -> None:
    """Which record cannot be written is said by its place."""
    with pytest.raises(FormatError, match=r"\[1\]\['b'\] is nan"):
        JSONL().save([{"a": 1}, {"b": float("nan")}], tmp_path / "x.jsonl")


@pytest.mark.parametrize("value", [{"a": 1}, "text"], ids=["dict", "text"])
def test_jsonl_wants_a_list(tmp_path: Path, value: Any) -> None:
    """A dict or a text is one record, not many."""
    with pytest.raises(FormatError, match="JSONL is for a list of records, not for a"):
        JSONL().save(value, tmp_path / "x.jsonl")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """Files that an editor on Windows wrote are read."""
    (tmp_path / "x.json").write_bytes(b"\xef\xbb\xbf[1]")

    assert JSON().load(tmp_path / "x.json") == [1]


def test_very_deep_json_is_one_clear_error(tmp_path: Path) -> None:
    """A file that is made to break readers is an error like any damage."""
    (tmp_path / "x.json").write_text("[" * 200_000)

    with pytest.raises(FormatError, match="is not JSON"):
        JSON().load(tmp_path / "x.json")


@pytest.mark.parametrize(
    "value", [list(range(20_000)), "x" * 2_000_000], ids=["members", "letters"]
)
def test_large_values_are_not_called_exact(value: Any) -> None:
    """Finding out costs no more than reading some thousand members."""
    assert not is_exact(value)
