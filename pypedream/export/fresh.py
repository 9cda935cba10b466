"""What a fresh interpreter does for a proof: have a pipeline, run it, and say what it gave.

It is told what to do by its standard input, so that values, among them secrets, are in no file.
What the user's code prints goes to the standard output and is shown only if something fails.
"""

from __future__ import annotations

import builtins
import os
import pickle
import sys
from importlib import import_module
from pathlib import Path
from traceback import format_exception
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.export.account import Account, describe, results_of
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from pypedream.pipeline import Pipeline

_HINT = "to go on: "
START = "import sys; sys.path.append(sys.argv[1]); from pypedream.export.fresh import main; main()"


@define
class Order:
    """What is to be done.

    Attributes
    ----------
    answer
        The file that gets the account.
    paths
        Folders to import from, first of all.
    hidden
        Parameters whose defaults do not count.
    request
        The pickle of what `Pipeline.run` gets; with the pipeline, if there is no file.
    workspace
        A folder that the run may have, and that is gone afterwards.
    has_display
        Whether ``display`` is there without an import, as in IPython.
    file
        The module to run; "" if the pipeline comes along.
    shown
        What its file is to be called.
    name
        The name of the module for what it defines.
    variable
        The pipeline in it.
    """

    answer: str
    paths: list[str]
    hidden: tuple[str, ...]
    request: bytes
    workspace: str = ""
    has_display: bool = False
    file: str = ""
    shown: str = ""
    name: str = "__main__"
    variable: str = ""


def main() -> None:
    """Carry out the order that the standard input holds."""
    order: Order = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - it comes from the session
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as this lasts
    sys.path[:0] = order.paths
    account = Account()
    try:
        pipeline, request = _received(order)
        account = describe(pipeline, order.hidden)
        request["workspace"] = order.workspace
        account.results = results_of(pipeline.run(request.pop("parameters"), **request))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the session is told
        account.error = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
        account.missing = getattr(error, "name", None) or ""
        account.said = _told(error)
    Path(order.answer).write_bytes(pickle.dumps(account))


def _told(error: BaseException) -> str:
    """Return what Python says of an error, from the first line of the user's on."""
    error.with_traceback(users_traceback(error.__traceback__))
    lines = "".join(format_exception(error)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(_HINT))


def _received(order: Order) -> tuple[Pipeline, dict[str, Any]]:
    if not order.file:
        if order.has_display:
            builtins.display = import_module("IPython.display").display  # type: ignore[attr-defined]
        found: tuple[Pipeline, dict[str, Any]] = pickle.loads(order.request)  # noqa: S301
        return found
    module = _module(order)
    request: dict[str, Any] = pickle.loads(order.request)  # noqa: S301
    return getattr(module, order.variable), request


def _module(order: Order) -> ModuleType:
    """Run the file as a module of a name that makes its classes those of the session."""
    module = ModuleType(order.name)
    module.__file__ = order.shown
    sys.modules[order.name] = module
    code = compile(Path(order.file).read_bytes(), order.shown, "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102 - that is the proof
    return module
