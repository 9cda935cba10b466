from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pypedream.errors import IdentityError, StoreError
from pypedream.tabular import CanonicalIdResolver, identity_stage
from pypedream.tabular.identity_stage import commit_identities, forget_step, staged_identities

JANUARY, FEBRUARY = date(2026, 1, 5), date(2026, 2, 2)
ROWS = pl.DataFrame({"key": ["1", "2"], "name": ["Leeds", "York"]})
MOVED = ROWS.with_columns(name=pl.Series(["Leeds", "Hull"]))


class Project:
    """The folder of a pipeline, with runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resolver = CanonicalIdResolver(folder, "rows", {"all": "*all"})

    def run_directory(self, run: str) -> Path:
        return self.folder / ".working" / run

    def resolve(self, data: pl.DataFrame, day: date = JANUARY) -> pl.DataFrame:
        return self.resolver.resolve(data, source_key_column="key", namespace="n", run_date=day)

    def step(
        self, data: pl.DataFrame, run: str = "ab12c", step: str = "resolve", day: date = JANUARY
    ) -> pl.DataFrame:
        with staged_identities(self.run_directory(run), step):
            return self.resolve(data, day)

    def commit(self, run: str = "ab12c") -> None:
        commit_identities(self.run_directory(run), self.folder)

    def kept(self) -> pl.DataFrame:
        return pl.read_parquet(self.resolver.store_path).sort("source_key")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_step_says_the_same_when_it_is_called_again(project: Project) -> None:
    """A run compares with the store as it found it, which changes when the run succeeds."""
    project.resolve(ROWS)

    first = project.step(MOVED)
    again = project.step(MOVED)

    assert first.equals(again)
    assert first["status"].to_list() == ["UNCHANGED", "CHANGED"]
    assert project.kept()["last_changed_date"].to_list() == [JANUARY, JANUARY]


def test_a_run_keeps_to_the_store_as_it_found_it(project: Project) -> None:
    """Whoever adds to the store meanwhile puts another file in its place."""
    project.resolve(ROWS)
    first = project.step(MOVED)
    project.resolve(MOVED, FEBRUARY)

    again = project.step(MOVED)

    assert first.equals(again)
    assert project.kept()["last_changed_date"].to_list() == [JANUARY, FEBRUARY]


def test_a_run_that_succeeds_adds_to_the_store(project: Project) -> None:
    """The next run finds all as it was left."""
    project.resolve(ROWS)
    found = project.step(MOVED, day=FEBRUARY)

    project.commit()

    assert project.kept()["update_dates"].to_list() == [[JANUARY], [JANUARY, FEBRUARY]]
    assert project.kept()["canonical_id"].to_list() == found["canonical_id"].to_list()
    assert set(project.step(MOVED, run="de34f")["status"]) == {"UNCHANGED"}


def test_a_run_that_fails_leaves_the_store_as_it_was(project: Project) -> None:
    """Its folder may be removed; no row was seen."""
    project.step(ROWS)
    shutil.rmtree(project.run_directory("ab12c"))

    assert not project.resolver.store_path.exists()
    assert set(project.resolve(ROWS)["status"]) == {"NEW"}


def test_steps_of_a_run_give_a_new_row_one_id(project: Project) -> None:
    """For each of them the row is new, as it was not in the store when the run began."""
    first = project.step(ROWS, step="one")
    second = project.step(ROWS, step="two")
    project.commit()

    assert second["status"].to_list() == ["NEW", "NEW"]
    assert first["canonical_id"].equals(second["canonical_id"])
    assert project.kept()["canonical_id"].to_list() == first["canonical_id"].to_list()


def test_a_retry_forgets_what_the_step_resolved_before(project: Project) -> None:
    """A row that it does not resolve again is not kept; what other steps resolved stays."""
    project.step(ROWS, step="one")
    other = project.step(ROWS.tail(1), step="two.a")

    forget_step(project.run_directory("ab12c"), "one")
    found = project.step(ROWS.tail(1), step="one")
    project.commit()

    assert found["canonical_id"].equals(other["canonical_id"])
    assert project.kept()["source_key"].to_list() == ["n:2"]


@pytest.mark.parametrize("step", ["a", "a.b", "..", "a/b", "*", "é"])
def test_a_step_may_have_any_name(project: Project, step: str) -> None:
    """None is taken for another, and no file is written elsewhere."""
    project.step(ROWS.head(1), step=step)
    project.step(ROWS.tail(1), step="b")

    forget_step(project.run_directory("ab12c"), step)
    project.commit()

    assert project.kept()["source_key"].to_list() == ["n:2"]
    assert {path.name for path in project.folder.iterdir()} == {".persistent", ".working"}


def test_a_run_may_be_committed_again(project: Project) -> None:
    """It was killed after the store was written, and before anybody noted that."""
    project.resolve(ROWS)
    project.step(MOVED, day=FEBRUARY)
    saved = project.folder / "saved"
    shutil.copytree(project.run_directory("ab12c"), saved)
    project.commit()
    before = project.kept()
    shutil.rmtree(project.run_directory("ab12c"))
    shutil.copytree(saved, project.run_directory("ab12c"))

    project.commit()
    project.commit()

    assert project.kept().equals(before)


def test_of_two_runs_that_give_a_row_an_id_the_first_wins(project: Project) -> None:
    """The second is told to resolve again: what it wrote has ids that nobody else knows."""
    project.step(ROWS, run="first")
    project.step(ROWS, run="other")
    project.commit("first")
    before = project.kept()

    with pytest.raises(
        IdentityError,
        match=r'2 keys got an id in another run meanwhile: "n:1", "n:2"; to take those, repeat the'
        r' step: pipeline\.run\(run_id="other", from_="resolve"\)',
    ):
        project.commit("other")

    assert project.kept().equals(before)
    forget_step(project.run_directory("other"), "resolve")
    found = project.step(ROWS, run="other")
    project.commit("other")
    assert found["canonical_id"].to_list() == before["canonical_id"].to_list()
    assert project.kept().equals(before)


def test_a_step_takes_the_id_that_another_run_gave_meanwhile(project: Project) -> None:
    """For its run the row is new still, as it was when the run began."""
    new = pl.DataFrame({"key": ["3"], "name": ["Bath"]})
    project.step(ROWS, run="other")
    project.step(pl.concat([ROWS, new]), run="first")
    project.commit("first")
    before = project.kept()

    found = project.step(new, run="other", step="two")

    assert found["status"].to_list() == ["NEW"]
    assert found["canonical_id"].to_list() == before["canonical_id"].to_list()[2:]


def test_a_step_of_a_run_that_has_succeeded_says_the_same(project: Project) -> None:
    """It is repeated, and adds nothing that is not there."""
    project.resolve(ROWS.head(1))
    first = project.step(MOVED, day=FEBRUARY)
    project.commit()
    before = project.kept()

    forget_step(project.run_directory("ab12c"), "resolve")
    again = project.step(MOVED, day=FEBRUARY)
    project.commit()

    assert again.equals(first)
    assert project.kept().equals(before, null_equal=True)


def test_an_old_run_that_is_repeated_makes_nothing_look_changed(project: Project) -> None:
    """What later runs have kept stays; only the days of the old one are there."""
    project.step(ROWS, run="old", day=JANUARY)
    project.commit("old")
    project.step(MOVED, run="later", day=FEBRUARY)
    project.commit("later")

    forget_step(project.run_directory("old"), "resolve")
    project.step(ROWS, run="old", day=JANUARY)
    project.commit("old")

    assert project.kept()["last_changed_date"].to_list() == [JANUARY, FEBRUARY]
    assert set(project.step(MOVED, run="next")["status"]) == {"UNCHANGED"}


def test_two_runs_may_add_other_rows(project: Project) -> None:
    """Both began with the same store, and neither takes away what the other adds."""
    project.resolve(ROWS)
    new = pl.DataFrame({"key": ["3"], "name": ["Bath"]})
    project.step(MOVED, run="first", day=FEBRUARY)
    project.step(new, run="other", day=FEBRUARY)

    project.commit("first")
    project.commit("other")

    assert project.kept()["source_key"].to_list() == ["n:1", "n:2", "n:3"]
    assert project.kept()["last_changed_date"].to_list() == [JANUARY, FEBRUARY, FEBRUARY]


def test_all_stores_change_or_none(project: Project) -> None:
    """One of them cannot be read: the others stay as they were, and a second try does it all."""
    other = CanonicalIdResolver(project.folder, "zebras", {"all": "*all"})
    with staged_identities(project.run_directory("ab12c"), "two"):
        other.resolve(ROWS, source_key_column="key", namespace="n", run_date=JANUARY)
    project.step(ROWS)
    other.store_path.parent.mkdir()
    other.store_path.write_bytes(b"damaged")

    with pytest.raises(StoreError, match="cannot be read"):
        project.commit()

    assert not project.resolver.store_path.exists()
    other.store_path.unlink()
    project.commit()
    assert project.resolver.store_path.exists()
    assert other.store_path.exists()


def test_steps_in_threads_share_what_they_give(project: Project) -> None:
    """Each thread is in a step of its own."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: project.step(ROWS, step=f"s{number}"), range(8)))
    project.commit()

    assert all(each.equals(found[0]) for each in found)
    assert project.kept().height == 2


def test_a_run_without_resolvers_commits_nothing(project: Project) -> None:
    """There is no folder for it, and none is made."""
    project.commit()
    forget_step(project.run_directory("ab12c"), "one")

    assert list(project.folder.iterdir()) == []


def test_a_step_is_told_what_is_missing_as_its_run_found_it(project: Project) -> None:
    """Also when it has resolved rows already."""
    project.resolve(ROWS)
    with staged_identities(project.run_directory("ab12c"), "one"):
        found = project.resolve(MOVED.head(1).with_columns(key=pl.lit("9")))
        missing = project.resolver.missing(found, source_key_column="key", namespace="n")

    assert missing["source_key"].to_list() == ["1", "2"]


def test_the_context_is_put_back(project: Project) -> None:
    """Also after an error: the next call is in no step."""
    with pytest.raises(ZeroDivisionError), staged_identities(project.folder, "one"):
        raise ZeroDivisionError

    assert identity_stage._STAGE.get() is None
