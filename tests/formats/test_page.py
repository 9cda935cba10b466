"""What the page on files shows is so, also where it needs pandas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pypedream import formats

PAGE = Path(__file__).parents[2] / "_docs" / "how-to" / "read-and-write-files.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the pages are not here")


def test_the_example_with_pandas_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block of the page that has no prompts runs as it stands."""
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None

    exec(compile(code[1], str(PAGE), "exec"), {})

    assert (tmp_path / "prices.csv").read_text() == "id;price\n01;1,5\n02;2,25\n"


def test_the_table_names_every_format_and_option() -> None:
    """A row for each format, with the options that its class has and their defaults."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {name: set(re.findall(r"`(\w+)", options)) for name, options in rows}
    kinds = [getattr(formats, name) for name in formats.__all__]
    there = {
        kind.__name__: {each.name for each in kind.__attrs_attrs__}
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, (formats.Reader, formats.Writer))
        if hasattr(kind, "__attrs_attrs__")
    }

    assert shown == there


def test_the_page_names_every_serializer() -> None:
    """The list of names is complete."""
    text = PAGE.read_text(encoding="utf-8")
    listed = re.search(r"There are `(.*?)` and `auto`", text, re.DOTALL)
    assert listed is not None

    assert {*listed[1].split(), "auto"} == set(formats.registry.serializers._fixed)
