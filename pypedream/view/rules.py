"""Rules of a file as a table: what was checked, what failed, and a few of the values that did.

What failed comes first; what passed is in a fold, as a wide file has hundreds of rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.tabular.rule_results import examples_shown, share_text
from pypedream.view.tags import Html, tag
from pypedream.view.titled import titled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.tabular.rule_results import FileRules, RuleResult

__all__ = ["rules_html", "rules_parts"]

_HEADS = ("column", "rule", "checked", "passed", "failed", "share", "examples", "extract")
_NUMBERS = range(2, 6)
_FEW = 12


def rules_html(rules: FileRules) -> str:
    """Return the rules of one file: a table, in a fold if there are many that passed."""
    return titled(rules.headline, rules_parts(rules))


def rules_parts(rules: FileRules) -> Iterator[Html]:
    """Yield the tables, for an element that has a style."""
    passed = [each for each in rules.rules if not each.failed]
    if len(rules.rules) <= _FEW or not passed:
        yield _table(rules.rules)
        return
    if rules.failed:
        yield _table(rules.failed)
    count = "1 rule passed" if len(passed) == 1 else f"{len(passed):,} rules passed"
    yield tag("details", tag("summary", tag("b", count)), _table(passed))


def _table(rules: Sequence[RuleResult]) -> Html:
    if not rules:
        return Html()
    rows = [_cells(each) for each in rules]
    # A column that says nothing of any rule is left out.
    places = [place for place in range(len(_HEADS)) if any(row[place] for row in rows)]
    head = tag("tr", *(tag("th", _HEADS[place], class_=_side(place)) for place in places))
    lines = (
        tag("tr", *(tag("td", row[place], class_=_side(place)) for place in places)) for row in rows
    )
    return tag("div", tag("table", head, *lines, class_="u"))


def _cells(rule: RuleResult) -> tuple[str, ...]:
    failed = f"{rule.failed:,}"
    return (
        rule.column or "",
        rule.rule,
        f"{rule.checked:,}",
        f"{rule.passed:,}",
        tag("b", failed) if rule.failed else failed,
        share_text(rule) if rule.failed else "0%",
        ", ".join(examples_shown(rule)),
        rule.extract or "",
    )


def _side(place: int) -> str:
    return "n" if place in _NUMBERS else ""
