from __future__ import annotations

from typing import Any

import pandera.pandas
import pandera.polars as pa
import polars as pl
import pytest

from pypedream.errors import DefinitionError
from pypedream.tabular.table_schema import table_schema


def test_a_schema_is_plain_data() -> None:
    """Columns have the dtypes of polars; what is said of the table is beside them."""
    schema = pa.DataFrameSchema(
        {
            "id": pa.Column(int, unique=True),
            "^y": pa.Column(float, regex=True, required=False, nullable=True),
            "z": pa.Column(default="x"),
        },
        strict="filter",
        ordered=True,
        unique="id",
    )

    found = table_schema(schema, "x")

    assert [str(each.dtype) for each in found.columns] == ["Int64", "Float64", "String"]
    assert [each.is_nullable for each in found.columns] == [False, True, False]
    assert [each.means("year") for each in found.columns] == [False, True, False]
    assert (found.extra, found.is_ordered) == ("drop", True)
    assert found.unique == ("id",)


def test_a_model_is_a_schema() -> None:
    """A class with annotations says the same."""

    class Schools(pa.DataFrameModel):
        id: int = pa.Field(unique=True, ge=0)
        opened: pl.Date = pa.Field(nullable=True)

        class Config:
            strict = True

    found = table_schema(Schools, "x")

    assert [(each.name, str(each.dtype)) for each in found.columns] == [
        ("id", "Int64"),
        ("opened", "Date"),
    ]
    assert found.extra == "refuse"
    assert len(found.columns[0].checks) == 1


@pytest.mark.parametrize(
    "schema, match",
    [
        (None, 'the file "x" has nothing as its schema: give a DataFrameSchema'),
        ({"id": int}, "has a dict as its schema"),
        (pandera.pandas.DataFrameSchema(), "has a schema for pandas as its schema"),
        (
            pa.DataFrameSchema(
                {"a": pa.Column(int, parsers=pandera.pandas.Parser(lambda data: data))}
            ),
            "has parsers",
        ),
        (pa.Column(str), "has a Column as its schema: give a DataFrameSchema"),
    ],
    ids=["nothing", "dict", "pandas", "parsers", "column"],
)
def test_what_is_no_schema_is_refused(schema: Any, match: str) -> None:
    """The error says which file it is and what to give."""
    with pytest.raises(DefinitionError, match=match):
        table_schema(schema, "x")
