"""Each kind of change, before and after in two fresh processes: scripts, modules, cells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.store.code_edits import CHANGES, COMMON, KNOWN_MISSES, NO_CHANGES, OTHER

ALL = {**CHANGES, **NO_CHANGES}
ASK = """
import json, sys
from pypedream.store import code_identity
found = {}
names = json.load(open("cases.json"))
sys.path.insert(0, ".")
"""
FORMS = {
    "module": """
import importlib
for name in names:
    found[name] = code_identity(importlib.import_module(name).stage).digest
""",
    "script": """
import runpy
for name in names:
    found[name] = runpy.run_path(name + ".py", run_name="__main__")["digest"]
""",
    "cell": """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(history_length=0)
for name in names:
    shell.reset(new_session=False)
    shell.run_cell(open(name + ".py").read()).raise_error()
    found[name] = shell.user_ns["digest"]
""",
}
AT_THE_END = "\nfrom pypedream.store import code_identity\ndigest = code_identity(stage).digest\n"


def write_cases(folder: Path, *, is_after: bool) -> dict[str, str]:
    """Write all cases and their second modules; return the name of each case by its file."""
    folder.mkdir()
    names = {}
    for number, (name, (code, old, new)) in enumerate(ALL.items()):
        texts = {f"case_{number}": COMMON + code, f"other_{number}": OTHER}
        wanted = [file for file in texts if old in texts[file].removeprefix(COMMON)]
        if is_after:
            head = COMMON if wanted[0].startswith("case") else ""
            body = texts[wanted[0]].removeprefix(head)
            texts[wanted[0]] = head + body.replace(old, new, 1)
        for file, text in texts.items():
            end = AT_THE_END if file.startswith("case") else ""
            (folder / f"{file}.py").write_text(text.replace("OTHER", f"other_{number}") + end)
        names[f"case_{number}"] = name
    (folder / "cases.json").write_text(json.dumps(list(names)))
    return names


def digests(folder: Path, form: str, seed: str, *, is_after: bool) -> dict[str, str]:
    names = write_cases(folder, is_after=is_after)
    code = f"{ASK}{FORMS[form]}\njson.dump(found, open('found.json', 'w'))"
    roots = [os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(roots),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((folder / "found.json").read_text())
    return {names[file]: digest for file, digest in found.items()}


@pytest.fixture(scope="module", params=FORMS)
def before_and_after(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], dict[str, str]]:
    if request.param == "cell" and find_spec("IPython") is None:
        pytest.skip("IPython is not installed")
    folder = tmp_path_factory.mktemp("edits")
    before = digests(folder / "before", request.param, "1", is_after=False)
    return before, digests(folder / "elsewhere", request.param, "2", is_after=True)


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in KNOWN_MISSES])
def test_a_change_gives_another_digest(
    before_and_after: tuple[dict[str, str], dict[str, str]], name: str
) -> None:
    """Whatever changes what a function does is seen, in a script, a module and a cell."""
    before, after = before_and_after

    assert before[name] != after[name]


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_changes_nothing_keeps_the_digest(
    before_and_after: tuple[dict[str, str], dict[str, str]], name: str
) -> None:
    """What does not change what a function does gives the same digest in another process."""
    before, after = before_and_after

    assert before[name] == after[name]


@pytest.mark.parametrize("name", sorted(KNOWN_MISSES))
def test_what_cannot_be_seen_is_known(
    before_and_after: tuple[dict[str, str], dict[str, str]], name: str
) -> None:
    """These changes are not seen: when one of them is, it belongs in the other list."""
    before, after = before_and_after

    assert before[name] == after[name]
