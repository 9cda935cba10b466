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
