"""pypedream: workflows of plain Python functions; a stage is a function, a run is a context.

>>> from pypedream import Parameters, Pipeline
>>> flow = Pipeline("hello", Parameters.define(name="world"))
>>> @flow.stage
... def greeting(name):
...     return f"hello {name}"
>>> flow.run(name="you")["greeting"]
'hello you'

Importing pypedream changes nothing and loads little: the names below come from their modules when
they are first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypedream import (
        context,
        engine,
        errors,
        executors,
        export,
        files,
        formats,
        log,
        patterns,
        steps,
        store,
        sweep,
        tabular,
        view,
    )
    from pypedream.engine.failure import Failure
    from pypedream.inputs import Input, InputBinding, dependency, immediate, param, var
    from pypedream.log.logger import logger
    from pypedream.mappers import (
        CHILL,
        PRESERVE,
        STRICT,
        WARN_UNEXPECTED,
        DependencyInputMapper,
        KeyedInputMapper,
        KeyedOutputMapper,
        SequentialOutputMapper,
    )
    from pypedream.parameters import Parameter, Parameters, Secret, Variables
    from pypedream.pipeline import Pipeline
    from pypedream.stage import Stage

_HOMES = {
    "CHILL": "mappers",
    "DependencyInputMapper": "mappers",
    "Failure": "engine.failure",
    "Input": "inputs",
    "InputBinding": "inputs",
    "KeyedInputMapper": "mappers",
    "KeyedOutputMapper": "mappers",
    "PRESERVE": "mappers",
    "Parameter": "parameters",
    "Parameters": "parameters",
    "Pipeline": "pipeline",
    "STRICT": "mappers",
    "Secret": "parameters",
    "SequentialOutputMapper": "mappers",
    "Stage": "stage",
    "Variables": "parameters",
    "WARN_UNEXPECTED": "mappers",
    "dependency": "inputs",
    "immediate": "inputs",
    "load_ipython_extension": "view.extension",
    "logger": "log.logger",
    "param": "inputs",
    "unload_ipython_extension": "view.extension",
    "var": "inputs",
}
_MODULES = (
    "context",
    "engine",
    "errors",
    "executors",
    "export",
    "files",
    "formats",
    "log",
    "patterns",
    "steps",
    "store",
    "sweep",
    "tabular",
    "view",
)

__all__ = [
    "CHILL",
    "PRESERVE",
    "STRICT",
    "WARN_UNEXPECTED",
    "DependencyInputMapper",
    "Failure",
    "Input",
    "InputBinding",
    "KeyedInputMapper",
    "KeyedOutputMapper",
    "Parameter",
    "Parameters",
    "Pipeline",
    "Secret",
    "SequentialOutputMapper",
    "Stage",
    "Variables",
    "context",
    "dependency",
    "engine",
    "errors",
    "executors",
    "export",
    "files",
    "formats",
    "immediate",
    "log",
    "logger",
    "param",
    "patterns",
    "steps",
    "store",
    "sweep",
    "tabular",
    "var",
    "view",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pypedream")
    if name in _MODULES:
        return import_module(f"pypedream.{name}")
    if name not in _HOMES:
        # Python itself adds the nearest name where the error is shown; every import of a
        # submodule comes by here first, so looking for it now would cost each of them a search.
        text = f'module "pypedream" has no "{name}"'
        raise AttributeError(text, name=name, obj=sys.modules[__name__])
    value = getattr(import_module(f"pypedream.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
