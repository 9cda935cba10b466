"""A schema of pandera as plain data: what each column and the whole table have to be like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from pypedream.errors import DefinitionError
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ColumnSchema", "TableSchema", "table_schema"]

_HERE = "pandera.api.polars"


@frozen
class ColumnSchema:
    """What one column, or each column whose name matches a pattern, has to be like.

    Attributes
    ----------
    name, is_pattern
        The name, or a regular expression for names.
    dtype
        What its cells become; text if the schema says nothing.
    default
        What stands for a missing value; None is nothing.
    checks
        The checks of pandera.
    """

    name: str
    dtype: pl.DataType
    is_pattern: bool = False
    is_nullable: bool = False
    is_unique: bool = False
    is_required: bool = True
    default: Any = None
    checks: tuple[Any, ...] = ()

    def means(self, name: str) -> bool:
        """Say whether a column of the file is meant."""
        return bool(re.search(self.name, name)) if self.is_pattern else self.name == name


@frozen
class TableSchema:
    """What a table has to be like.

    Attributes
    ----------
    extra
        What becomes of columns that the schema does not name.
    unique
        Columns whose values together have to be unique.
    """

    columns: tuple[ColumnSchema, ...]
    extra: Literal["keep", "drop", "refuse"] = "keep"
    is_ordered: bool = False
    adds_missing: bool = False
    drops_invalid: bool = False
    unique: tuple[str, ...] = ()
    checks: tuple[Any, ...] = field(default=())


def table_schema(schema: Any, file: str) -> TableSchema:
    """Return what a schema of pandera says.

    Parameters
    ----------
    schema
        A ``DataFrameSchema``, or a class that is a ``DataFrameModel``.
    file
        Name of the file, for errors.

    Raises
    ------
    DefinitionError
        If it is none, or asks for something that cannot be done with a file.
    """
    schema = schema.to_schema() if _is_model(schema) else schema
    is_of_polars = any(each.__module__.startswith(_HERE) for each in type(schema).__mro__)
    if not (is_of_polars and hasattr(schema, "columns")):
        raise DefinitionError(f'the file "{file}" has {_what(schema)} as its schema: {_FIX}')
    columns: Mapping[str, Any] = schema.columns
    with_parsers = [name for name, each in columns.items() if getattr(each, "parsers", None)]
    if with_parsers or getattr(schema, "parsers", None):
        raise DefinitionError(
            f'the schema of the file "{file}" has parsers, which a file is read without:'
            " change its cells in a step, or read it with preprocess="
        )
    return TableSchema(
        columns=tuple(_column(name, each, schema.dtype) for name, each in columns.items()),
        extra=_EXTRA[schema.strict],
        is_ordered=bool(schema.ordered),
        adds_missing=bool(schema.add_missing_columns),
        drops_invalid=bool(schema.drop_invalid_rows),
        unique=_names(schema.unique),
        checks=tuple(schema.checks),
    )


_FIX = "give a DataFrameSchema or DataFrameModel of pandera.polars"
_EXTRA: dict[Any, Literal["keep", "drop", "refuse"]] = {
    False: "keep",
    "filter": "drop",
    True: "refuse",
}


def _is_model(schema: Any) -> bool:
    return isinstance(schema, type) and callable(getattr(schema, "to_schema", None))


def _what(schema: Any) -> str:
    kind = type(schema)
    if kind.__module__.startswith("pandera.api.pandas"):
        return "a schema for pandas"
    return "nothing" if schema is None else f"a {kind.__name__}"


def _names(unique: str | Sequence[str] | None) -> tuple[str, ...]:
    return (unique,) if isinstance(unique, str) else tuple(unique or ())


def _column(name: str, column: Any, usual: Any) -> ColumnSchema:
    return ColumnSchema(
        name=name,
        dtype=_dtype(column.dtype or usual),
        is_pattern=bool(column.regex),
        is_nullable=bool(column.nullable),
        is_unique=bool(column.unique),
        is_required=bool(column.required),
        default=column.default,
        checks=tuple(column.checks),
    )


def _dtype(dtype: Any) -> pl.DataType:
    found = getattr(dtype, "type", None)
    if found is None:
        return pl.String()
    made: pl.DataType = found() if isinstance(found, type) else found
    return made
