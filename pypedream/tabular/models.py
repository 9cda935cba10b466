"""What a user says of the files that come in, and what is known of one that has come in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from attrs import converters, field, frozen

from pypedream.errors import DefinitionError
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandera.polars as pa
    import polars as pl
    from attrs import Attribute

__all__ = [
    "ExecutionMode",
    "IngestFileSpec",
    "IngestedFileRecord",
    "IngestedSource",
    "OnError",
    "StepExecutionMode",
]

OnError = Literal["fail", "quarantine"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST = 200  # it is part of names of files, and most systems have none of more than 255
_ON_ERROR = ("fail", "quarantine")


def _texts(texts: Any) -> Any:
    """Return texts as a tuple, one as well; what is none is told by who knows of which file."""
    if isinstance(texts, str):
        return (texts,)
    return tuple(texts) if isinstance(texts, Iterable) else texts


def _in_order(texts: Any) -> Any:
    """Return texts as a tuple, but for a set: it has no order."""
    return texts if isinstance(texts, Set) else _texts(texts)


def _formats(formats: Any) -> Any:
    return MappingProxyType(dict(formats)) if isinstance(formats, Mapping) else formats


class ExecutionMode(StrEnum):
    """Whether a folder may be ingested while another run is not completed."""

    SERIAL = "serial"
    PARALLEL = "parallel"


class StepExecutionMode(StrEnum):
    """Whether steps of one run are called one after the other or side by side."""

    SERIAL = "serial"
    PARALLEL = "parallel"


@frozen
class IngestFileSpec:
    """One file that is expected, and what its rows have to be like.

    Parameters
    ----------
    name
        What the file is called from here on: letters, digits, ``.``, ``_`` and ``-``.
    source_pattern
        Pattern of the name of the file, as in a shell: ``schools_*.csv``. Case counts.
    schema
        A ``DataFrameSchema`` or ``DataFrameModel`` of ``pandera.polars``. Its dtypes say how the
        text is read, nothing is guessed: with ``str`` leading zeros stay. A cell that is empty is
        null. An extra column stays as text unless the schema is strict.
    encoding
        Any encoding that Python knows.
    has_header
        Whether the first line holds the names of the columns.
    column_names
        The names, for a file without a header.
    preprocess
        Reads the file instead: gets its path, returns a frame with the names of its columns.
        `encoding`, `has_header` and `separator` do not count then. Its cells are checked as those
        of a file are; text is converted, and what would be cut is wrong.
    optional
        Whether the file may be absent.
    separator
        The character between two cells.
    null_values
        Texts that stand for a missing value, besides the empty one: ``("NA", "-")``.
    formats
        From a column of dates or times to how they are written, in the letters of ``strptime``:
        ``{"opened": "%d-%m-%Y"}``. Without one they are as in ISO 8601.
    on_error
        With "fail", one row that is not right keeps the whole file out, and the error names every
        one. With "quarantine" such rows go to a file of rejects and the others come in.
    max_errors
        With "quarantine": how many rows may be rejected before the file is kept out; an int
        counts rows, a float below 1 is a share of all rows. None sets no limit.

    Raises
    ------
    DefinitionError
        If something of this cannot be; also a ValueError.

    Examples
    --------
    >>> spec = IngestFileSpec("schools", "schools_*.csv", schema=None, encoding="cp1252")
    >>> spec.separator, spec.on_error
    (',', 'fail')
    """

    name: str = field()
    source_pattern: str = field()
    schema: pa.DataFrameSchema = field(repr=False)
    encoding: str = field(default="utf-8")
    has_header: bool = field(default=True)
    column_names: tuple[str, ...] | None = field(
        default=None, converter=converters.optional(_in_order)
    )
    preprocess: Callable[[Path], pl.DataFrame] | None = field(default=None)
    optional: bool = field(default=False)
    separator: str = field(default=",", kw_only=True)
    null_values: tuple[str, ...] = field(default=(), kw_only=True, converter=_texts)
    formats: Mapping[str, str] = field(factory=dict, kw_only=True, converter=_formats)
    on_error: OnError = field(default="fail", kw_only=True)
    max_errors: float | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.preprocess is not None and self.column_names:
            why = "has column_names=, which do not count where preprocess= reads it"
            raise _refused(self.name, f"{why}: leave them out, and name the columns of its frame")
        if not self.has_header and self.preprocess is None and not self.column_names:
            raise _refused(self.name, "has no header, so it needs column_names=")
        if self.has_header and self.column_names:
            why = "has a header, which names its columns: leave column_names= out,"
            raise _refused(self.name, f"{why} or give has_header=False if there is none")
        check_limit(self.on_error, self.max_errors, f'the file "{self.name}"')

    @name.validator
    def _check_name(self, _: Attribute[str], name: object) -> None:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise DefinitionError(
                f"{name!r} cannot be the name of a file: use letters, digits, '.', '_' and '-',"
                " and begin with a letter or a digit"
            )
        if len(name) > _LONGEST:
            raise DefinitionError(f'a file has a name of at most {_LONGEST} letters, not "{name}"')

    @source_pattern.validator
    def _check_pattern(self, _: Attribute[str], pattern: object) -> None:
        if not isinstance(pattern, str):
            what = f"has source_pattern={said(pattern)}"
            raise _refused(self.name, f"{what}: give a text, such as 'schools_*.csv'")
        if not pattern.strip():
            raise _refused(self.name, "needs a source_pattern, such as 'schools_*.csv'")
        if "/" in pattern or "\\" in pattern:
            what = f"has the source_pattern {pattern!r}, which names a folder"
            raise _refused(self.name, f"{what}: files are in the one that is ingested")

    @has_header.validator
    @optional.validator
    def _check_choice(self, own: Attribute[bool], choice: object) -> None:
        if not isinstance(choice, bool):
            raise _refused(self.name, f"has {own.name}={said(choice)}: give True or False")

    @column_names.validator
    @null_values.validator
    def _check_texts(self, own: Attribute[Any], texts: object) -> None:
        if texts is None and own.default is None:
            return
        if not isinstance(texts, tuple) or not all(isinstance(each, str) for each in texts):
            what = f"has {own.name}={said(texts)}"
            raise _refused(self.name, f'{what}: give texts, such as {own.name}=("a", "b")')

    @formats.validator
    def _check_formats(self, _: Attribute[Any], formats: object) -> None:
        if not isinstance(formats, Mapping):
            what = f"has formats={said(formats)}"
            raise _refused(self.name, f'{what}: give a mapping, such as {{"opened": "%d-%m-%Y"}}')
        for name, text in formats.items():
            if not (isinstance(name, str) and isinstance(text, str) and "%" in text):
                what = f"has {said(text)} as the format of the column {said(name)}"
                raise _refused(self.name, f"{what}: write one as strptime does, such as '%d-%m-%Y'")

    @preprocess.validator
    def _check_preprocess(self, _: Attribute[Any], preprocess: object) -> None:
        if preprocess is not None and not callable(preprocess):
            what = f"has preprocess={said(preprocess)}"
            raise _refused(self.name, f"{what}: give a function from a path to a frame")

    @encoding.validator
    def _check_encoding(self, _: Attribute[str], encoding: str) -> None:
        try:
            b"a".decode(encoding, "replace")
        except (LookupError, TypeError, UnicodeError):
            raise _refused(
                self.name, f"has the encoding {encoding!r}, by which Python reads no text"
            ) from None

    @separator.validator
    def _check_separator(self, _: Attribute[str], separator: object) -> None:
        is_one = isinstance(separator, str) and len(separator) == 1 and separator.isascii()
        if not is_one or separator in ('"', "\r", "\n", "\0"):
            raise _refused(self.name, f"has the separator {separator!r}: give one character")


def check_spec(spec: object) -> None:
    """Refuse with a TypeError what is no spec of a file, such as its schema alone."""
    if not isinstance(spec, IngestFileSpec):
        what = 'IngestFileSpec("schools", "schools_*.csv", schema)'
        raise TypeError(f"a file is described by an {what}, not by a {type(spec).__name__}")


def check_limit(on_error: str, max_errors: object, whose: str) -> None:
    """Refuse a choice of what happens to rows that are not right if it cannot be.

    Raises
    ------
    DefinitionError
        If it cannot be.
    """
    if on_error not in _ON_ERROR:
        raise DefinitionError(f"{whose} has on_error={on_error!r}: give 'fail' or 'quarantine'")
    if max_errors is None:
        return
    if on_error == "fail":
        raise DefinitionError(f"{whose} has max_errors=, which needs on_error='quarantine'")
    is_count = isinstance(max_errors, int) and not isinstance(max_errors, bool) and max_errors >= 0
    is_share = isinstance(max_errors, float) and 0 <= max_errors < 1
    if not (is_count or is_share):
        raise DefinitionError(
            f"{whose} has max_errors={max_errors!r}: give a number of rows as an int,"
            " or a share of them as a float below 1"
        )


def _refused(name: str, reason: str) -> DefinitionError:
    return DefinitionError(f'the file "{name}" {reason}')


@frozen(eq=False)
class IngestedSource:
    """One file and its rows. Schemas may differ between sources."""

    path: Path
    data: pl.DataFrame


@frozen
class IngestedFileRecord:
    """What is known of a file that has come in; all of it can be written as JSON.

    Attributes
    ----------
    name
        The name in its `IngestFileSpec`.
    source_path, parquet_path
        Where it was, and where its rows are now.
    row_count, column_count
        Of what came in.
    source_size_bytes, source_sha256
        Of the file that was read, as it was on disk.
    rejected_count
        Rows that did not come in.
    rejects_path
        The file that lists them with reasons; None if there are none.
    """

    name: str
    source_path: str
    parquet_path: str
    row_count: int
    column_count: int
    source_size_bytes: int
    source_sha256: str = ""
    rejected_count: int = 0
    rejects_path: str | None = None
