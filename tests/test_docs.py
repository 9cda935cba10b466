"""What the documentation shows is what happens."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "_docs").rglob("*.md"))
WITH_EXAMPLES = [page for page in PAGES if ">>>" in page.read_text(encoding="utf-8")]
NEEDED = {"pypedream.steps": ["pydantic"], "pypedream.tabular": ["polars", "pandera"]}
"""What the extras of two dialects bring, without which their pages have nothing to show."""


@pytest.mark.skipif(not PAGES, reason="the pages are not here")
@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page: Path) -> None:
    """Every example of a page gives what the page says."""
    text = page.read_text(encoding="utf-8")
    for dialect, needed in NEEDED.items():
        for module in needed if f"from {dialect} import" in text else ():
            pytest.importorskip(module)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    said = io.StringIO()

    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.write)

    assert result.attempted > 0
    assert result.failed == 0, said.getvalue()


def test_the_example_of_the_readme_prints_what_it_says() -> None:
    """The README's example runs as it stands and prints the lines below it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    shown = re.search(r"prints\n\n```\n(.*?)```", text, re.DOTALL)
    assert code is not None
    assert shown is not None
    said = io.StringIO()

    with contextlib.redirect_stdout(said):
        exec(compile(code[1], "README.md", "exec"), {"__name__": "readme"})

    assert said.getvalue() == shown[1]


def test_the_readme_is_short() -> None:
    """The README fits on two screens and its example in fifteen lines."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)

    assert text.count("\n") <= 130
    assert code is not None
    assert len([line for line in code[1].splitlines() if line.strip()]) <= 15
