"""What conda is told is what pip is told."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "conda"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the recipes are not here")
yaml = pytest.importorskip("yaml")

MENU_ITEM = {"name", "description", "command", "icon", "activate", "terminal", "platforms"}
PLACEHOLDERS = {"DISTRIBUTION_NAME", "ENV_NAME", "MENU_DIR", "ICON_EXT", "PYTHON", "HOME"}


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def as_conda(requirement: str) -> str:
    """A requirement of pip's as conda writes it."""
    name, sign, version = re.fullmatch(r"([\w-]+)(>=)?([\d.]*)", requirement).groups()  # type: ignore[union-attr]
    return f"{name} {sign}{version}" if sign else name


def needed() -> set[str]:
    return {f"python {PROJECT['requires-python']}", *map(as_conda, PROJECT["dependencies"])}


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    """The recipe as rattler-build reads it, ready to be built."""
    rattler_build = pytest.importorskip("rattler_build", reason="py-rattler-build is not installed")
    recipe = rattler_build.Stage0Recipe.from_yaml(text_of("recipe.yaml"))
    (variant,) = recipe.render(rattler_build.VariantConfig.from_yaml("{}"))
    document: dict[str, Any] = variant.recipe.to_dict()
    return document


@pytest.fixture(scope="module")
def for_navigator() -> dict[str, Any]:
    """The older recipe, with its version put in."""
    text = text_of("navigator/meta.yaml")
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    document: dict[str, Any] = yaml.safe_load(text.replace("{{ version }}", PROJECT["version"]))
    return document


def test_the_recipe_can_be_built(rendered):
    """It is one package of the project's name and version, the same for all systems."""
    assert rendered["package"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
    assert rendered["build"]["noarch"] == "python"
    assert rendered["about"]["summary"] == PROJECT["description"]
    assert rendered["about"]["license"] == PROJECT["license"]
    assert (ROOT / rendered["about"]["license_file"][0]).is_file()


def test_a_slip_in_the_recipe_would_be_found():
    """So that the test above says something."""
    rattler_build = pytest.importorskip("rattler_build", reason="py-rattler-build is not installed")
    text = text_of("recipe.yaml").replace("requirements:", "requirments:")

    with pytest.raises(rattler_build.RattlerBuildError, match="requirments"):
        rattler_build.Stage0Recipe.from_yaml(text)


def test_conda_installs_what_pip_installs(rendered):
    """The same packages with the same lower bounds, to build and to run."""
    built_by = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]

    assert set(rendered["requirements"]["run"]) == needed()
    assert set(map(as_conda, built_by["requires"])) <= set(rendered["requirements"]["host"])


def test_conda_makes_the_same_command(rendered, for_navigator):
    """``pypedream``, beside ``python -m pypedream``."""
    commands = [f"{name} = {place}" for name, place in PROJECT["scripts"].items()]

    assert rendered["build"]["python"]["entry_points"] == commands
    assert for_navigator["build"]["entry_points"] == commands


def test_the_tile_of_navigator_has_what_it_runs(for_navigator):
    """The same base as the package, with JupyterLab and the widgets of forms."""
    requirements = set(for_navigator["requirements"]["run"])
    app = for_navigator["app"]

    assert f'version = "{PROJECT["version"]}"' in text_of("navigator/meta.yaml")
    assert requirements == {
        *needed(),
        "jupyterlab",
        *map(as_conda, PROJECT["optional-dependencies"]["notebook"]),
    }
    assert app.keys() == {"entry", "icon", "summary", "type"}
    assert app["entry"] == "python -m pypedream ui"
    assert (FOLDER / "navigator" / app["icon"]).is_file()


def test_the_menu_entry_has_what_menuinst_asks_for():
    """Each key of its schema that has no default, and none of its placeholders mistyped."""
    text = text_of("menu/pypedream_menu.json")
    menu = json.loads(text)

    assert {"$schema", "$id", "menu_name", "menu_items"} <= menu.keys()
    for item in menu["menu_items"]:
        assert item.keys() >= MENU_ITEM
        assert item["platforms"].keys() <= {"win", "osx", "linux"}
        assert item["command"][:4] == ["{{ PYTHON }}", "-m", "pypedream", "ui"]
    assert set(re.findall(r"\{\{ (\w+) \}\}", text)) <= PLACEHOLDERS


def test_all_that_the_menu_shows_is_installed(rendered):
    """The recipe copies the entry, and an icon of the kind that each system has."""
    script = " ".join(rendered["build"]["script"])
    signatures = {"png": b"\x89PNG", "ico": b"\0\0\1\0", "icns": b"icns"}

    for name in ("pypedream_menu.json", *(f"pypedream.{kind}" for kind in signatures)):
        assert f"conda/menu/{name}" in script
    for kind, signature in signatures.items():
        assert (FOLDER / "menu" / f"pypedream.{kind}").read_bytes().startswith(signature)
