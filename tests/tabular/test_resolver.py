from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from structlog.testing import capture_logs

from pypedream.errors import IdentityError
from pypedream.tabular import CanonicalIdResolver

GROUPS: dict[str, Any] = {"all": "*all", "address": ["town", "postcode"]}
JANUARY, FEBRUARY, MARCH = date(2026, 1, 5), date(2026, 2, 2), date(2026, 3, 2)


def schools(folder: Path, groups: dict[str, Any] = GROUPS) -> CanonicalIdResolver:
    return CanonicalIdResolver(folder, "schools", groups)


def delivery(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Return rows of urn, town, postcode and pupils."""
    types = {"urn": pl.String, "town": pl.String, "postcode": pl.String, "pupils": pl.Int64}
    return pl.DataFrame(rows, schema=types, orient="row")


FIRST = delivery(("1", "Leeds", "LS1", 9), ("2", "York", "YO1", 8), ("3", None, "HU1", 7))


def resolve(
    resolver: CanonicalIdResolver, data: pl.DataFrame, day: date = JANUARY, **options: Any
) -> pl.DataFrame:
    given = {"source_key_column": "urn", "namespace": "gias", **options}
    return resolver.resolve(data, run_date=day, **given)


def said(data: pl.DataFrame) -> list[tuple[Any, ...]]:
    return data.select("status", pl.col("^.*_changed$")).rows()


def test_rows_that_are_seen_first_are_new(tmp_path: Path) -> None:
    """They get a UUID each, and all their groups are changed; their own columns stay."""
    found = resolve(schools(tmp_path), FIRST)

    assert found.columns == [
        *FIRST.columns,
        "canonical_id",
        "status",
        "all_changed",
        "address_changed",
    ]
    assert found.select(FIRST.columns).equals(FIRST)
    assert said(found) == [("NEW", True, True)] * 3
    assert len({UUID(text) for text in found["canonical_id"]}) == 3


def test_each_group_says_for_itself_what_has_changed(tmp_path: Path) -> None:
    """The ids stay, in whatever order the rows come."""
    first = resolve(schools(tmp_path), FIRST)
    second = delivery(("3", None, "HU1", 7), ("2", "York", "YO2", 8), ("1", "Leeds", "LS1", 5))

    found = resolve(schools(tmp_path), second, FEBRUARY)

    assert said(found) == [
        ("UNCHANGED", False, False),
        ("CHANGED", True, True),
        ("CHANGED", True, False),
    ]
    assert found["canonical_id"].to_list() == first["canonical_id"].to_list()[::-1]


def test_groups_that_share_no_column_know_nothing_of_each_other(tmp_path: Path) -> None:
    """Also where one of them has more columns than the other."""
    groups = {"address": ["town", "postcode"], "size": ["pupils"]}
    resolve(schools(tmp_path, groups), FIRST)

    found = resolve(schools(tmp_path, groups), FIRST.with_columns(pupils=pl.lit(0)), FEBRUARY)

    assert said(found) == [("CHANGED", False, True)] * 3


@pytest.mark.parametrize("name", ["*", "^.*$", "", "a (b)", "é"])
def test_columns_and_groups_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Also one by which polars would choose several columns, and the key as well."""
    data = FIRST.rename({"pupils": name})
    resolver = schools(tmp_path, {"all": "*all", f"+{name}": [name]})
    resolve(resolver, data)
    changed = data.with_columns(pl.Series(name, [9, 8, 1]))

    found = resolve(resolver, changed, FEBRUARY)

    assert [each[0] for each in said(found)] == ["UNCHANGED", "UNCHANGED", "CHANGED"]
    assert found[f"+{name}_changed"].to_list() == [False, False, True]


def test_the_column_of_the_keys_may_have_any_name(tmp_path: Path) -> None:
    """It is no field of its rows, and rows of one key are found as always."""
    data = FIRST.rename({"urn": "*"})
    resolver = schools(tmp_path, {"all": "*all"})
    resolve(resolver, data, source_key_column="*")

    twice = pl.concat([data, data.head(1)])
    found = resolve(resolver, twice, FEBRUARY, source_key_column="*")

    assert said(found) == [("UNCHANGED", False)] * 4
    with pytest.raises(IdentityError, match='1 key of "\\*" in rows that differ'):
        resolve(resolver, twice.with_columns(pupils=pl.Series([1, 2, 3, 4])), source_key_column="*")


def test_a_store_is_one_parquet_file(tmp_path: Path) -> None:
    """It has the key with its namespace, the id, and the days when the row was new or changed."""
    resolver = schools(tmp_path)
    resolve(resolver, FIRST)
    resolve(resolver, delivery(("2", "York", "YO1", 1)), FEBRUARY)
    resolve(resolver, delivery(("2", "York", "YO1", 2)), FEBRUARY)

    kept = pl.read_parquet(resolver.store_path).sort("source_key")

    assert resolver.store_path == tmp_path / ".persistent" / "schools.parquet"
    assert kept["source_key"].to_list() == ["gias:1", "gias:2", "gias:3"]
    assert kept["last_changed_date"].to_list() == [JANUARY, FEBRUARY, JANUARY]
    assert kept["update_dates"].to_list() == [[JANUARY], [JANUARY, FEBRUARY], [JANUARY]]


def test_rows_that_are_not_delivered_stay_in_the_store(tmp_path: Path) -> None:
    """They have their id when they come back."""
    first = resolve(schools(tmp_path), FIRST)
    resolve(schools(tmp_path), FIRST.head(1), FEBRUARY)

    found = resolve(schools(tmp_path), FIRST, MARCH)

    assert found["canonical_id"].equals(first["canonical_id"])
    assert set(found["status"]) == {"UNCHANGED"}


def test_what_says_the_same_writes_nothing(tmp_path: Path) -> None:
    """The file is not touched where no row is new or changed."""
    resolver = schools(tmp_path)
    resolve(resolver, FIRST)
    before = resolver.store_path.stat()

    resolve(resolver, FIRST, FEBRUARY)

    after = resolver.store_path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "before, after",
    [
        (pl.Series([None, ""], dtype=pl.String), pl.Series(["", None], dtype=pl.String)),
        (pl.Series([5, 6]), pl.Series(["5", "6"])),
        (pl.Series([5, 6]), pl.Series([5.0, 6.0])),
        (pl.Series(["5", None]), pl.Series([5.0, None])),
        (pl.Series(["a", "b"]), pl.Series(["a", "b"], dtype=pl.Categorical)),
        (pl.Series(["2026-09-01", ""]), pl.Series([date(2026, 9, 1), None])),
    ],
    ids=["null and blank", "int and text", "int and float", "text and float", "category", "date"],
)
def test_a_column_may_change_its_type(tmp_path: Path, before: pl.Series, after: pl.Series) -> None:
    """What says the same in another type has not changed; a null is a blank text."""
    keys = pl.Series("urn", ["1", "2"])
    groups = {"all": "*all"}
    resolve(schools(tmp_path, groups), pl.DataFrame([keys, before.alias("value")]))

    found = resolve(schools(tmp_path, groups), pl.DataFrame([keys, after.alias("value")]), FEBRUARY)

    assert said(found) == [("UNCHANGED", False)] * 2


