"""Rules and what came of them: how many values of a file were checked, and which failed.

This is plain data: it can be made by hand, sent elsewhere and drawn without polars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream._lazy import shown_as
from pypedream.log.displayed import exhibit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FileRules", "RuleResult", "examples_shown", "share_text"]

_WIDTH = 40
_LEAST_PERCENT, _MOST_PERCENT = 0.1, 99.9


@frozen
class RuleResult:
    """What came of one rule.

    Attributes
    ----------
    rule
        The rule in words, such as "not null" or "in_range(0, 120)".
    column
        The column that it is about; None for one about whole rows or the whole file.
    checked
        How many values (or rows) were looked at.
    failed
        How many of them are not as the rule wants them.
    examples
        A few of those, as text.
    extract
        The file that has all of them; None where they are not kept.

    Raises
    ------
    ValueError
        If more have failed than were checked, or a count is negative.

    Examples
    --------
    >>> result = RuleResult("in_range(0, 120)", "age", checked=200, failed=3, examples=("-1",))
    >>> result.passed, result.share
    (197, 0.015)
    """

    rule: str
    column: str | None
    checked: int
    failed: int
    examples: tuple[str, ...] = ()
    extract: str | None = None

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.failed <= self.checked:
            raise ValueError(
                f'rule "{self.rule}": {self.failed} of {self.checked} values cannot have failed'
            )

    @property
    def passed(self) -> int:
        """How many values are as the rule wants them."""
        return self.checked - self.failed

    @property
    def share(self) -> float:
        """The part that failed, from 0 to 1; 0 where nothing was checked."""
        return self.failed / self.checked if self.checked else 0.0


@frozen
class FileRules:
    """The rules of one file, for a notebook and for reports.

    Attributes
    ----------
    file
        The name of the file in the pipeline.
    rows
        How many rows it has.
    rules
        What came of each rule, in the order of the schema.

    Examples
    --------
    >>> print(FileRules("people", 200, (RuleResult("in_range(0, 120)", "age", 200, 3, ("-1",)),)))
    people: 200 rows, 1 of 1 rule failed
      age  in_range(0, 120)  3 of 200 failed (1.5%): -1
    """

    file: str
    rows: int
    rules: tuple[RuleResult, ...] = ()

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that at least one value failed."""
        return tuple(each for each in self.rules if each.failed)

    def __str__(self) -> str:
        return "\n".join([self.headline, *self._lines()])

    @property
    def headline(self) -> str:
        """How it went, in one line."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        if not self.rules:
            return f"{self.file}: {rows}, no rules"
        rules = "1 rule" if len(self.rules) == 1 else f"{len(self.rules):,} rules"
        went = f"{len(self.failed):,} of {rules} failed" if self.failed else f"{rules} passed"
        return f"{self.file}: {rows}, {went}"

    def _lines(self) -> Iterator[str]:
        for each in self.failed:
            column = f"{each.column}  " if each.column is not None else ""
            examples = f": {', '.join(examples_shown(each))}" if each.examples else ""
            count = f"{each.failed:,} of {each.checked:,} failed ({share_text(each)})"
            yield f"  {column}{each.rule}  {count}{examples}"

    def exhibit(self) -> None:
        """Show the table with the stage that is running, and in the report of its run.

        Outside a run this does nothing: in a notebook the object shows itself.
        """
        exhibit(lambda: shown_as(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)


def examples_shown(result: RuleResult) -> Iterator[str]:
    """Yield the examples as they can be read: blanks within quotes, long ones cut.

    Examples
    --------
    >>> list(examples_shown(RuleResult("x", None, 9, 3, ("-1", "", " a"))))
    ['-1', '""', '" a"']
    """
    for text in result.examples:
        line = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
        is_plain = bool(text) and text == " ".join(text.split())
        yield line if is_plain else f'"{" ".join(line.splitlines())}"'


def share_text(result: RuleResult) -> str:
    """Return the part that failed in percent; neither 0% nor 100% where that is not all true.

    Examples
    --------
    >>> [share_text(RuleResult("x", None, 1_000_000, failed)) for failed in (0, 1, 20_000, 999_999)]
    ['0%', '<0.1%', '2%', '>99.9%']
    """
    percent = 100 * result.share
    if 0 < percent < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT}%"
    if percent > _MOST_PERCENT and result.passed:
        return f">{_MOST_PERCENT}%"
    return f"{percent:.1f}".removesuffix(".0") + "%"
