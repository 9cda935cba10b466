"""Frames of polars are written and read without any other library."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError
from pypedream.formats import CSV, Feather, Parquet, get, pick_serializer

polars = pytest.importorskip("polars")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from polars.testing import assert_frame_equal, assert_series_equal  # noqa: E402
from polars.testing.parametric import dataframes, series  # noqa: E402

# version 1 compares neither of these two with what was read from a file
IS_OLD = polars.__version__.startswith("1.")
EXCLUDED = [polars.Categorical, polars.Decimal] if IS_OLD else []
reuse = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@reuse
@given(frame=dataframes(max_cols=4, max_size=5, excluded_dtypes=EXCLUDED))
def test_a_frame_comes_back_as_it_was(tmp_path: Path, frame: Any) -> None:
    """What pick_serializer chooses for a frame keeps values, dtypes and names."""
    name = pick_serializer(frame)
    get(name).dump(frame, tmp_path / "x")

    assert name == "arrow"
    assert_frame_equal(get(name).load(tmp_path / "x"), frame, check_exact=True)


def test_a_frame_is_written_to_an_open_file(tmp_path: Path) -> None:
    """It is what a path would get."""
    frame = polars.DataFrame({"a": [1, None], "b": ["x", "ü"]})
    file = BytesIO()
    Feather(library="polars").dump_to(frame, file)
    (tmp_path / "x").write_bytes(file.getvalue())

    assert_frame_equal(get("arrow").load(tmp_path / "x"), frame, check_exact=True)
    with pytest.raises(FormatError, match=r"^the value cannot be written.*call \.collect"):
        Feather().dump_to(frame.lazy(), BytesIO())


@reuse
@given(one=series(max_size=5, excluded_dtypes=EXCLUDED))
def test_a_series_comes_back_as_it_was(tmp_path: Path, one: Any) -> None:
    """A series stays a series."""
    name = pick_serializer(one)
    get(name).dump(one, tmp_path / "x")

    assert name == "polars.series"
    assert_series_equal(get(name).load(tmp_path / "x"), one, check_exact=True)


def test_categories_and_decimals_come_back(tmp_path: Path) -> None:
    """These keep their dtype and values in every version."""
    frame = polars.DataFrame(
        {"a": ["x", None, "y"], "b": ["1.50", None, "-2.25"]},
        schema_overrides={"a": polars.Categorical},
    ).with_columns(polars.col("b").cast(polars.Decimal(10, 2)))
    Feather().save(frame, tmp_path / "x")

    back = Feather(library="polars").load(tmp_path / "x")
    assert back.schema == frame.schema
    assert back.rows() == frame.rows()


def test_objects_are_picked_a_pickle() -> None:
    """Columns of Python objects cannot be written by polars."""
    frame = polars.DataFrame({"a": polars.Series([object()], dtype=polars.Object)})

    assert pick_serializer(frame) == "pickle"


@pytest.mark.parametrize(
    "loader",
    [Parquet(library="polars"), Feather(library="polars"), CSV(sep=";", library="polars")],
    ids=lambda loader: type(loader).__name__,
)
def test_polars_is_a_choice_of_each_format(tmp_path: Path, loader: Any) -> None:
    """library="polars" makes frames of polars when a file is loaded."""
    frame = polars.DataFrame({"a": [1, 2], "b": ["x;y", 'say "hi"\n']})
    loader.save(frame, tmp_path / "x")

    assert_frame_equal(loader.load(tmp_path / "x"), frame)


def test_a_lazy_frame_is_not_computed_without_being_told(tmp_path: Path) -> None:
    """What holds no values yet is refused, with the fix."""
    with pytest.raises(FormatError, match=r"holds no values yet: call \.collect\(\)"):
        Parquet().save(polars.LazyFrame({"a": [1]}), tmp_path / "x")


def test_pandas_and_polars_read_each_others_files(tmp_path: Path) -> None:
    """The library is a matter of who loads."""
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    Feather().save(polars.DataFrame({"a": [1, 2]}), tmp_path / "x")

    assert Feather().load(tmp_path / "x")["a"].tolist() == [1, 2]


def test_options_that_polars_lacks_are_refused(tmp_path: Path) -> None:
    """An option is never ignored."""
    frame = polars.DataFrame({"a": [1]})

    with pytest.raises(FormatError, match="polars has no index_col, decimal and encoding"):
        CSV(index_col="a").save(frame, tmp_path / "x")
