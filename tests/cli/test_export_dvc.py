"""The command `export dvc`: stages, files and parameters as DVC has them."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

yaml = pytest.importorskip("yaml")

DVC = shutil.which("dvc")

FLOW = """
    from typing import Annotated, TypedDict
    from pypedream import Parameters, Pipeline
    from pypedream.files import Dep, DirectoryOut, IncrementalOut, Metric, Out
    from pypedream.formats import JSON, Text

    class Fitted(TypedDict):
        model: Annotated[dict, Out("no/model.json", JSON())]
        metrics: Annotated[dict, Metric("metrics.json")]

    def fit(
        rate: float, rows: Annotated[list, Dep(["data/*.json"], JSON())]
    ) -> Fitted:
        \"\"\"Fit: "quoted" \\\\ text.\"\"\"
        return {"model": {"rate": rate, "n": len(rows)}, "metrics": {"n": len(rows)}}

    def seen(
        before: Annotated[dict, IncrementalOut("seen.json", JSON())],
        model: Annotated[dict, Dep("no/model.json", JSON())],
    ) -> Annotated[dict, IncrementalOut("seen.json", JSON())]:
        return {**before, str(len(before)): model}

    def parts(
        model: Annotated[dict, Dep("no/model.json", JSON())],
    ) -> Annotated[dict, DirectoryOut("parts/", JSON())]:
        return {"a.json": model}

    flow = Pipeline("fitted", Parameters.define(rate=0.1, unused=3))
    flow.register(fit, name="fit@1")
    flow.register(seen)
    flow.register(parts)
"""


@pytest.fixture
def fitted(project, write):
    """A project with one stage of each kind."""
    write("data/a.json", "1")
    write("data/b.json", "2")
    write("pipeline.py", FLOW)
    return project


def test_stages_have_their_files_and_parameters(fitted, invoke):
    """Names are such as DVC takes; what git keeps is not cached there either."""
    stages = yaml.safe_load(invoke("export", "dvc").stdout)["stages"]

    assert stages["fit-1"] == {
        "cmd": "python -m pypedream run --only fit@1 --params dvc-params.json"
        " --no-workspace --quiet",
        "desc": 'Fit: "quoted" \\ text.',
        "deps": ["pipeline.py", "data"],
        "params": [{"dvc-params.json": ["rate"]}],
        "outs": ["no/model.json"],
        "metrics": [{"metrics.json": {"cache": False}}],
    }
    assert stages["seen"]["deps"] == ["pipeline.py", "no/model.json"]
    assert stages["seen"]["outs"] == [{"seen.json": {"persist": True}}]
    assert stages["parts"]["outs"] == ["parts"]


def test_it_is_written_with_its_parameters(fitted, invoke):
    """Somebody's own dvc.yaml stays."""
    assert invoke("export", "dvc", "pipeline.py", "--out", "dvc.yaml").exit_code == 0
    assert json.loads((fitted / "dvc-params.json").read_text()) == {"rate": 0.1}
    assert "run pipeline.py --only" in (fitted / "dvc.yaml").read_text()
    (fitted / "dvc.yaml").write_text("stages: {}\n")

    result = invoke("export", "dvc", "--out", "dvc.yaml")

    assert result.exit_code == 2
    assert (fitted / "dvc.yaml").read_text() == "stages: {}\n"
    assert invoke("export", "dvc", "--out", "dvc.yaml", "--overwrite").exit_code == 0


def test_each_command_does_what_the_stage_does(fitted, invoke):
    """As DVC would give them, one after the other."""
    made = json.loads(invoke("export", "dvc", "--out", "dvc.yaml", "--json").stdout)

    for stage in yaml.safe_load(made["text"])["stages"].values():
        assert invoke(*stage["cmd"].split()[3:]).exit_code == 0

    assert json.loads((fitted / "no" / "model.json").read_text()) == {"rate": 0.1, "n": 2}
    assert (fitted / "parts" / "a.json").exists()


def test_every_stage_that_dvc_cannot_have_is_named(flow, invoke):
    """Values do not go from one process to another."""
    result = invoke("export", "dvc")

    assert result.exit_code == 2
    assert 'stage "load" reads and writes no file' in result.stderr
    assert 'stage "total" reads the value of "load"' in result.stderr


@pytest.mark.skipif(DVC is None, reason="dvc is not installed")
def test_dvc_reads_it_and_runs_it(fitted, invoke):
    """The real one, which then has nothing to do."""
    assert invoke("export", "dvc", "--out", "dvc.yaml", "--validate").exit_code == 0

    subprocess.run([DVC, "init", "--no-scm", "-q"], check=True, timeout=120)
    subprocess.run([DVC, "repro", "-q"], check=True, timeout=120)
    said = subprocess.run([DVC, "status"], check=True, timeout=120, capture_output=True).stdout

    assert b"up to date" in said


def test_without_dvc_it_says_how_to_install_it(fitted, invoke, monkeypatch):
    """With pip and with conda; nothing is written then."""
    monkeypatch.setenv("PATH", "")

    result = invoke("export", "dvc", "--validate", "--out", "dvc.yaml")

    assert result.exit_code == 2
    assert "--validate needs dvc: pip install dvc" in result.stderr
    assert not (fitted / "dvc.yaml").exists()


OWN = """
    from typing import Annotated
    from attrs import frozen
    from pypedream import Pipeline
    from pypedream.files import JSON, Out

    @frozen
    class Params:
        rate: float = 0.1
        name: str = "a"

    def fit(params: Params) -> Annotated[float, Out("{name}.json", JSON())]:
        return params.rate

    flow = Pipeline("own")
    flow.register(fit, params=Params())
"""


@pytest.mark.parametrize("host", ["dvc", "prefect"])
def test_other_hosts_get_what_the_file_beside_the_project_says(project, write, invoke, host):
    """Their runs have the values that repro has; paths are made of these, too."""
    write("pipeline.py", OWN)
    write("params.toml", '[fit]\nrate = 0.7\nname = "b"\n')
    out = "dvc.yaml" if host == "dvc" else "flow_there.py"

    result = invoke("export", host, "--out", out)

    assert result.exit_code == 0, result.stderr
    if host == "dvc":
        values = json.loads((project / "dvc-params.json").read_text())
        assert values == {"fit": {"rate": 0.7, "name": "b"}}
        assert yaml.safe_load((project / out).read_text())["stages"]["fit"]["outs"] == ["b.json"]
    else:
        text = (project / out).read_text()
        assert "0.7" in text
        assert "0.1" not in text
