"""Backends: what a step may have as its ``infra``, and what is kept of it.

Each is written down by its name: ``infra={"backend": "Cached", "folder": "cache"}``.
"""

from __future__ import annotations

from pypedream.steps.backend import Backend, Cached
from pypedream.steps.cache_dict import CacheDict
from pypedream.steps.clusters import Dask, Ray
from pypedream.steps.jobs import Auto, LocalProcess, Slurm, SubmititDebug
from pypedream.steps.lookup import LookupHandle
from pypedream.steps.paths import StepPaths
from pypedream.steps.pools import ProcessPool, ThreadPool

__all__ = [
    "Auto",
    "Backend",
    "CacheDict",
    "Cached",
    "Dask",
    "LocalProcess",
    "LookupHandle",
    "ProcessPool",
    "Ray",
    "Slurm",
    "StepPaths",
    "SubmititDebug",
    "ThreadPool",
]
