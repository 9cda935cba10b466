"""The kernels under test: the installed one, and with ``-m kernels`` one of each version."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.kernels.kernel import VERSIONS, Kernel, python_with

SETUP = """
    import asyncio, contextlib, io, logging, subprocess, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    from pypedream import Parameters, Pipeline, context

    STREAMS = sys.stdout, sys.stderr

    def flow_of(*stages, **options):
        flow = Pipeline("cells", **{"progress": False, **options})
        for stage in stages:
            flow.stage(stage)
        return flow

    def said(run):
        return [(one.stage, one.event) for one in run.events if one.kind == "print"]

    def is_restored():
        return sys.stdout is STREAMS[0] and sys.stderr is STREAMS[1]
"""
OTHERS = [pytest.param(version, marks=pytest.mark.kernels) for version in VERSIONS]


@pytest.fixture(scope="session", params=["installed", *OTHERS])
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel; environments for versions are kept in pytest's cache."""
    pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    version = str(request.param)
    python = sys.executable
    if version != "installed":
        cache = request.config.cache
        assert cache is not None
        python = python_with(version, cache.mkdir("kernels"))
    kernel = Kernel(tmp_path_factory.mktemp("kernel"), tmp_path_factory.mktemp("ipython"), python)
    assert kernel.run(SETUP).error == ""
    yield kernel
    kernel.stop()


@pytest.fixture
def kernel(started: Kernel) -> Iterator[Kernel]:
    """The kernel; after each test the streams are what they were."""
    yield started
    assert started.value("is_restored()")
