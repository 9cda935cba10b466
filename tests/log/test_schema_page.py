import json
import re
from pathlib import Path

import attrs
import pytest

from pypedream.log.events import KINDS, LEVELS, Event
from pypedream.log.redaction import is_secret_name

PAGE = Path(__file__).parents[2] / "_docs" / "reference" / "log-schema.md"
KEYS = [field.name for field in attrs.fields(Event)]


@pytest.fixture
def page():
    return PAGE.read_text(encoding="utf-8")


def block(page, language):
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]


def section(page, title):
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def names(page, title):
    """The words in the first column of a section's table."""
    rows = re.findall(r"^\| (`.*?) \|", section(page, title), re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(.*?)`", row)]


def test_the_page_names_every_key(page):
    """The table of keys is the event, in the order of the line."""
    assert names(page, "A line") == KEYS
    assert list(json.loads(block(page, "json"))) == KEYS


def test_the_page_names_every_kind_and_level(page):
    """What can happen is listed, and nothing else."""
    assert set(names(page, "Kinds")) == KINDS
    assert set(re.findall(r"`(\w+)`", page.split("| `level` |")[1].split("\n")[0])) == LEVELS


def test_the_example_of_the_page_runs(page, tmp_path, monkeypatch):
    """A reader may copy it."""
    monkeypatch.chdir(tmp_path)

    exec(compile(block(page, "python"), str(PAGE), "exec"), {"__name__": "example"})

    lines = (tmp_path / "load.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["read 52 rows"]


def test_the_names_of_the_page_are_secret(page):
    """The examples of hidden names are hidden."""
    examples = re.findall(r"`(\w+)`", section(page, "Secrets"))

    assert examples
    assert all(is_secret_name(name) for name in examples)
