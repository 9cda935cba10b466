from __future__ import annotations

import subprocess
import sys

import pytest

from pypedream import store

HEAVY = ("fsspec", "numpy", "pandas", "sqlite3", "zipfile")


@pytest.mark.parametrize("name", store.__all__)
def test_every_name_is_there(name):
    """What the package promises can be loaded from it."""
    assert getattr(store, name) is not None
    assert name in dir(store)


def test_a_name_that_is_not_there():
    """A mistyped name is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'CacheStor'"):
        _ = store.CacheStor


@pytest.mark.parametrize(
    "code, not_loaded",
    [
        ("import pypedream.store", (*HEAVY, "pypedream.store.cache_store")),
        ("from pypedream.store import CacheStore", ("fsspec", "numpy", "pandas")),
        (
            "from pypedream.store import CacheStore; CacheStore(sys.argv[1]).put('a', 1)",
            ("fsspec", "pandas"),
        ),
    ],
    ids=["package", "class", "folder"],
)
def test_what_is_heavy_is_loaded_when_it_is_used(tmp_path, code, not_loaded):
    """A folder needs no fsspec."""
    probe = f"import sys; {code}; print([m for m in {not_loaded!r} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", probe, str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert loaded == "[]\n"
