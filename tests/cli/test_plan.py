from __future__ import annotations

from pathlib import Path


def test_a_plan_calls_and_writes_nothing(invoke, flow):
    """It prints for each stage whether it will run."""
    result = invoke("plan", "--until", "load")

    assert result.exit_code == 0
    assert result.stdout.startswith("sums: 1 of 2 stages will run\n  load   run    asked for\n")
    assert "loading" not in result.output
    assert not Path(".pypedream").exists()


def test_a_plan_takes_what_a_run_is_asked_for(invoke, flow):
    """So executors that are not there, and limits that nobody uses, are found before the run."""
    wrong = invoke("plan", "--executor", "thread", "--workers", "0", "--on-error", "colect")
    right = invoke("plan", "--executor", "threads", "--workers", "2", "--limit", "db=4")

    assert wrong.exit_code == 2
    assert 'did you mean "threads"?' in wrong.stderr
    assert 'did you mean "collect"?' in wrong.stderr
    assert "--workers 0 is not a whole number from 1 up" in wrong.stderr
    assert right.exit_code == 0
    assert 'note: limits: no stage uses "db"' in right.stdout


def test_json_has_every_stage_with_its_decision(result_of, flow):
    """The document holds what the text says, and the parameters."""
    document = result_of("plan", "--only", "total", "--given", "load=3", "-p", "b=5")

    assert document["pipeline"] == "sums"
    assert document["parameters"] == {"a": 1, "b": 5}
    assert document["problems"] == []
    decisions = {stage["stage"]: stage["decision"] for stage in document["stages"]}
    assert decisions == {"load": "reuse", "total": "run"}
    assert [stage["after"] for stage in document["stages"]] == [[], ["load"]]


def test_what_the_file_prints_is_not_in_the_document(result_of, flow):
    """Text of the import goes to stderr, so that stdout can be parsed."""
    flow.write_text("print('hello')\n" + flow.read_text(encoding="utf-8"), encoding="utf-8")

    assert result_of("plan")["pipeline"] == "sums"
