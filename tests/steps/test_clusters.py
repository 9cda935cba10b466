"""Clusters: Dask and Ray, of our own for a computation or of the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest

from pypedream.errors import ExecutorError, StageKilled
from pypedream.steps.backends import Dask, Ray
from tests.steps.configured import Deadly, Fragile, Pid, Shift, Talking, Tenfold, noted

KINDS = [
    pytest.param("Dask", marks=pytest.mark.cluster),
    pytest.param("Ray", marks=pytest.mark.cluster),
]


def by(backend: str, folder: Path, **fields: Any) -> dict[str, Any]:
    return {"backend": backend, "folder": folder, **fields}


@pytest.fixture(scope="module")
def dask() -> Iterator[Any]:
    """A client that this process is connected to."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def _there(request: pytest.FixtureRequest, backend: str) -> None:
    """The cluster of a backend, for all tests with it."""
    if backend == "Dask":
        request.getfixturevalue("dask")
    else:
        pytest.importorskip("ray")


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize("backend", KINDS)
def test_items_are_computed_by_the_cluster(
    tmp_path: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order, each once, elsewhere; and what is printed there is printed here."""
    notes = tmp_path / "notes"
    step = Shift(infra=by(backend, tmp_path / "kept"), notes=str(notes))

    assert list(step.run_many([*range(10), 3])) == [*range(1, 11), 4]
    assert noted(notes) == [*map(str, range(10))]
    assert Pid(infra=by(backend, tmp_path / "kept")).run(1) != os.getpid()
    assert list(Tenfold(infra=by(backend, tmp_path / "kept")).run_many([1, 2])) == [10, 20]
    Talking(infra=by(backend, tmp_path / "kept")).run(1)
    assert "heard 1\n" in capsys.readouterr().out


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize("backend", KINDS)
def test_errors_and_dead_workers_are_told(tmp_path: Path, backend: str) -> None:
    """An error is the user's own and is kept; that a worker died is not."""
    step = Fragile(infra=by(backend, tmp_path / "kept"))
    with pytest.raises(ValueError, match="bad 2"):
        list(step.run_many([1, 2, 3]))
    assert [step.lookup(n).status for n in (1, 2)] == ["success", "error"]

    deadly = Deadly(infra=by(backend, tmp_path / "kept"))
    with pytest.raises(StageKilled, match='step "Deadly": '):
        list(deadly.run_many([1, 2, 3]))
    assert deadly.lookup(2).status is None


@pytest.mark.cluster
def test_a_cluster_has_an_address(tmp_path: Path, dask: Any) -> None:
    """Of one that is not there the error says so."""
    address = dask.scheduler.address

    assert Shift(infra=by("Dask", tmp_path, address=address)).run(1) == 2
    with pytest.raises(ExecutorError, match=r"no cluster at tcp://127.0.0.1:1"):
        Shift(infra=by("Dask", tmp_path, address="tcp://127.0.0.1:1")).run(2)


def test_fields_are_validated() -> None:
    """They are those of a pool, and where the cluster is."""
    for kind in (Dask, Ray):
        backend = kind(address="tcp://10.0.0.1:8786")
        assert (backend.max_jobs, backend.address) == (128, "tcp://10.0.0.1:8786")
        assert kind(max_jobs=None).address is None
        with pytest.raises(pydantic.ValidationError, match="greater than 0"):
            kind(max_jobs=0)
