"""Text, bytes and paths are as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pypedream.errors import FormatError
from pypedream.formats import Bytes, PathOnly, Pickle, Text

reuse = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@reuse
@given(value=st.text(st.characters(exclude_categories=["Cs"])))
@example(value="a\r\nb\rc\n\ufeff")
def test_text_gives_back_what_was_written(tmp_path: Path, value: str) -> None:
    """load(save(x)) == x letter by letter: ends of lines and marks, too."""
    Text().save(value, tmp_path / "x")

    assert Text().load(tmp_path / "x") == value


@reuse
@given(value=st.binary())
def test_bytes_give_back_what_was_written(tmp_path: Path, value: bytes) -> None:
    """load(save(x)) == x."""
    Bytes().save(value, tmp_path / "x")

    assert Bytes().load(tmp_path / "x") == value


@reuse
@given(
    value=st.recursive(
        st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_pickle_gives_back_what_was_written(tmp_path: Path, value: object) -> None:
    """load(save(x)) == x."""
    Pickle().save(value, tmp_path / "x")

    assert Pickle().load(tmp_path / "x") == value


def test_text_that_the_encoding_lacks_is_refused(tmp_path: Path) -> None:
    """A lone surrogate is no letter of UTF-8."""
    with pytest.raises(FormatError, match=r"cannot be written as Text: .*surrogates not allowed"):
        Text().save("\ud800", tmp_path / "x")

    assert list(tmp_path.iterdir()) == []


def test_text_takes_no_bytes(tmp_path: Path) -> None:
    """Text and bytes are not mixed up."""
    with pytest.raises(FormatError, match="Text is for str, not for bytes"):
        Text().save(b"x", tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(FormatError, match="Bytes is for bytes, not for str"):
        Bytes().save("x", tmp_path / "x")  # type: ignore[arg-type]


def test_a_function_that_cannot_be_pickled_is_one_clear_error(tmp_path: Path) -> None:
    """The message names the file; the cause is pickle's own error."""
    with pytest.raises(FormatError, match=r"x\.pkl cannot be written as Pickle") as error:
        Pickle().save(lambda: 1, tmp_path / "x.pkl")

    assert error.value.__cause__ is not None
    assert list(tmp_path.iterdir()) == []


def test_path_only_gives_the_path(tmp_path: Path) -> None:
    """The file is not read."""
    (tmp_path / "x").write_bytes(b"\xff")

    assert PathOnly().load(str(tmp_path / "x")) == tmp_path / "x"


def test_path_only_wants_that_there_is_something(tmp_path: Path) -> None:
    """A path where nothing is cannot be an input or an output."""
    with pytest.raises(FileNotFoundError):
        PathOnly().load(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        PathOnly().save(tmp_path / "x", tmp_path / "x")


def test_path_only_leaves_what_is_in_place(tmp_path: Path) -> None:
    """A stage that wrote the file itself returns its path."""
    (tmp_path / "x").write_text("made")

    PathOnly().save(tmp_path / "x", tmp_path / "x")

    assert (tmp_path / "x").read_text() == "made"


def test_path_only_copies_what_is_elsewhere(tmp_path: Path) -> None:
    """A file or folder that was made elsewhere is copied to the path."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "x").write_text("made")

    PathOnly().save(tmp_path / "made" / "x", tmp_path / "y")
    PathOnly().save(str(tmp_path / "made"), tmp_path / "copy")

    assert (tmp_path / "y").read_text() == "made"
    assert (tmp_path / "copy" / "x").read_text() == "made"
