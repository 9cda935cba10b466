from __future__ import annotations

import pytest

from pypedream.errors import ReadOnlyStore
from pypedream.store import CacheStore, CorruptEntryWarning

pytest.importorskip("fsspec")


@pytest.fixture
def url(tmp_path) -> str:
    return f"memory://{tmp_path.name}/remote"


@pytest.fixture
def there(url) -> CacheStore:
    """The remote store, with a small and a large value."""
    there = CacheStore(url)
    there.put("small", [1], additional_metadata={"n": 1})
    there["large"] = "x" * 20_000
    return there


@pytest.fixture
def here(folder, url) -> CacheStore:
    return CacheStore(folder, remote=url)


def test_what_is_not_here_is_read_from_there(here, there):
    """And is here from then on."""
    assert here.keys() == ["large", "small"]
    assert "small" in here
    assert here.get_artifact("small").additional_metadata == {"n": 1}

    assert (here["small"], here["large"]) == ([1], "x" * 20_000)

    assert here.backend.keys() == ["large", "small"]
    assert here.get_artifact("small").additional_metadata == {"n": 1}


def test_once_finds_what_is_there(here, there):
    """Nothing is computed that somebody else has computed."""
    assert here.once("small", lambda: 1 / 0) == [1]


def test_what_is_put_here_is_not_there(here, there):
    """Until it is pushed; then all of it is, or what is named."""
    here["a"], here["b"] = 1, "y" * 20_000
    assert "a" not in there

    assert here.push(["b", "absent"]) == ["b"]
    assert here.push() == ["a"]
    assert here.push() == []

    assert there["b"] == "y" * 20_000


def test_pull_copies(here, there):
    """All that is not here, or what is named."""
    assert here.pull(["small"]) == ["small"]
    assert here.pull() == ["large"]
    assert here.pull() == []


def test_damage_there_does_not_come_here(here, there):
    """It is reported and set aside where it is."""
    there.backend._fs.pipe_file(there.backend._blob(there.backend.find("large").digest), b"z")

    with pytest.warns(CorruptEntryWarning, match='"large" is truncated'):
        assert here.pull() == ["small"]

    assert there.keys() == ["small"]


def test_damage_here_is_healed_from_there(here, there, folder):
    """What was set aside is copied again."""
    assert here["large"] == "x" * 20_000
    blob = here.backend.blob(here.backend.find("large"))
    blob.chmod(0o600)
    blob.write_text("z", encoding="utf-8")
    other = CacheStore(folder, remote=there.location)

    with pytest.warns(CorruptEntryWarning, match='"large" is truncated'):
        assert other["large"] == "x" * 20_000


def test_a_read_only_store_copies_nothing(folder, url, there):
    """It reads there what is not here."""
    here = CacheStore(folder, readonly=True, remote=url)

    assert here["small"] == [1]
    with pytest.raises(KeyError, match="absent"):
        here.get("absent")
    with pytest.raises(ReadOnlyStore, match="is read-only"):
        here.pull()
    with pytest.raises(ReadOnlyStore, match="is read-only"):
        here.push()
    assert not folder.exists()


def test_a_store_without_a_remote_one(folder):
    """The text says how to have one."""
    with pytest.raises(ValueError, match="open it with remote=URL"):
        CacheStore(folder).push()


def test_deleting_here_leaves_it_there(here, there):
    """The remote store is changed by nothing but a push."""
    here.pull()
    here.delete("small", dry_run=False)

    assert "small" in there
    assert here.backend.keys() == ["large"]
