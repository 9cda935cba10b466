"""Flows as Prefect runs them: on a server of their own that is gone afterwards.

``pytest -m prefect`` runs these tests where Prefect 3 is installed, on Python 3.11 for instance::

    python -m venv /tmp/prefect
    /tmp/prefect/bin/pip install prefect pytest hypothesis pandas pyarrow -e .
    /tmp/prefect/bin/python -m pytest -m prefect tests/prefect
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pypedream import Pipeline

FLOWS = Path(__file__).parent / "flows"


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Prefect, with a server that starts in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        found: ModuleType = pytest.importorskip("prefect")
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=180):
            yield found


@pytest.fixture
def modules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module anew from the test's own folder, where those of the tests are put."""

    def forget() -> None:
        invalidate_caches()
        for name, module in [*sys.modules.items()]:
            if Path(getattr(module, "__file__", None) or "").parent == tmp_path:
                del sys.modules[name]

    def load(name: str) -> ModuleType:
        forget()
        ours = FLOWS / f"{name}.py"
        if ours.exists():
            (tmp_path / ours.name).write_text(ours.read_text())
        return import_module(name)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield load
    forget()


@pytest.fixture
def exported(modules: Callable[[str], ModuleType], tmp_path: Path) -> Callable[..., Any]:
    """Write a pipeline as a flow file; return its flow."""

    def export(pipeline: Pipeline, **how: Any) -> Any:
        written = pipeline.to_prefect(tmp_path / "flow_of_test.py", **how)
        return getattr(import_module("flow_of_test"), written.function)

    return export
