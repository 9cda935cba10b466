"""Views: a pipeline, a plan or a run as text, as a picture, as HTML and as Mermaid.

All of them are pure functions.

>>> from pypedream import Pipeline, view
>>> flow = Pipeline("sum")
>>> @flow.stage
... def numbers(): ...
>>> @flow.stage
... def total(numbers): ...
>>> print(view.tree_text(flow))
sum
  ●  numbers
  ○  total    numbers
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypedream.view.describing import describe
    from pypedream.view.html import to_html
    from pypedream.view.live import RunState, live_frame, run_state
    from pypedream.view.mermaid import to_mermaid
    from pypedream.view.plot import to_plot
    from pypedream.view.report import to_report, write_report
    from pypedream.view.svg import to_svg
    from pypedream.view.text import tree_text
    from pypedream.view.timeline import to_timeline

__all__ = [
    "RunState",
    "describe",
    "live_frame",
    "run_state",
    "to_html",
    "to_mermaid",
    "to_plot",
    "to_report",
    "to_svg",
    "to_timeline",
    "tree_text",
    "write_report",
]

_HOMES = {
    "RunState": "live",
    "describe": "describing",
    "live_frame": "live",
    "run_state": "live",
    "to_html": "html",
    "to_mermaid": "mermaid",
    "to_plot": "plot",
    "to_report": "report",
    "to_svg": "svg",
    "to_timeline": "timeline",
    "tree_text": "text",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module "pypedream.view" has no "{name}"')
    value = getattr(import_module(f"pypedream.view.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
