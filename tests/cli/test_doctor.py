from __future__ import annotations

import platform
from pathlib import Path


def test_a_sound_installation_is_said_to_be_sound(invoke, flow):
    """Versions, encoding and the pipeline that would be run; exit code 0; nothing is written."""
    result = invoke("doctor")

    assert result.exit_code == 0
    assert f" {platform.python_version()} in " in result.stdout
    assert "structlog 2" in result.stdout
    assert "pipeline.py; run uses pipeline.py" in result.stdout
    assert [path.name for path in Path().iterdir()] == ["pipeline.py"]


def test_a_folder_without_a_pipeline_gets_advice(invoke):
    """Nothing is broken by that."""
    result = invoke("doctor")

    assert result.exit_code == 0
    assert "- pipelines" in result.stdout
    assert "python -m pypedream new NAME" in result.stdout


def test_a_workspace_that_cannot_be_written_is_broken(invoke, flow):
    """The exit code says so, and the line how to do without it."""
    result = invoke("doctor", "--workspace", "pipeline.py/x")

    assert result.exit_code == 1
    assert "! workspace" in result.stdout
    assert "--no-workspace" in result.stdout


def test_json_is_a_list_of_findings(result_of):
    """Each has a state that a program can look at."""
    findings = result_of("doctor")

    assert {"what", "said", "state"} == set(findings[0])
    assert all(each["state"] in ("ok", "note", "broken") for each in findings)


def test_it_imports_nothing_of_the_users(invoke, write):
    """A file that cannot be imported is no obstacle."""
    write("pipeline.py", "import pypedream\nflow = pypedream.Pipeline('x')\nraise SystemExit\n")

    assert "pipeline.py; run uses pipeline.py" in invoke("doctor").stdout
