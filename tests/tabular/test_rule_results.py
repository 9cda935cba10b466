from __future__ import annotations

import subprocess
import sys

import pytest

import pypedream
from pypedream.tabular import FileRules, RuleResult
from pypedream.view.report import to_report

RANGE = RuleResult("in_range(0, 120)", "age", 200, 3, ("-1", "999"), ".working/x/rejects.csv")
PRESENT = RuleResult("not null", "name", 200, 0)
RULES = FileRules("people", 200, (PRESENT, RANGE))


def test_a_result_counts_what_passed() -> None:
    """What was checked either passed or failed."""
    assert (RANGE.passed, RANGE.share) == (197, 0.015)
    assert RuleResult("unique", None, 0, 0).share == 0.0


@pytest.mark.parametrize("checked, failed", [(1, 2), (1, -1)])
def test_counts_that_cannot_be_are_refused(checked: int, failed: int) -> None:
    """No more can have failed than was looked at."""
    with pytest.raises(ValueError, match=f'"r": {failed} of {checked} values cannot have failed'):
        RuleResult("r", None, checked, failed)


@pytest.mark.parametrize(
    "rules, expected",
    [
        ((), "people: 200 rows, no rules"),
        ((PRESENT,), "people: 200 rows, 1 rule passed"),
        ((PRESENT, PRESENT), "people: 200 rows, 2 rules passed"),
        ((PRESENT, RANGE), "people: 200 rows, 1 of 2 rules failed"),
    ],
    ids=["none", "one", "all", "some"],
)
def test_a_line_says_how_it_went(rules: tuple[RuleResult, ...], expected: str) -> None:
    """It is the first line of the text."""
    assert FileRules("people", 200, rules).headline == expected
    assert str(FileRules("people", 200, rules)).partition("\n")[0] == expected


def test_the_table_names_what_failed() -> None:
    """Rule, column, counts, share, examples and the file that has all of them."""
    html = RULES._repr_mimebundle_()["text/html"]

    for text in (
        "in_range(0, 120)",
        "197",
        "<b>3</b>",
        "1.5%",
        "-1, 999",
        "rejects.csv",
        "not null",
    ):
        assert text in html


def test_a_column_that_says_nothing_is_left_out() -> None:
    """Where no rule has examples or an extract, there is no column for them."""
    html = FileRules("people", 200, (PRESENT,))._repr_mimebundle_()["text/html"]

    assert "<th>rule" in html
    assert "examples" not in html


def test_what_users_wrote_is_harmless() -> None:
    """Values of a file are text, whatever they look like, and a long one is cut."""
    nasty = RuleResult("<script>", "a<b", 1, 1, ("<img onerror=x>", "y" * 5_000))

    html = FileRules("<b>", 1, (nasty,))._repr_mimebundle_()["text/html"]

    assert "<script" not in html
    assert "<img" not in html
    assert "y" * 50 not in html


def test_many_rules_are_folded() -> None:
    """Those that failed come first, the others are in a fold."""
    many = FileRules("people", 200, (*[PRESENT] * 50, RANGE))

    html = many._repr_mimebundle_()["text/html"]

    assert html.index("in_range") < html.index("<details>")
    assert "50 rules passed" in html


def test_rules_are_part_of_the_report_of_a_run() -> None:
    """A stage exhibits them, in a notebook or not; outside a run nothing happens."""
    flow = pypedream.Pipeline("ingest")

    @flow.stage
    def check() -> int:
        RULES.exhibit()
        return 1

    RULES.exhibit()
    report = to_report(flow.run())

    for text in ("in_range(0, 120)", ">197<", ">1.5%<", ">-1, 999<"):
        assert text in report


def test_rules_need_no_polars() -> None:
    """They are plain data."""
    code = (
        "import sys; from pypedream.tabular import FileRules;"
        "FileRules('x', 1)._repr_mimebundle_();"
        "print({'polars', 'pandera'} & {*sys.modules})"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
