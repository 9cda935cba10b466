"""Views: a pipeline, a plan or a run as text, as a picture and as Mermaid; pure functions.

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
    from pypedream.view.mermaid import to_mermaid
    from pypedream.view.svg import to_svg
    from pypedream.view.text import tree_text

__all__ = ["describe", "to_mermaid", "to_svg", "tree_text"]

_HOMES = {"describe": "describing", "to_mermaid": "mermaid", "to_svg": "svg", "tree_text": "text"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module "pypedream.view" has no "{name}"')
    value = getattr(import_module(f"pypedream.view.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