def test_the_order_of_columns_and_fields_says_nothing(tmp_path: Path) -> None:
    """Neither in the data nor in the list of a group."""
    resolve(schools(tmp_path), FIRST)
    turned = {"address": ["postcode", "town", "town"], "all": "*all"}

    found = resolve(schools(tmp_path, turned), FIRST.select(reversed(FIRST.columns)), FEBRUARY)

    assert said(found) == [("UNCHANGED", False, False)] * 3
    assert found.columns[-2:] == ["address_changed", "all_changed"]


def test_a_new_column_makes_no_row_look_changed(tmp_path: Path) -> None:
    """Rows are compared over the columns they were kept with; what has changed there still shows.

    The new column counts from the next delivery on, and a warning tells of it once.
    """
    resolver = schools(tmp_path, {"all": "*all"})
    resolve(resolver, FIRST)
    wider = FIRST.with_columns(head=pl.Series(["Ann", "Bo", "Cy"]))
    changed = wider.with_columns(pupils=pl.Series([9, 8, 1]))

    with capture_logs() as logs:
        february = resolve(resolver, changed, FEBRUARY)
        march = resolve(resolver, changed.with_columns(head=pl.lit("Dee")), MARCH)

    assert said(february) == [("UNCHANGED", False), ("UNCHANGED", False), ("CHANGED", True)]
    assert said(march) == [("CHANGED", True)] * 3
    assert [(each["group"], each["new"], each["gone"]) for each in logs] == [("all", ["head"], [])]


def test_a_row_that_missed_the_new_column_is_compared_as_it_was_kept(tmp_path: Path) -> None:
    """A store has rows of several deliveries, with other columns each."""
    resolver = schools(tmp_path, {"all": "*all"})
    resolve(resolver, FIRST)
    wider = FIRST.with_columns(head=pl.lit("Ann"))
    resolve(resolver, wider.head(1), FEBRUARY)

    found = resolve(resolver, wider.with_columns(pupils=pl.Series([9, 8, 1])), MARCH)

    assert [status for status, _ in said(found)] == ["UNCHANGED", "UNCHANGED", "CHANGED"]


