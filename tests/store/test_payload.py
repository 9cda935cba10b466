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


def without_file(**ways: Callable[..., Any]) -> str:
    """The name of a serializer of the user's that can do without a file, and only so."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was made")

    name = f"test-{uuid4().hex}"
    formats.register(name, formats.Serializer(name, never, never, **ways))
    return name


@pytest.mark.parametrize("size", [1, 1000, 20_000], ids=["small", "inline", "blob"])
def test_a_serializer_that_gives_bytes(folder, size):
    """Its dumps is asked and not its dump; what is small comes back by its loads."""
    plain = without_file(dumps=lambda value: value.encode(), loads=lambda data: data.decode())
    store = CacheStore(folder)

    store.put("a", "x" * size, plain)

    assert store["a"] == "x" * size
    assert list(folder.glob("staging/*/*")) == []


@pytest.mark.parametrize("size", [1, 20_000], ids=["inline", "blob"])
def test_a_serializer_that_writes_to_an_open_file(folder, size):
    """In as many pieces as it likes."""

    def dump_to(value: str, file: Any) -> None:
        for letter in value:
            file.write(letter.encode())

    plain = without_file(dump_to=dump_to, loads=lambda data: data.decode())
    store = CacheStore(folder)

    store.put("a", "x" * size, plain)

    assert store["a"] == "x" * size


def test_options_that_only_a_path_takes(folder):
    """They are not lost: the value goes through a file."""

    def dump(value: str, path: Path, *, times: int = 1) -> None:
        Path(path).write_text(value * times, encoding="utf-8")

    def load(path: Path, *, upper: bool = False) -> str:
        text = Path(path).read_text(encoding="utf-8")
        return text.upper() if upper else text

    name = f"test-{uuid4().hex}"
    formats.register(
        name, formats.Serializer(name, dump, load, dumps=str.encode, loads=bytes.decode)
    )
    store = CacheStore(folder)
    store.put("a", "x", name, {"times": 3})

    assert store["a"] == "xxx"
    assert store.get("a", load_kwargs={"upper": True}) == "XXX"


def test_a_failure_without_a_file_names_the_key(folder):
    """As one that writes to a path does."""
    store = CacheStore(folder)
    store.put("b", "no JSON", "text")

    with pytest.raises(formats.FormatError, match=r'^the value for "a", written as json cannot be'):
        store.put("a", {1: 2}, "json")
    with pytest.raises(formats.FormatError, match=r'^the value for "b", read as json, line 1, is'):
        store.get("b", "json")

    assert store.keys() == ["b"]


def test_writing_to_an_open_file_that_fails_half_way(folder):
    """What has reached the disk by then is removed."""

    def dump_to(value: int, file: Any) -> None:
        file.write(b"x" * value)
        assert list(folder.glob("staging/*/*"))
        raise RuntimeError("no more")

    fails = without_file(dump_to=dump_to)
    store = CacheStore(folder)

    with pytest.raises(RuntimeError, match="no more"):
        store.put("a", 5_000_000, fails)

    assert store.keys() == []
    assert list(folder.glob("staging/*/*")) == []


def test_options_for_a_function_that_does_not_say_what_it_takes(folder):
    """A file is made, as the function that takes a path may know them."""

    def dump(value: str, path: Path, *, times: int = 1) -> None:
        Path(path).write_text(value * times, encoding="utf-8")

    class Silent:
        @property
        def __signature__(self) -> Any:
            raise ValueError("no signature")

        def __call__(self, value: str) -> bytes:
            return value.encode()

    name = f"test-{uuid4().hex}"
    plain = formats.Serializer(name, dump, lambda path: path.read_text(), dumps=Silent())
    formats.register(name, plain)
    store = CacheStore(folder)
    store.put("a", "x", name)
    store.put("b", "x", name, {"times": 2})

    assert (store["a"], store["b"]) == ("x", "xx")
