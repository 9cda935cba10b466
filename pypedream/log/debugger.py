"""``breakpoint()`` in a stage: the debugger talks to the real streams."""

from __future__ import annotations

import os
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

from pypedream.log.asking import make_way
from pypedream.log.output import captured, suspended
from pypedream.log.patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

__all__ = ["BREAKPOINT"]


def _outside_capture(original: Callable[..., object]) -> Callable[..., object]:
    @wraps(original)
    def breakpointhook(*args: Any, **kwargs: Any) -> object:
        if captured() is None:
            return original(*args, **kwargs)
        if original is sys.__breakpointhook__ and _wants_pdb():
            _stop_at(sys._getframe(1), **kwargs)
            return None
        with suspended():
            return original(*args, **kwargs)

    return breakpointhook


def _wants_pdb() -> bool:
    return os.environ.get("PYTHONBREAKPOINT", "") in ("", "pdb.set_trace")


def _stop_at(frame: FrameType, *, header: str | None = None, **_: Any) -> None:
    """Start the debugger in *frame*: the one of the module, where Jupyter puts its own."""
    import pdb  # noqa: T100 - starting it is what breakpoint() is for

    class StageDebugger(pdb.Pdb):
        """Suspends capture while somebody types, and not while the stage goes on."""

        def interaction(self, *args: Any, **kwargs: Any) -> None:
            make_way()
            with suspended():
                super().interaction(*args, **kwargs)

    debugger = StageDebugger()
    if header is not None:
        with suspended():
            debugger.message(header)
    debugger.set_trace(frame)


def _module() -> ModuleType:
    return sys


BREAKPOINT = Patch(_module, "breakpointhook", _outside_capture)
