from __future__ import annotations

import json
from pathlib import Path

import pytest

RUNS = Path(".pypedream/runs")


@pytest.fixture
def changed(invoke, flow) -> list[str]:
    """The ids of two runs between which a parameter and a function changed."""
    invoke("run", "-q")
    text = flow.read_text(encoding="utf-8").replace("load + b", "load * b")
    flow.write_text(text, encoding="utf-8")
    invoke("run", "-q", "-p", "a=7")
    return sorted(path.name for path in RUNS.iterdir())


def test_what_changed_since_the_run_before_is_said(invoke, changed):
    """The first stage that diverged, then what differs by name and line."""
    result = invoke("diff")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["before", changed[0]],
        ["after", changed[1]],
    ]
    assert lines[3:] == [
        "first to diverge: load, and 1 stage after it (total)",
        '  parameter "a" 1 -> 7',
        "results",
        "  load   1 -> 7 (+600.0%)",
        "  total  3 -> 14 (+366.7%)",
        "parameters",
        "  a  1 -> 7",
        "code",
        "  function total (pipeline.py:11) changed  (total)",
    ]


def test_the_order_of_two_runs_is_theirs(invoke, changed):
    """From the first that is named to the second."""
    result = invoke("diff", "last", "last~1")

    assert "  a  7 -> 1" in result.stdout.splitlines()
    assert result.stdout == invoke("diff", changed[1], changed[0]).stdout


def test_one_run_is_compared_with_the_newest_other(invoke, changed):
    """The older one comes first, whichever was named."""
    assert invoke("diff", changed[0]).stdout == invoke("diff").stdout


def test_a_run_does_not_differ_from_itself(invoke, changed):
    """That is said as well."""
    assert invoke("diff", "last", "last").stdout.splitlines()[-1] == "nothing differs"


def test_json_is_one_document(result_of, changed):
    """With all that differs, also what the text folds."""
    document = result_of("diff")

    assert [document["before"]["id"], document["after"]["id"]] == changed
    assert document["is_empty"] is False
    assert document["divergences"] == [
        {
            "stage": "load",
            "before": "ok",
            "after": "ok",
            "why": ['parameter "a" 1 -> 7'],
            "downstream": ["total"],
        }
    ]
    assert document["parameters"] == [{"name": "a", "before": 1, "after": 7}]


@pytest.mark.parametrize(
    "names, said",
    [
        (("zzz",), 'error: no run "zzz" in .pypedream; the last are '),
        (("last", "last~7"), 'error: no run "last~7": there are only 2 in .pypedream'),
        (("0",), 'error: 2 runs begin with "0": '),
    ],
    ids=["unknown", "too far back", "ambiguous"],
)
def test_an_unknown_run_is_one_line(invoke, changed, names, said):
    """As for every command that names a run."""
    result = invoke("diff", *names)

    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 1


def test_a_single_run_has_nothing_to_compare_with(invoke, flow):
    """The line says what to do."""
    invoke("run", "-q")

    assert 'is the only one of pipeline "sums" in .pypedream' in invoke("diff").stderr


def test_the_pipeline_may_be_gone(invoke, changed, flow):
    """Nothing of the user's is imported to compare records."""
    flow.write_text("raise SystemExit", encoding="utf-8")

    assert "first to diverge: load" in invoke("diff").stdout


def test_a_hostile_record_cannot_reach_the_terminal(invoke, changed):
    """Somebody else's record is only text."""
    path = RUNS / changed[1] / "run.json"
    text = json.loads(path.read_text(encoding="utf-8"))
    text["parameters"] = {"a\x1b[2J": "b\x1b]0;z\x07\u202e"}
    text["started"] = "\x1b[2J"
    path.write_text(json.dumps(text), encoding="utf-8")

    result = invoke("diff")

    assert result.exit_code == 0
    assert "\\x1b[2J" in result.stdout
    assert not any(sign in result.stdout for sign in "\x1b\x07\u202e")


DAMAGES = {
    "torn": lambda text: text[: len(text) // 2],
    "no text": lambda text: b"\xff\xfe\x00\n",
    "too deep": lambda text: b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
@pytest.mark.parametrize("file", ["run.json", "journal.jsonl", "results.jsonl"])
@pytest.mark.parametrize(
    "command", [("runs",), ("show", "last"), ("diff", "last~1"), ("log",)], ids=" ".join
)
def test_a_damaged_record_breaks_no_command(invoke, changed, command, file, damage):
    """The rest is shown; with a line on what cannot be read, by those that need it."""
    path = RUNS / changed[1] / file
    path.write_bytes(damage(path.read_bytes()))
    given = (*command, "last") if command[0] == "diff" else command

    result = invoke(*given)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert changed[1] in result.stdout
    needs_it = file != "results.jsonl" or command[0] in ("show", "diff")
    is_whole = file == "journal.jsonl" and command == ("runs",)  # only its end is looked at
    if needs_it and not is_whole:
        assert "cannot be read" in result.stdout
    assert invoke(*given, "--json").exit_code == 0
