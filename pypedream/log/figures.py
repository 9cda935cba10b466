"""Figures that a stage leaves open in a notebook are displayed as its own when it ends.

Matplotlib's backend for notebooks shows what is open at the end of the cell: all of it there, and
nobody knows of which stage.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from pypedream.log.output import at_end, captured
from pypedream.log.patch import Change

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["FIGURES"]

_MADE = "_set_new_active_manager"
_HOME = "matplotlib._pylab_helpers"


class Figures(Change):
    """Takes note which attempt makes a figure, once pyplot is loaded; there is one, `FIGURES`."""

    def __init__(self) -> None:
        super().__init__()
        self._finder = _Finder(self.look_again)
        self._managers: Any = None
        self._original: Any = None
        self._ours: Any = None

    def apply(self) -> None:
        """Look on as figures are made; a stage may be the first that loads pyplot."""
        helpers = sys.modules.get(_HOME)
        if helpers is None:
            self._finder.begin()
            return
        if _MADE not in vars(helpers.Gcf):
            return
        self._managers = helpers.Gcf
        self._original = vars(self._managers)[_MADE]
        self._ours = staticmethod(_claiming(getattr(self._managers, _MADE), self._managers))
        setattr(self._managers, _MADE, self._ours)

    def look_again(self) -> None:
        """Look on if pyplot has been loaded since."""
        if self.is_needed and self._managers is None:
            self.apply()

    def undo(self) -> None:
        """Look away."""
        self._finder.end()
        if self._managers is not None and vars(self._managers)[_MADE] is self._ours:
            setattr(self._managers, _MADE, self._original)
        self._managers = None


class _Finder:
    """Tells when the module that has the figures is loaded; finds nothing itself."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def begin(self) -> None:
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def end(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _HOME:
            return None
        others = [one for one in sys.meta_path if one is not self and hasattr(one, "find_spec")]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and spec.loader is not None:
            self._tell_after(spec.loader)
        return spec

    def _tell_after(self, loader: Any) -> None:
        original = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            original(module)
            self.end()
            self._tell()

        loader.exec_module = exec_module


def _claiming(original: Callable[[Any], None], managers: Any) -> Callable[[Any], None]:
    def take(manager: Any) -> None:
        original(manager)
        attempt = captured()
        if attempt is not None and _is_inline():
            at_end(attempt, partial(_show, manager, managers))

    return take


def _is_inline() -> bool:
    return "inline" in str(sys.modules["matplotlib"].get_backend())


def _show(manager: Any, managers: Any) -> None:
    """Display a figure, unless it was shown or closed, and close it as the backend would do."""
    if managers.figs.get(manager.num) is manager:
        from IPython.display import display

        try:
            display(manager.canvas.figure)  # type: ignore[no-untyped-call]
        finally:
            managers.destroy(manager)


FIGURES = Figures()
