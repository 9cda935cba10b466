"""The shelf table of the README is the tree of the package, and the import contract knows both."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import pypedream

ROOT = Path(__file__).parents[1]
PACKAGE = Path(pypedream.__file__).parent


def tree() -> set[str]:
    """Every module and package of pypedream, as the table writes it."""
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    return modules | packages


def table() -> dict[str, bool]:
    """Every place of the README's shelf table: True when it says that the place is coming."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## The shelves", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")]
    return {
        place: row[3].strip().startswith("coming")
        for row in rows
        for place in re.findall(r"`([^`]+)`", row[2])
    }


def layers() -> set[str]:
    """Every place that the import contract names, as the table writes it, but without endings."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return {name for layer in contracts[0]["layers"] for name in re.findall(r"\w+", layer)}


def test_every_place_of_the_tree_is_in_the_table() -> None:
    """A module or package that the README does not place on a shelf has no place."""
    assert tree() - set(table()) == set()


def test_the_table_says_of_each_place_whether_it_exists() -> None:
    """A row without "coming" stands for something that is there, a row with it does not."""
    exists = {place: not coming for place, coming in table().items()}

    assert exists == {place: place in tree() for place in exists}


def test_the_import_contract_names_the_places_of_the_table() -> None:
    """The README and the layers that are checked cannot drift apart."""
    places = {place.removesuffix("/").removesuffix(".py") for place in table()}

    assert layers() == places


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "core", "misc"])
def test_no_module_is_a_drawer(name: str) -> None:
    """Every file has a noun; none is called after what did not find a place.

    One holds nothing itself: who comes from exca imports from a module of that name.
    """
    places = (path.relative_to(PACKAGE) for path in PACKAGE.rglob(f"{name}*"))
    found = {place.as_posix() for place in places if "__pycache__" not in place.parts}

    assert found - {"steps/helpers.py"} == set()
