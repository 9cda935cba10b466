"""A directive for Sphinx: a pipeline in pages of documentation, drawn as everywhere else.

In ``conf.py``: ``extensions = [..., "pypedream.view.sphinx"]``. In a page, of a pipeline that can
be imported, as autodoc imports::

    .. pipeline:: weather.flows:flow
       :stages:

shows the picture of the pipeline, and with ``:stages:`` also its stages and parameters. In pages
that are no HTML the stages stand there as text.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pypedream.names import did_you_mean
from pypedream.pipeline import Pipeline
from pypedream.view.html import fragment, image_of, new_scope, page_of
from pypedream.view.text import tree_text

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("pipeline", _directive())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _directive() -> Any:
    """Return the class of the directive; made here, as only who has Sphinx can import this."""
    from docutils.parsers.rst import Directive, directives

    def run(self: Any) -> list[Node]:
        return _nodes(_named(self.arguments[0]), has_stages="stages" in self.options)

    parts = {"required_arguments": 1, "option_spec": {"stages": directives.flag}, "run": run}
    return type("PipelineDirective", (Directive,), parts)


def _nodes(flow: Pipeline, *, has_stages: bool) -> list[Node]:
    from docutils.nodes import literal_block, raw
    from sphinx.addnodes import only

    page = page_of(flow)
    html = image_of(page.description)
    if has_stages:
        html = fragment(page, new_scope(), has_fallback=False)
    text = tree_text(flow)
    others = only("", literal_block(text, text), expr="not html")
    return [raw("", str(html), format="html"), others]


def _named(name: str) -> Pipeline:
    """Return the pipeline ``module:name``.

    Raises
    ------
    ExtensionError
        If there is none.
    """
    from sphinx.errors import ExtensionError

    module, _, attribute = name.partition(":")
    try:
        found = vars(import_module(module))
    except ImportError as error:
        raise ExtensionError(f'pipeline "{name}" cannot be imported: {error}') from error
    flow = found.get(attribute)
    if isinstance(flow, Pipeline):
        return flow
    flows = [key for key, value in found.items() if isinstance(value, Pipeline)]
    near = did_you_mean(attribute, flows)
    raise ExtensionError(f'module "{module}" has no pipeline "{attribute}"{near}')
