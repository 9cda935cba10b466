"""Functions of a module that is written in a test, with and without postponed annotations."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = """
import dataclasses
from typing import Annotated, Any, TypedDict

from pypedream.files import (
    CSV, JSON, YAML, Dep, DirectoryOut, IncrementalOut, Loader, MatplotlibFigure, Metric, Out,
    PathOnly, Pickle, PlaceholderDep, Plot, Reader, Text, Writer,
)
"""


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what makes a module ``flow`` of code and gives one of its names, by default *f*."""

    def make(code: str, name: str = "f", *, is_postponed: bool = False, to: str = "flow") -> Any:
        module = ModuleType(to)
        monkeypatch.setitem(sys.modules, to, module)
        flags = __import__("__future__").annotations.compiler_flag if is_postponed else 0
        exec(compile(HEAD + code, "flow.py", "exec", flags=flags, dont_inherit=True), vars(module))
        return getattr(module, name)

    return make


@pytest.fixture
def mistakes(define: Callable[..., Any]) -> Callable[..., list[str]]:
    """Return what gives the mistakes of the function *f* in code, without stage and place."""
    from pypedream.errors import PipelineConfigError
    from pypedream.files import spec_of

    def find(code: str, **options: Any) -> list[str]:
        with pytest.raises(PipelineConfigError) as caught:
            spec_of(define(code), **options)
        lines = str(caught.value).splitlines()
        assert all(line.startswith('stage "f"') and "(flow.py:" in line for line in lines)
        return [line[len('stage "f"') :].strip(":, ").rpartition(" (flow.py:")[0] for line in lines]

    return find
