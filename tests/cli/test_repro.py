"""The commands that bring files up to date and say what is not: repro, status, and run STAGE."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest


def stages(result) -> dict[str, str]:
    """What became of each stage, or will."""
    found = json.loads(result.stdout)["stages"]
    if isinstance(found, dict):
        return {key: stage["state"] for key, stage in found.items()}
    return {stage["stage"]: stage["decision"] for stage in found}


def edit(project, old: str, new: str) -> None:
    path = project / "pipeline.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_it_writes_the_files(project, invoke):
    """The first time everything is called, the second time nothing."""
    first, second = invoke("repro"), invoke("repro")

    assert first.exit_code == second.exit_code == 0
    assert "counting 3" in first.stdout
    assert (project / "shown.txt").read_text() == "1, 2, 3"
    assert "2 stages, 2 reused" in second.stdout
    assert "counting" not in second.stdout


def test_where_nothing_has_changed_it_says_so_and_records_nothing(project, shell):
    """Neither the parser of the command line nor the engine is loaded then."""
    assert "log: " in shell("repro")[1]
    runs = sorted((project / ".pypedream" / "runs").iterdir())
    time.sleep(0.2)  # a store that was changed just now may change again without another time
    assert "log: " not in shell("repro")[1]

    code, out, err = shell("repro", PYTHONVERBOSE="1")

    assert code == 0
    assert re.fullmatch(r"ok in \S+ m?s, 2 stages, 2 reused\n", out)
    loaded = set(re.findall(r"^import '(\S+)'", err, re.MULTILINE))
    assert {"pypedream.pipeline", "attr"} <= loaded
    assert not loaded & {"click", "structlog", "sqlite3", "pypedream.engine.plan"}
    assert shell("repro", "--quiet") == (0, "", "")
    assert sorted((project / ".pypedream" / "runs").iterdir()) == runs


def test_what_has_changed_is_done_by_the_pipeline_that_was_loaded(project, shell, write):
    """Its file is run once a command, whether or not there is something to do."""
    edit(project, "from pypedream import", "print('loading')\nfrom pypedream import")
    shell("repro")

    assert shell("repro")[1].count("loading") == 1
    write("in.json", "[7]")
    _, out, _ = shell("repro")
    assert (out.count("loading"), "counting 1" in out) == (1, True)


def test_where_nothing_is_recorded_it_is_not_said_how_to_record_elsewhere(project, invoke):
    """A journal that cannot be read has nothing to do with that."""
    pending = project / ".pypedream" / "pending"
    pending.mkdir(parents=True)
    (pending / "0000.jsonl").write_text('{"version": 1}\n')

    result = invoke("run", "--no-workspace")

    assert result.exit_code == 2
    assert result.stderr.endswith("is of another version of pypedream: run that one once\n")


def test_what_is_wrong_with_a_pipeline_is_said_at_once(project, shell):
    """In the same line, and with the same exit code, as by every other command."""
    edit(project, "flow.register(shown)", "flow.register(shwon)")

    code, out, err = shell("repro")

    assert (code, out) == (2, "")
    assert shell("status") == (code, out, err)
    assert "pipeline.py:" in err
    assert err.startswith("error: cannot load pipeline.py: ")


def test_to_force_it_calls_all_though_nothing_has_changed(project, invoke):
    """What is remembered is for a plain `repro`; this one leaves it true."""
    invoke("repro")

    assert "reused" not in invoke("repro", "--force").stdout
    assert "2 stages, 2 reused\n" in invoke("repro").stdout


def test_a_stage_is_brought_up_to_date_with_all_that_it_needs(project, invoke):
    """Others stay as they are."""
    edit(
        project,
        "flow.register(shown)",
        'flow.register(shown)\nflow.register(shown, name="b",'
        ' out_path_overrides={"return": "b.txt"})',
    )

    assert stages(invoke("repro", "b", "--json")) == {"count": "ok", "shown": "skipped", "b": "ok"}
    assert not (project / "shown.txt").exists()


def test_the_file_may_be_named_before_the_stages(project, invoke):
    """A word that ends with ".py" is no stage; stages may be a list with commas."""
    assert stages(invoke("repro", "pipeline.py", "count,shown", "--json")) == {
        "count": "ok",
        "shown": "ok",
    }
    assert stages(invoke("repro", "pipeline:flow", "count", "--json"))["count"] == "reused"


def test_a_dry_run_says_what_would_run_and_writes_nothing(project, invoke):
    """Not even the folder of the workspace."""
    result = invoke("repro", "--dry-run")

    assert "2 of 2 stages will run" in result.stdout
    assert sorted(path.name for path in project.iterdir()) == [
        "in.json",
        "pipeline.py",
        "pyproject.toml",
    ]


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda project: None, {"count": "reuse", "shown": "reuse"}),
        (lambda project: edit(project, '", "', '"; "'), {"count": "reuse", "shown": "run"}),
        (
            lambda project: (project / "in.json").write_text("[5]"),
            {"count": "run", "shown": "run"},
        ),
        (lambda project: (project / "shown.txt").unlink(), {"count": "reuse", "shown": "reuse"}),
        (
            lambda project: (project / "metrics.json").unlink(),
            {"count": "reuse", "shown": "reuse"},
        ),
        (lambda project: (project / "in.json").touch(), {"count": "reuse", "shown": "reuse"}),
    ],
    ids=["nothing", "code", "data", "output gone", "metric gone", "touched"],
)
def test_what_is_planned_is_what_runs(project, invoke, change, expected):
    """Status, a dry run and the run itself agree, but for readers of what came out the same."""
    invoke("repro")
    change(project)

    planned = stages(invoke("status", "--json"))
    dry = stages(invoke("repro", "--dry-run", "--json"))
    run = stages(invoke("repro", "--json"))

    assert planned == dry == expected
    ran = {key for key, state in run.items() if state == "ok"}
    assert ran <= {key for key, decision in expected.items() if decision == "run"}
    assert {key for key, decision in expected.items() if decision == "reuse"} <= run.keys() - ran


def test_force_calls_everything(project, invoke):
    """Whatever is kept."""
    invoke("repro")

    assert stages(invoke("repro", "--force", "--json")) == {"count": "ok", "shown": "ok"}


def test_a_failing_stage_ends_with_1_and_others_go_on_if_asked(project, invoke):
    """What does not need it is brought up to date."""
    edit(project, "in_order(numbers),", "1 / 0,")
    edit(project, 'Dep("out/rows.json", JSON())', 'Dep("in.json", JSON())')

    assert stages(invoke("repro", "--json")) == {"count": "failed", "shown": "pending"}
    result = invoke("repro", "--keep-going", "--json")
    assert result.exit_code == 1
    assert stages(result) == {"count": "failed", "shown": "ok"}


def test_a_mistake_in_the_plan_ends_with_2(project, invoke):
    """The nearest stage is named."""
    result = invoke("repro", "shwn")

    assert result.exit_code == 2
    assert 'no stage "shwn"; did you mean "shown"?' in result.stderr


def test_jobs_run_side_by_side(project, invoke):
    """A number below 1 is a mistake."""
    assert invoke("repro", "-j", "2").exit_code == 0
    assert "at least one stage" in invoke("repro", "-j", "0").stderr


def test_status_explains_with_old_and_new_and_where(project, invoke):
    """Each change is a line: what, its digests, and the place in the code."""
    invoke("repro")
    edit(project, "return sorted(numbers)", "return sorted(numbers)[::-1]")
    (project / "in.json").write_text("[5]")

    lines = invoke("status", "--explain").stdout.splitlines()

    assert lines[0].startswith("files: 2 of 2 stages will run")
    assert any(
        line.startswith("    helper in_order: ") and line.endswith("(pipeline.py:12)")
        for line in lines
    ), lines
    assert any(line.startswith('    file "in.json": ') and " -> " in line for line in lines)
    changes = json.loads(invoke("status", "--json").stdout)["stages"][0]["changes"]
    assert {change["kind"] for change in changes} == {"code", "input"}
    assert all(change["old"] != change["new"] for change in changes)


def test_status_names_what_comes_back_from_the_store(project, invoke):
    """An output that is gone is no reason to call its stage."""
    invoke("repro")
    (project / "shown.txt").unlink()

    assert "  puts back: shown.txt" in invoke("status").stdout.splitlines()
    invoke("repro")
    assert (project / "shown.txt").read_text() == "1, 2, 3"


def test_run_takes_one_stage_and_reads_the_files_as_they_are(project, invoke):
    """Nothing that it needs is called: `run shown` is `run --only shown`."""
    (project / "out").mkdir()
    (project / "out" / "rows.json").write_text("[7, 8]")

    result = invoke("run", "shown", "--json")

    assert stages(result) == {"count": "skipped", "shown": "ok"}
    assert (project / "shown.txt").read_text() == "7, 8"
    assert "no file and no module shwn, and no stage" in invoke("run", "shwn").stderr


def test_the_project_names_its_pipeline(project, write, invoke, monkeypatch):
    """From each of its folders; the state is in the project's."""
    (project / "pipeline.py").rename(project / "other.py")
    write("pyproject.toml", '[tool.pypedream]\npipeline = "other.py"\n')
    write("more.py", 'from pypedream import Pipeline\nflow = Pipeline("more")\n')
    (project / "deep").mkdir()
    monkeypatch.chdir(project / "deep")

    assert invoke("repro").exit_code == 0
    assert (project / "shown.txt").exists()
    assert (project / ".pypedream").is_dir()
    write("pyproject.toml", '[tool.pypedream]\npipeline = "none.py"\n')
    assert 'pipeline = "none.py" is no file' in invoke("repro").stderr