def test_a_column_that_is_gone_counts_as_blank(tmp_path: Path) -> None:
    """Rows that had something there have changed, the others have not; it is said once."""
    resolver = schools(tmp_path, {"all": "*all"})
    resolve(resolver, FIRST)

    with capture_logs() as logs:
        found = resolve(resolver, FIRST.drop("town"), FEBRUARY)
        again = resolve(resolver, FIRST.drop("town"), MARCH)

    assert [status for status, _ in said(found)] == ["CHANGED", "CHANGED", "UNCHANGED"]
    assert set(again["status"]) == {"UNCHANGED"}
    assert [(each["group"], each["new"], each["gone"]) for each in logs] == [("all", [], ["town"])]


def test_a_group_that_comes_later_counts_from_then_on(tmp_path: Path) -> None:
    """It makes no row look changed, and no id gets lost."""
    first = resolve(schools(tmp_path, {"address": ["town"]}), FIRST)
    resolve(schools(tmp_path), FIRST, FEBRUARY)

    found = resolve(schools(tmp_path), FIRST.with_columns(pupils=pl.lit(0)), MARCH)

    assert said(found) == [("CHANGED", True, False)] * 3
    assert found["canonical_id"].equals(first["canonical_id"])


def test_a_group_that_gets_a_column_hides_nothing_of_another(tmp_path: Path) -> None:
    """It cannot tell yet whether that column has changed, and the other group can."""
    resolve(schools(tmp_path, {"place": ["town", "postcode"], "size": ["pupils"]}), FIRST)
    wider = schools(tmp_path, {"place": ["town", "postcode", "pupils"], "size": ["pupils"]})

    found = resolve(wider, FIRST.with_columns(pupils=pl.Series([9, 8, 1])), FEBRUARY)

    assert said(found) == [("UNCHANGED", False, False)] * 2 + [("CHANGED", False, True)]


def test_a_group_that_is_left_out_is_kept(tmp_path: Path) -> None:
    """It goes on from where it was: resolvers with other groups may share a store."""
    resolve(schools(tmp_path), FIRST)
    moved = FIRST.with_columns(town=pl.lit("Hull"))
    resolve(schools(tmp_path, {"size": ["pupils"]}), moved, FEBRUARY)

    found = resolve(schools(tmp_path), moved, MARCH)

    assert said(found) == [("CHANGED", True, True)] * 3


def test_columns_can_be_left_out_of_all(tmp_path: Path) -> None:
    """The time of the delivery changes nothing."""
    options = {"exclude_columns": frozenset(["pupils"])}
    resolve(schools(tmp_path), FIRST, **options)

    found = resolve(schools(tmp_path), FIRST.with_columns(pupils=pl.lit(0)), FEBRUARY, **options)

    assert set(found["status"]) == {"UNCHANGED"}


def test_a_key_is_one_of_its_namespace(tmp_path: Path) -> None:
    """No other pair of both is the same, whatever is between them."""
    resolver = schools(tmp_path)
    one = resolve(resolver, delivery(("b:1", "Leeds", "LS1", 9)), namespace="a")
    other = resolve(resolver, delivery(("1", "Leeds", "LS1", 9)), namespace="a:b")
    braces = resolve(resolver, delivery(("1", "Leeds", "LS1", 9)), namespace="{}%3A")

    assert {one["status"][0], other["status"][0], braces["status"][0]} == {"NEW"}


def test_integers_and_texts_are_keys(tmp_path: Path) -> None:
    """Zeros at the front stay what they are."""
    first = resolve(schools(tmp_path), FIRST)

    found = resolve(schools(tmp_path), FIRST.with_columns(pl.col("urn").cast(pl.Int32)), FEBRUARY)
    padded = resolve(schools(tmp_path), FIRST.with_columns(urn="0" + pl.col("urn")), FEBRUARY)

    assert found["canonical_id"].equals(first["canonical_id"])
    assert set(padded["status"]) == {"NEW"}


def test_the_same_row_twice_is_one_thing(tmp_path: Path) -> None:
    """Both get one id, and the store has the key once."""
    resolver = schools(tmp_path)
    twice = pl.concat([FIRST, FIRST.head(1)])

    first, second = resolve(resolver, twice), resolve(resolver, twice, FEBRUARY)

    assert first["canonical_id"][0] == first["canonical_id"][3]
    assert first["canonical_id"].equals(second["canonical_id"])
    assert said(second) == [("UNCHANGED", False, False)] * 4
    assert pl.read_parquet(resolver.store_path).height == 3


