from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from pypedream.errors import StoreError, UnsafePayload
from pypedream.store import CacheStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


class Payload:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The folder that a pickle makes that should not have been read."""
    return tmp_path / "executed"


def plant(store: CacheStore, mark: Path, *, size: int = 0) -> None:
    content = pickle.dumps((Payload(mark), "x" * size))
    store.put("a", content, "bytes")
    entry = store.backend.find("a")
    from attrs import evolve

    with store.backend.staged() as path:
        path.write_bytes(content)
        new = evolve(entry, serializer="pickle")
        store.backend.add(new, None if entry.inline else path, replace=True)


def test_a_pickle_of_ones_own_is_read(folder):
    """In a folder that nobody else can write to."""
    store = CacheStore(folder)
    store["a"] = {1, 2}

    assert CacheStore(folder)["a"] == {1, 2}
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("place", [".", "index.db", "blobs", "blobs/*", "blobs/*/*"])
@pytest.mark.parametrize("mode", [0o020, 0o002], ids=["group", "world"])
def test_a_pickle_that_others_can_write_is_refused(folder, mark, place, mode):
    """It is not executed; the text says which place, and how to close it."""
    store = CacheStore(folder)
    plant(store, mark, size=20_000)
    (open_place,) = [folder] if place == "." else folder.glob(place)
    open_place.chmod(open_place.stat().st_mode | mode)

    with pytest.raises(UnsafePayload, match=rf"others may write to {open_place}; chmod [67]00 "):
        CacheStore(folder).get("a")

    assert not mark.exists()


def test_a_pickle_of_another_user_is_refused(folder, mark):
    """His folder may be as private as it likes."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    plant(CacheStore(folder), mark)
    os.chown(folder, 12345, -1)

    with pytest.raises(UnsafePayload, match="belongs to another user"):
        CacheStore(folder).get("a")

    assert not mark.exists()


def test_a_pickle_behind_a_url_is_refused(mark):
    """Whoever can write there could have our machine run anything."""
    pytest.importorskip("fsspec")
    url = f"memory://{mark.parent.name}/trust"
    plant(CacheStore(url), mark)

    with pytest.raises(UnsafePayload, match=r"is not a folder of this machine; .*allow_pickle"):
        CacheStore(url).get("a")
    with pytest.raises(UnsafePayload, match='"a" is a pickle'):
        CacheStore(url).once("a", lambda: 1)
    with pytest.raises(UnsafePayload, match='"a" is a pickle'):
        CacheStore(url).put("a", 1)

    assert not mark.exists()


def test_a_pickle_is_not_read_because_the_caller_names_it(folder, mark):
    """The serializer that is asked for counts, not only the one that is recorded."""
    pytest.importorskip("fsspec")
    url = f"memory://{folder.parent.name}/named"
    CacheStore(url).put("a", pickle.dumps(Payload(mark)), "bytes")

    with pytest.raises(UnsafePayload, match='"a" is a pickle'):
        CacheStore(url).get("a", serializer="pickle")

    assert not mark.exists()


def test_pulling_does_not_make_a_pickle_ones_own(folder, mark):
    """What was refused there is not accepted here."""
    pytest.importorskip("fsspec")
    url = f"memory://{folder.parent.name}/pulled"
    plant(CacheStore(url), mark)
    store = CacheStore(folder, remote=url)

    for read in (lambda: store["a"], store.pull):
        with pytest.raises(UnsafePayload, match='"a" is a pickle'):
            read()

    assert store.backend.keys() == []
    assert not mark.exists()


def test_a_signed_pickle_is_read(monkeypatch):
    """With the key that it was signed with; any other signature counts for nothing."""
    pytest.importorskip("fsspec")
    url = "memory://signed/store"
    monkeypatch.setenv("PYPEDREAM_CACHE_KEY", "our secret")
    CacheStore(url, on_duplicate_key="overwrite").put("a", {1})

    assert CacheStore(url)["a"] == {1}
    monkeypatch.setenv("PYPEDREAM_CACHE_KEY", "another")
    with pytest.raises(UnsafePayload, match="PYPEDREAM_CACHE_KEY"):
        CacheStore(url).get("a")


def test_a_signature_is_for_one_key(monkeypatch, mark):
    """An entry cannot be given out for another."""
    pytest.importorskip("fsspec")
    from attrs import evolve

    monkeypatch.setenv("PYPEDREAM_CACHE_KEY", "our secret")
    store = CacheStore(f"memory://{mark.parent.name}/renamed")
    store.put("a", {1})
    entry = store.backend.find("a")
    store.backend.add(evolve(entry, key="b"), None, replace=True)

    with pytest.raises(UnsafePayload, match='"b" is a pickle'):
        store.get("b")


def test_a_key_may_be_in_a_file(tmp_path):
    """Only its owner may read it."""
    pytest.importorskip("fsspec")
    url = f"memory://{tmp_path.name}/file"
    file = tmp_path / "home/.config/pypedream/key"
    file.parent.mkdir(parents=True)
    file.write_text("secret\n", encoding="utf-8")
    file.chmod(0o600)
    CacheStore(url).put("a", {1})
    assert CacheStore(url)["a"] == {1}

    file.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        CacheStore(url).get("a")


def test_allow_pickle_allows(mark):
    """Who says so has it executed."""
    pytest.importorskip("fsspec")
    url = f"memory://{mark.parent.name}/allowed"
    plant(CacheStore(url), mark)

    CacheStore(url, allow_pickle=True).get("a")

    assert mark.exists()


def test_what_is_no_pickle_is_read_anywhere(folder):
    """JSON, text and arrays run no code."""
    store = CacheStore(folder)
    store["a"] = [1]
    folder.chmod(0o777)

    assert CacheStore(folder)["a"] == [1]
