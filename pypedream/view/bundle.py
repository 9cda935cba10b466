"""Bundles: what a notebook shows of an object, as text and as HTML, for it to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.engine.diff import RunDiff
from pypedream.engine.failure import Failure
from pypedream.parameters import Parameters
from pypedream.pipeline import Pipeline
from pypedream.stage import Stage
from pypedream.tabular.row_ledger import RowLedger
from pypedream.tabular.rule_results import FileRules
from pypedream.tabular.run_report import RunReport
from pypedream.view.form import Form
from pypedream.view.html import to_html
from pypedream.view.html_objects import (
    diff_html,
    failure_html,
    parameters_html,
    picture_html,
    stage_html,
)
from pypedream.view.ledger import ledger_html
from pypedream.view.picture import Picture
from pypedream.view.rules import rules_html
from pypedream.view.tables_report import tables_html
from pypedream.view.text import tree_text

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN, HTML = "text/plain", "text/html"
_WAYS: dict[type, tuple[Callable[[Any], str], Callable[[Any], str]]] = {
    Form: (repr, Form.page),
    FileRules: (str, rules_html),
    Failure: (lambda failure: failure.redactor.text(str(failure)), failure_html),
    Parameters: (repr, parameters_html),
    Pipeline: (tree_text, to_html),
    Picture: (lambda picture: picture.about, picture_html),
    RowLedger: (str, ledger_html),
    RunReport: (str, tables_html),
    RunDiff: (str, diff_html),
    Stage: (repr, stage_html),
}


def mimebundle(subject: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """Return a text and, where it is wanted, HTML.

    Parameters
    ----------
    include, exclude
        Names of forms, as IPython asks for them; None for no wish.

    Examples
    --------
    >>> from pypedream import Parameters
    >>> sorted(mimebundle(Parameters.define(rate=0.1)))
    ['text/html', 'text/plain']
    """
    ways = (_WAYS[kind] for kind in type(subject).__mro__ if kind in _WAYS)
    in_text, in_html = next(ways, (repr, to_html))
    bundle = {PLAIN: in_text(subject)}
    if (not include or HTML in include) and HTML not in (exclude or ()):
        bundle[HTML] = in_html(subject)
    return bundle