def test_the_example_of_the_page_is_brought_up_to_date(project, invoke):
    """What the page on files shows is what happens."""
    page = Path(__file__).parents[2] / "_docs" / "how-to" / "files.md"
    if not page.exists():
        pytest.skip("the pages are not here")
    code = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (project / "pipeline.py").write_text(code[1])
    (project / "rows.json").write_text('[{"price": 2}, {"price": 3}, {"price": null}]')

    assert stages(invoke("repro", "--json")) == {"clean": "ok", "summarise": "ok"}
    assert (project / "summary.txt").read_text() == "2 prices, 2.50 on average\n"
    assert json.loads((project / "metrics.json").read_text()) == {"mean": 2.5, "count": 2}


@pytest.fixture
def variants(project, write):
    """A project with two variants of one function."""
    write("params.json", '{"times@2": {"offset": 5}}')
    return write(
        "pipeline.py",
        """
        from typing import Annotated
        from attrs import frozen
        from pypedream import Pipeline
        from pypedream.files import JSON, Dep, Out

        @frozen
        class Params:
            by: int = 1
            offset: int = 0

        def times(
            params: Params, numbers: Annotated[list, Dep("in.json", JSON())]
        ) -> Annotated[list, Out("by_{by}.json", JSON())]:
            return [params.by * number + params.offset for number in numbers]

        def count(
            numbers: Annotated[list, Dep("in.json", JSON())],
        ) -> Annotated[int, Out("n.json", JSON())]:
            return len(numbers)

        flow = Pipeline("variants")
        flow.register(times, matrix={"by": [1, 2]}, params=Params())
        flow.register(count)
        """,
    )


