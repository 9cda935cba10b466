from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pypedream.store import CacheStore

PLACES = ("folder", "file", "memory", "s3")
Open = Callable[..., CacheStore]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the user's signs what tests store."""
    monkeypatch.delenv("PYPEDREAM_CACHE_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, Any]]:
    """Options for a file system on an S3 server of our own, which has a bucket "bucket"."""
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "key": "user",
        "secret": "password",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}"},
    }
    import s3fs

    s3fs.S3FileSystem(**options).mkdir("bucket")
    yield options
    server.stop()


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Arguments that open the same store again and again, in each kind of place."""
    if request.param == "folder":
        return {"path": tmp_path / "store"}
    if request.param == "file":
        return {"path": (tmp_path / "store").as_uri()}
    pytest.importorskip("fsspec")
    if request.param == "memory":
        return {"path": f"memory://{uuid4().hex}/store"}
    options = request.getfixturevalue("s3")
    return {"path": f"s3://bucket/{uuid4().hex}", "storage_options": options}


@pytest.fixture
def open_store(place: dict[str, Any]) -> Open:
    """Open the store of this test, as another process would."""
    return lambda **options: CacheStore(**place, **options)


@pytest.fixture
def store(open_store: Open) -> CacheStore:
    return open_store()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a local store is."""
    return tmp_path / "store"