def test_no_rows_are_no_mistake(tmp_path: Path) -> None:
    """The columns are there, with their types, and no file is written."""
    resolver = schools(tmp_path)

    found = resolve(resolver, FIRST.clear())

    assert found.height == 0
    assert found.schema["all_changed"] == pl.Boolean
    assert found.schema["canonical_id"] == found.schema["status"] == pl.String
    assert not resolver.store_path.exists()


def test_a_day_may_have_a_time(tmp_path: Path) -> None:
    """Only its date is kept."""
    resolver = schools(tmp_path)

    resolve(resolver, FIRST, datetime(2026, 1, 5, 23, tzinfo=UTC))

    assert set(pl.read_parquet(resolver.store_path)["last_changed_date"]) == {JANUARY}


def test_an_earlier_day_does_not_turn_back_what_is_kept(tmp_path: Path) -> None:
    """A delivery of old is noted among the days, in order."""
    resolver = schools(tmp_path)
    resolve(resolver, FIRST, FEBRUARY)
    resolve(resolver, FIRST.with_columns(pupils=pl.lit(0)), JANUARY)

    kept = pl.read_parquet(resolver.store_path)

    assert set(kept["last_changed_date"]) == {FEBRUARY}
    assert kept["update_dates"].to_list() == [[JANUARY, FEBRUARY]] * 3


def test_rows_that_a_delivery_does_not_have_can_be_told(tmp_path: Path) -> None:
    """Only those of its namespace; nothing is kept of it, and a row that comes back has its id."""
    resolver = schools(tmp_path)
    first = resolve(resolver, FIRST)
    resolve(resolver, FIRST, namespace="gias:old")
    second = resolve(resolver, FIRST.filter(urn="2"), FEBRUARY)

    found = resolver.missing(second, source_key_column="urn", namespace="gias")

    assert found.to_dict(as_series=False) == {
        "source_key": ["1", "3"],
        "canonical_id": first["canonical_id"].gather([0, 2]).to_list(),
        "last_changed_date": [JANUARY, JANUARY],
    }
    assert resolver.missing(FIRST, source_key_column="urn", namespace="gias").is_empty()
    assert resolver.missing(FIRST, source_key_column="urn", namespace="new").is_empty()
    with pytest.raises(IdentityError, match='no column "Urn" for the keys'):
        resolver.missing(FIRST, source_key_column="Urn", namespace="gias")


def test_nothing_is_missing_without_a_store(tmp_path: Path) -> None:
    """Asking makes none."""
    found = schools(tmp_path).missing(FIRST, source_key_column="urn", namespace="gias")

    assert found.columns == ["source_key", "canonical_id", "last_changed_date"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, groups, problem",
    [
        ("../x", GROUPS, r'"\.\./x" cannot be the name of a file'),
        ("", GROUPS, r'"" cannot be the name of a file'),
        ("x", {}, r"there is no hash group"),
        ("x", {"all": "all"}, r'hash group "all" is "all": give a list of columns, or "\*all"'),
        ("x", {"all": []}, r'hash group "all" has no columns'),
        ("x", ["town"], r"groups are \['town'\]: give a mapping such as"),
        (None, {"all": "*all"}, '"None" cannot be the name of a file'),
        ("x", {"": ["a"]}, r"a hash group has no name"),
        (".x", {"a": []}, r'"\.x" cannot be .*; hash group "a" has no columns'),
    ],
    ids=[
        "path",
        "blank",
        "no group",
        "no list",
        "empty list",
        "no mapping",
        "no text",
        "no name",
        "all of them",
    ],
)
def test_a_resolver_that_cannot_work_is_refused(
    tmp_path: Path, name: Any, groups: Any, problem: str
) -> None:
    """All that is wrong is said at once."""
    with pytest.raises(IdentityError, match=problem):
        CanonicalIdResolver(tmp_path, name, groups)


