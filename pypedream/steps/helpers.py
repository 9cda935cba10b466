"""Where those who come from another library of steps look for `Func`."""

from __future__ import annotations

from pypedream.steps.func import Func

__all__ = ["Func"]
