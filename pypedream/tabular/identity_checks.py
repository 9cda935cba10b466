"""Checks before anything is resolved: every mistake of a call at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import NoneType
from typing import TYPE_CHECKING

from pypedream.errors import IdentityError
from pypedream.names import did_you_mean
from pypedream.tabular.canonical import has_canonical_form
from pypedream.tabular.identities import CANONICAL_ID
from pypedream.tabular.identity_changes import STATUS, changed_of
from pypedream.tabular.polars_library import pl
from pypedream.tabular.row_digests import RowDigests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = [
    "ALL",
    "check_call",
    "check_definition",
    "check_frame",
    "check_keys",
    "check_kinds",
    "check_rows",
]

ALL = "*all"
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_SHOWN = 5


def check_definition(name: str, hash_groups: Mapping[str, list[str] | str]) -> None:
    """Refuse a resolver that cannot work.

    Raises
    ------
    IdentityError
        If the name cannot be that of a file, or a group has no columns.
    """
    _refuse(f'resolver "{name}"', _in_definition(name, hash_groups))


def check_frame(data: object) -> None:
    """Refuse with a TypeError what is no DataFrame of polars, and say how to make one."""
    if not isinstance(data, pl.DataFrame):
        kind, hint = type(data).__name__, ""
        if isinstance(data, pl.LazyFrame):
            hint = ": call collect() first"
        elif kind == "DataFrame":
            hint = " of another library: make one with pl.from_pandas(data)"
        raise TypeError(f"rows come in a polars DataFrame, not a {kind}{hint}")


def check_call(
    data: pl.DataFrame,
    key: str,
    namespace: str,
    groups: Mapping[str, tuple[str, ...]],
    left_out: Collection[str] = (),
) -> None:
    """Refuse what can be seen without looking at the rows.

    Parameters
    ----------
    left_out
        The columns that are not to be compared.

    Raises
    ------
    IdentityError
        If a column is missing, has no canonical form or would be overwritten; names all of them.
    """
    problems = [*_in_call(data, key, namespace, groups), *_not_there(data, left_out)]
    _refuse("cannot resolve", problems)


def check_kinds(key: object, run_date: object, exclude_columns: object) -> None:
    """Refuse with a TypeError what is no name, no day, and no set of names."""
    if not isinstance(key, (str, NoneType)):
        what = f"source_key_column={key!r} is no name of a column"
        raise TypeError(f"{what}: a key of several is one made by pl.concat_str")
    if not isinstance(run_date, date):
        raise TypeError(f"run_date={run_date!r} is no day: give a date, such as ctx.run_date")
    if isinstance(exclude_columns, str):
        raise TypeError(
            f"exclude_columns={exclude_columns!r} is a text:"
            f" give a set of names, frozenset([{exclude_columns!r}])"
        )
    if not isinstance(exclude_columns, Iterable):
        raise TypeError(f"exclude_columns={exclude_columns!r} is no set of names: leave it out")


def check_keys(keys: pl.Series) -> None:
    """Refuse rows that have no key; says which."""
    is_blank = keys.is_null() | (keys.cast(pl.String) == "").fill_null(value=True)
    if is_blank.any():
        rows = is_blank.arg_true()
        listed = ", ".join(f"{row:,}" for row in rows.head(_SHOWN))
        raise IdentityError(
            f'{_count(rows.len(), "row")} without a key in "{keys.name}" (counted from 0:'
            f" {listed}{_more(rows.len())}): filter or quarantine them first"
        )


def check_rows(data: pl.DataFrame, key: str, groups: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse two rows that have one key and do not say the same; the same twice is one thing."""
    if data[key].n_unique() == data.height:
        return
    twice = data.filter(data[key].is_duplicated())
    digests = RowDigests(twice, (name for fields in groups.values() for name in fields))
    table = pl.DataFrame(
        {"key": twice[key], **{f"+{group}": digests.of(groups[group]) for group in groups}}
    )
    counts = table.group_by("key", maintain_order=True).agg(pl.all().n_unique())
    others = counts.filter(pl.any_horizontal(pl.exclude("key") > 1))
    if not others.is_empty():
        listed = ", ".join(f'"{each}"' for each in others["key"].head(_SHOWN))
        named = [group for group in groups if (others[f"+{group}"] > 1).any()]
        raise IdentityError(
            f'{_count(others.height, "key")} of "{key}" in rows that differ in'
            f" {', '.join(named)}: {listed}{_more(others.height)};"
            " leave one row of each, or add to the key what tells them apart"
        )


def _in_definition(name: object, hash_groups: object) -> Iterator[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f'"{name}" cannot be the name of a file: use letters, digits, ".", "_" and "-"'
    if not isinstance(hash_groups, Mapping):
        yield f'the hash groups are {hash_groups!r}: give a mapping such as {{"all": "{ALL}"}}'
        return
    if not hash_groups:
        yield f'there is no hash group: {{"all": "{ALL}"}} compares all columns'
    for group, fields in hash_groups.items():
        if not group:
            yield "a hash group has no name"
        if isinstance(fields, str) and fields != ALL:
            yield f'hash group "{group}" is "{fields}": give a list of columns, or "{ALL}"'
        elif not fields:
            yield f'hash group "{group}" has no columns'


def _in_call(
    data: pl.DataFrame, key: str, namespace: object, groups: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    if not isinstance(namespace, str) or not namespace:
        what = "no text" if namespace else "empty"
        yield f"the namespace is {what}: name the source of the keys"
    if key not in data.columns:
        yield f'no column "{key}" for the keys{did_you_mean(str(key), data.columns)}'
    else:
        yield from _in_key(data[key])
    for group, fields in groups.items():
        yield from _in_group(data, group, fields)
    made = [CANONICAL_ID, STATUS, *(changed_of(group) for group in groups)] if groups else []
    there = [f'"{name}"' for name in made if name in data.columns]
    if there:
        yield f"there is a column {', '.join(there)} already: drop or rename it"


def _in_key(keys: pl.Series) -> Iterator[str]:
    dtype, name = keys.dtype, keys.name
    if dtype.is_float():
        yield f'the keys in "{name}" are {dtype}: cast them to Int64, so that 1 stays "1"'
    elif not (dtype.is_integer() or isinstance(dtype, _TEXTS) or dtype == pl.Null):
        yield f'the keys in "{name}" are {dtype}: cast them to String, as they shall stay'


def _in_group(data: pl.DataFrame, group: str, fields: Collection[str]) -> Iterator[str]:
    if not fields:
        yield f'hash group "{group}": no column is left to compare'
    for field in fields:
        if field not in data.columns:
            yield f'hash group "{group}": no column "{field}"{did_you_mean(field, data.columns)}'
        elif not has_canonical_form(data[field].dtype):
            yield f'hash group "{group}": objects of Python in "{field}" cannot be compared'


def _not_there(data: pl.DataFrame, left_out: Collection[str]) -> Iterator[str]:
    for name in sorted(map(str, left_out)):
        if name not in data.columns:
            yield f'exclude_columns: no column "{name}"{did_you_mean(name, data.columns)}'


def _refuse(what: str, problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise IdentityError(f"{what}: {'; '.join(found)}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _more(number: int) -> str:
    return ", …" if number > _SHOWN else ""