@pytest.mark.parametrize(
    "data, options, problem",
    [
        (FIRST, {"exclude_columns": {"Town"}}, 'exclude_columns: no column "Town"; did .* "town"'),
        (FIRST, {"source_key_column": "Urn"}, 'no column "Urn" for the keys; did you mean "urn"'),
        (FIRST, {"namespace": ""}, "the namespace is empty"),
        (FIRST, {"namespace": 5}, "the namespace is no text"),
        (FIRST, {"source_key_column": None}, 'no column "None" for the keys'),
        (FIRST.drop("town"), {}, 'hash group "address": no column "town"'),
        (FIRST.rename({"town": "Town"}), {}, 'no column "town"; did you mean "Town"'),
        (FIRST.with_columns(status=1), {}, 'there is a column "status" already: drop or rename'),
        (FIRST.with_columns(urn=pl.lit(1.0)), {}, "are Float64: cast them to Int64"),
        (FIRST.with_columns(urn=pl.lit(JANUARY)), {}, "are Date: cast them to String"),
        (FIRST.drop("town"), {"namespace": ""}, 'namespace is empty.*; .*no column "town"'),
    ],
    ids=[
        "left out", "key", "namespace", "a number", "no key", "field", "nearest name",
        "taken name", "float keys", "dates", "all of them",
    ],
)  # fmt: skip
def test_a_call_that_cannot_work_is_refused(
    tmp_path: Path, data: pl.DataFrame, options: dict[str, Any], problem: str
) -> None:
    """All that is wrong is said at once, and nothing is written."""
    with pytest.raises(IdentityError, match=problem):
        resolve(schools(tmp_path), data, **options)

    assert list(tmp_path.iterdir()) == []


def test_a_group_without_columns_is_refused(tmp_path: Path) -> None:
    """All of them may have been left out."""
    with pytest.raises(IdentityError, match='hash group "all": no column is left to compare'):
        resolve(schools(tmp_path, {"all": "*all"}), FIRST.select("urn"))


def test_objects_of_python_are_refused(tmp_path: Path) -> None:
    """They cannot be compared with what is in a file."""
    data = FIRST.with_columns(pl.Series("thing", [object()] * 3, dtype=pl.Object))

    with pytest.raises(IdentityError, match='objects of Python in "thing" cannot be compared'):
        resolve(schools(tmp_path), data)


@pytest.mark.parametrize("blank", [None, ""], ids=["null", "blank"])
def test_rows_without_a_key_are_refused(tmp_path: Path, blank: str | None) -> None:
    """Which they are is said, and nothing is written."""
    rows = [(blank, "Leeds", "LS1", 9)] * 7

    with pytest.raises(
        IdentityError, match=r'7 rows without a key in "urn" \(counted from 0: 1, 2, 3, 4, 5, …\)'
    ):
        resolve(schools(tmp_path), delivery(("1", "York", "YO1", 8), *rows))

    assert list(tmp_path.iterdir()) == []


def test_rows_of_one_key_that_differ_are_refused(tmp_path: Path) -> None:
    """The key is named, and in what the rows differ."""
    data = delivery(("1", "Leeds", "LS1", 9), ("1", "Leeds", "LS1", 8), ("2", "York", "YO1", 8))

    with pytest.raises(
        IdentityError, match='1 key of "urn" in rows that differ in all: "1"; leave'
    ):
        resolve(schools(tmp_path), data)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data, problem",
    [
        (FIRST.lazy(), r"not a LazyFrame: call collect\(\) first"),
        ([{"urn": "1"}], "rows come in a polars DataFrame, not a list"),
    ],
    ids=["lazy", "list"],
)
def test_only_a_frame_can_be_resolved(tmp_path: Path, data: Any, problem: str) -> None:
    """What to do instead is said."""
    with pytest.raises(TypeError, match=problem):
        resolve(schools(tmp_path), data)


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"exclude_columns": "town"}, r"give a set of names, frozenset\(\['town'\]\)"),
        ({"exclude_columns": None}, "exclude_columns=None is no set of names"),
        ({"day": "2026-01-05"}, "run_date='2026-01-05' is no day: give a date"),
        ({"day": None}, "run_date=None is no day"),
        (
            {"source_key_column": ["urn", "town"]},
            r"source_key_column=\['urn', 'town'\] is no name of a column: a key of several is one",
        ),
    ],
    ids=["a name", "no names", "a text as the day", "no day", "two keys"],
)
def test_what_is_no_name_no_names_or_no_day_is_refused(
    tmp_path: Path, options: dict[str, Any], problem: str
) -> None:
    """The letters of a text would be names of no column, and nothing would be left out."""
    with pytest.raises(TypeError, match=problem):
        resolve(schools(tmp_path), FIRST, **options)

    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_pandas_is_told_apart(tmp_path: Path) -> None:
    """The message says how to make one of polars of it."""
    pandas = pytest.importorskip("pandas")

    with pytest.raises(TypeError, match=r"of another library: make one with pl.from_pandas"):
        resolve(schools(tmp_path), pandas.DataFrame({"urn": ["1"]}))


def test_a_resolver_says_where_its_store_is(tmp_path: Path) -> None:
    """It makes nothing until something is resolved."""
    resolver = schools(tmp_path)

    assert repr(resolver) == f"<identities 'schools' in {resolver.store_path}>"
    assert list(tmp_path.iterdir()) == []
