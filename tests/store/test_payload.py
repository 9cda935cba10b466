from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pypedream import formats
from pypedream.errors import StoreError
from pypedream.store import CacheStore


def dump_leaves(value: dict[str, str], path: Path) -> None:
    """Write a folder with a file for each entry."""
    for name, text in value.items():
        leaf = Path(path, name)
        leaf.parent.mkdir(parents=True, exist_ok=True)
        leaf.write_text(text, encoding="utf-8")


def load_leaves(path: Path) -> dict[str, str]:
    leaves = [leaf for leaf in Path(path).rglob("*") if leaf.is_file()]
    return {leaf.relative_to(path).as_posix(): leaf.read_text(encoding="utf-8") for leaf in leaves}


def registered(dump: Callable[..., Any], load: Callable[..., Any] = load_leaves) -> str:
    """The name of a serializer of the user's."""
    name = f"test-{uuid4().hex}"
    formats.register(name, formats.Serializer(name, dump, load))
    return name


def test_a_format_that_makes_a_folder(open_store):
    """The folder comes back as it was, from any place."""
    leaves = registered(dump_leaves)
    value = {"0/0": "a" * 10_000, "0/1": "b", "zarr.json": "ü"}

    open_store().put("tree", value, leaves)

    assert open_store()["tree"] == value


def test_the_same_folder_is_the_same_content(folder):
    """When it was made, and in which order, does not count."""
    leaves = registered(dump_leaves)
    store = CacheStore(folder)
    store.put("a", {"x": "1" * 9000, "y": "2"}, leaves)
    store.put("b", {"y": "2", "x": "1" * 9000}, leaves)

    assert store.path("a") == store.path("b")


def test_a_packed_folder_cannot_leave_its_place(folder, tmp_path):
    """A name that leads out of it leads nowhere."""
    leaves = registered(dump_leaves)
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../../../escaped", "x")
    store = CacheStore(folder)
    store.put("a", {"x": "1"}, leaves)
    from hashlib import sha256

    from attrs import evolve

    content = archive.read_bytes()
    entry = store.backend.find("a")
    digest = sha256(content).hexdigest()
    bad = evolve(entry, inline=content, digest=digest, size=len(content))
    store.backend.add(bad, None, replace=True)

    assert store["a"] == {"escaped": "x"}


def test_a_format_that_writes_elsewhere(folder):
    """The text names the serializer, and nothing is stored."""
    lost = registered(lambda value, path: None)
    store = CacheStore(folder)

    with pytest.raises(StoreError, match=r'serializer "test-.*" wrote nothing to the path'):
        store.put("a", 1, lost)

    assert store.keys() == []


def test_a_format_that_fails_half_way(folder):
    """Its own error is raised; what it began is removed, also under names of its own."""

    def dump(value: Any, path: Path) -> None:
        Path(path).write_text("half", encoding="utf-8")
        Path(path).with_name(f"{Path(path).name}.tmp").write_text("half", encoding="utf-8")
        raise RuntimeError("no more")

    fails = registered(dump)
    store = CacheStore(folder)

    with pytest.raises(RuntimeError, match="no more"):
        store.put("a", 1, fails)

    assert store.keys() == []
    assert list(folder.glob("staging/*/*")) == []
