"""A module that was written gives what the notebook gave."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import WAYS, python
from .notebooks import ALSO_IN_FILES, NOTEBOOKS, WITH_OWN_CLASSES

WRITE = 'print(flow.to_module("written.py"))'
KEPT = """
for _ in range(2):
    run = flow.run(workspace="kept", cache="cached", progress=False)
print("states:", {key: stage.state for key, stage in run.stages.items()})
"""


CASES = [
    (name, way) for name in NOTEBOOKS for way in WAYS if way == "cells" or name in ALSO_IN_FILES
]


@pytest.mark.parametrize("name, way", CASES)
def test_a_module_gives_what_the_notebook_gave(tmp_path, name, way):
    """The proof holds, and each stage is the same one: nothing is called that has a result."""
    if way == "cells":
        pytest.importorskip("IPython")

    said = WAYS[way](tmp_path, [*NOTEBOOKS[name], f"{KEPT}\n{WRITE}"])

    assert re.search(r"(\d+) of \1 stages? gave equal results", said), said
    text = (tmp_path / "written.py").read_text(encoding="utf-8")
    assert "unused" not in text
    line = ["-m", "pypedream", "run", "written.py:flow", "--json", "--workspace", "kept"]
    again = python(tmp_path, *line, "--cache", "cached")
    states = {key: each["state"] for key, each in json.loads(again.stdout)["stages"].items()}
    is_same = f"states: {states}\n" in said
    assert is_same is (name not in WITH_OWN_CLASSES)


FILES = [
    """
    from typing import Annotated
    from pypedream import Pipeline
    from pypedream.files import Dep, Out
    from pypedream.formats import JSON
    unused = 1
    """,
    """
    def scaled(values, by):
        return [by * value for value in values]

    def scale(
        values: Annotated[list, Dep("in.json", JSON())], by: int
    ) -> Annotated[list, Out("by_{by}.json", JSON())]:
        return scaled(values, by)

    def total(
        values: Annotated[list, Dep("by_2.json", JSON())],
    ) -> Annotated[int, Out("total.json", JSON())]:
        return sum(values)
    """,
    """
    flow = Pipeline("files", progress=False)
    flow.register(scale, matrix={"by": [1, 2]})
    flow.register(total, name="sum", retries=1)
    """,
]
OF_FILES = """
try:
    flow.to_module("written.py")
except Exception as error:
    print("refused:", error)
flow.run(cache="cached")
print(flow.to_module("written.py", check=False))
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_module_has_the_stages_that_were_registered(tmp_path, way):
    """All of a matrix, too. Without a proof, as that would write their files anew."""
    if way == "cells":
        pytest.importorskip("IPython")
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "in.json").write_text("[1, 2]")

    said = WAYS[way](tmp_path, [*FILES, OF_FILES])

    assert (
        'refused: no module is written for pipeline "files": stage "scale@1" writes files' in said
    )
    assert 'pipeline "files" with 3 stages' in said
    text = (tmp_path / "written.py").read_text(encoding="utf-8")
    assert "unused" not in text
    again = python(tmp_path, "-m", "pypedream", "repro", "written.py", "--json")
    states = {key: each["state"] for key, each in json.loads(again.stdout)["stages"].items()}
    assert states == {"scale@1": "reused", "scale@2": "reused", "sum": "reused"}
