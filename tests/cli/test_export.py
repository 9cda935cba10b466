from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

HELPER = """
    from pypedream import Parameters, Pipeline, Secret

    RATE = 2

    flow = Pipeline("rates", Parameters.define("n", key=Secret("hunter-2-hunter")))

    @flow.stage
    def rated(n, key):
        return n * RATE

    def unused():
        pass
"""


def test_a_module_is_written_and_proved(invoke, flow, folder):
    """What it says is where the module is, what was proved and how to run it."""
    result = invoke("export", "module", "--out", "sums.py")

    where = (
        "in fresh interpreters" if find_spec("cloudpickle") else "in a fresh interpreter and here"
    )
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        'sums.py: pipeline "sums" with 2 stages, 19 lines',
        f"  proof: 2 of 2 stages gave equal results {where}",
        "  to run it: python -m pypedream run sums.py",
    ]
    assert sorted(each.name for each in folder.iterdir()) == ["pipeline.py", "sums.py"]


def test_parameters_are_given_as_for_a_run(invoke, write):
    """A required one has to be; of a secret the value is not in the module."""
    write("pipeline.py", HELPER)

    refused = invoke("export", "module", "--out", "rates.py")
    result = invoke("export", "module", "--out", "rates.py", "-p", "n=3", "--json")

    assert refused.exit_code == 2
    assert 'parameter "n" has no value' in refused.stderr
    document = json.loads(result.stdout)
    assert document["proof"]["stages"] == {"rated": "equal"}
    assert document["notes"] == [
        'the value of "key" is not written, as it is secret: set PYPEDREAM_PARAM_KEY or -p key=...'
    ]
    assert "hunter" not in write("x.py", "").with_name("rates.py").read_text(encoding="utf-8")


def test_work_of_somebody_is_kept(invoke, flow, folder):
    """Unless it is said that it may go."""
    (folder / "sums.py").write_text("work = 1\n", encoding="utf-8")

    refused = invoke("export", "module", "--out", "sums.py", "--no-check")
    kept = (folder / "sums.py").read_text(encoding="utf-8")
    result = invoke("export", "module", "--out", "sums.py", "--no-check", "--overwrite")

    assert refused.exit_code == 2
    assert "sums.py was not written by to_module" in refused.stderr
    assert kept == "work = 1\n"
    assert result.exit_code == 0
    assert "not checked" in result.stdout


def test_a_pipeline_that_fails_is_no_proof(invoke, broken, folder):
    """One message, with the user's own line, and no file."""
    result = invoke("export", "module", "--out", "ratio.py")

    assert result.exit_code == 2
    assert "the pipeline itself fails: ZeroDivisionError: division by zero" in result.stderr
    assert [each.name for each in folder.iterdir()] == ["pipeline.py"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["module"], "name the file to write: --out flow.py"),
        (["modul"], 'no command "export modul"; did you mean "module"?'),
        (["module", "--out", "sums.txt"], 'call it "sums.py"'),
        (["module", "nowhere.py", "--out", "sums.py"], "nowhere.py"),
    ],
    ids=["no file", "mistyped", "no module", "no pipeline"],
)
def test_wrong_use_is_one_line(invoke, flow, arguments, said):
    """What is wrong and the way out; nothing is written."""
    result = invoke("export", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_place_beside_the_file_is_another_one_elsewhere(invoke, folder):
    """It says where the module has to be, and there it is the same."""
    (folder / "data.py").write_text(
        "from pathlib import Path\n"
        "from pypedream import Parameters, Pipeline\n"
        'flow = Pipeline("data", Parameters.define(source=Path(__file__).parent / "raw"))\n'
        "@flow.stage\n"
        "def load(source):\n"
        "    return source.name\n",
        encoding="utf-8",
    )
    (folder / "other").mkdir()

    elsewhere = invoke("export", "module", "data.py", "--out", "other/x.py")
    beside = invoke("export", "module", "data.py", "--out", "x.py")

    assert 'parameter "source" is another one in the module' in elsewhere.stderr
    assert "write the module to the same folder" in elsewhere.stderr
    assert not (folder / "other/x.py").exists()
    assert beside.exit_code == 0, beside.output


def test_diagrams_go_to_stdout_or_to_a_file(invoke, flow, folder):
    """What is written to a file can be written there again."""
    shown = invoke("export", "mermaid")
    first, second = (invoke("export", "graphviz", "--out", "sums.dot") for _ in range(2))
    picture = invoke("export", "svg", "pipeline.py", "--json")

    assert shown.stdout.startswith('flowchart TD\n  n0["load"]:::stage\n')
    assert first.stdout == 'sums.dot: pipeline "sums"\n'
    assert second.exit_code == 0, second.output
    assert "n0 -> n1" in (folder / "sums.dot").read_text(encoding="utf-8")
    assert json.loads(picture.stdout)["text"].startswith("<svg")


def test_work_of_somebody_is_no_picture(invoke, flow, folder):
    """It stays unless it is said that it may go."""
    (folder / "sums.mmd").write_text("flowchart LR\n", encoding="utf-8")

    refused = invoke("export", "mermaid", "--out", "sums.mmd")
    forced = invoke("export", "mermaid", "--out", "sums.mmd", "--overwrite")

    assert refused.exit_code == 2
    assert refused.stderr == (
        "error: sums.mmd was not written by this export, or was changed since: give another path,"
        " or --overwrite\n"
    )
    assert forced.exit_code == 0


def test_forms_of_other_packages_are_commands(invoke, flow, folder, monkeypatch):
    """With a help of their own; one that is broken is a line on stderr, and no more."""
    info = folder / "site" / "plugs-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugs\nVersion: 1.0\n")
    names = "listing = plugged:Listing\nbroken = plugged:Nothing\n"
    (info / "entry_points.txt").write_text(f"[pypedream.exporters]\n{names}")
    (folder / "site" / "plugged.py").write_text(
        "class Listing:\n"
        "    name, summary, suffix = 'listing', 'Write a list.', '.txt'\n"
        "    def write(self, outline):\n"
        "        return ''.join(f'{key}\\n' for key in outline.tasks)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(folder / "site")

    listed = invoke("export", "--help")
    helped = invoke("export", "listing", "--help")
    result = invoke("export", "listing")
    broken = invoke("export", "broken")
    near = invoke("export", "listin")

    assert "  listing   Write a list.\n" in listed.stdout
    assert 'warning: the exporter "broken" of plugs cannot be used: AttributeError' in listed.stderr
    assert listed.exit_code == 0
    assert "--out FILE.txt" in helped.stdout
    assert result.stdout == "load\ntotal\n"
    assert broken.exit_code == 2
    assert 'error: the exporter "broken" of plugs cannot be used' in broken.stderr
    assert 'did you mean "listing"?' in near.stderr