def test_the_name_of_a_function_means_all_its_variants(variants, invoke):
    """For each command that takes stages, also those that only read locks."""
    assert set(stages_done(invoke("repro", "times", "--json"))) == {"times@1", "times@2"}

    assert "2 of 2 stages are up to date" in invoke("verify", "times").stdout
    assert "2 unchanged" in invoke("checkout", "times").stdout
    assert set(stages_done(invoke("run", "times", "--json"))) == {"times@1", "times@2"}


@pytest.mark.parametrize("command", ["repro", "status", "verify", "commit"])
@pytest.mark.parametrize(
    "stage, said",
    [
        ("tims@1", 'no stage "tims@1"; did you mean "times@1"?'),
        ("x", 'no stage "x"; there are times'),
    ],
    ids=["near", "far"],
)
def test_a_stage_that_is_not_there_is_named(variants, invoke, command, stage, said):
    """With the nearest, or all that there are."""
    result = invoke(command, stage)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {said}")


def test_params_show_what_the_file_beside_the_project_says(variants, invoke):
    """The values are those that a run would have, with the file that they are from."""
    rows = [line.split() for line in invoke("params").stdout.splitlines()]

    assert ["times@2.offset", "int", "5", "params.json", "(default", "0)"] in rows
    assert ["times@1.offset", "int", "0", "default"] in rows
    rows = [line.split() for line in invoke("params", "-p", "times@2.offset=7").stdout.splitlines()]
    assert ["times@2.offset", "int", "7", "-p", "(default", "0)"] in rows


def stages_done(result) -> list[str]:
    found = json.loads(result.stdout)["stages"]
    return [key for key, one in found.items() if one["state"] in ("ok", "reused")]


def test_a_file_that_an_output_had_before_it_was_renamed_is_told_once(project, invoke):
    """When the stage is called again, as it was by `status`; the file stays."""
    invoke("repro")
    edit(project, 'Out("shown.txt"', 'Out("told.txt"')
    note = 'note: "shown.txt", which "shown" wrote the last time, is written by no stage now'

    status, first, second = invoke("status"), invoke("repro"), invoke("repro", "--force")

    assert status.stdout.count(note) == 1
    assert first.stderr == f"{note}: delete it, unless you need it\n"
    assert second.stderr == ""
    assert (project / "shown.txt").exists()
