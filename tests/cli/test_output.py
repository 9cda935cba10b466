from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pypedream.cli import main

FULL = "/dev/full"


@pytest.mark.skipif(not os.path.exists(FULL), reason="there is no such device here")
@pytest.mark.parametrize(
    "arguments", [("run",), ("run", "--json"), ("plan",), ("params", "--json"), ("show",)]
)
def test_output_that_cannot_be_written_is_one_line(start, flow, arguments):
    """A full disk is no traceback, and the last word of a run is not lost."""
    with open(FULL, "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pypedream", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: cannot write the output: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("repro",), ("list",)], ids=" ".join)
def test_output_that_nobody_reads_on_is_no_failure(start, flow, arguments):
    """As in "list | head": a command ends as it does where all is read."""
    done = start(*arguments)
    done.stdout.close()
    told = done.stderr.read().decode()
    done.stderr.close()

    assert done.wait() == 0, told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "arguments, code",
    [
        ("--help", 0),
        ("--version", 0),
        ("run --help", 0),
        ("list", 0),
        ("list --json nothing", 2),
        ("nosuch", 2),
    ],
)
@pytest.mark.parametrize("streams", [["stdout"], ["stdout", "stderr"]], ids=" ".join)
def test_what_nobody_reads_at_all_ends_as_it_would(flow, monkeypatch, arguments, code, streams):
    """As in "--help | true", also with "2>&1"."""
    for name in streams:
        ours, theirs = os.pipe()
        os.close(ours)
        monkeypatch.setattr(sys, name, os.fdopen(theirs, "w"))
    monkeypatch.setattr(sys, "argv", ["pypedream", *arguments.split()])

    with pytest.raises(SystemExit) as ended:
        main()
    for name in streams:
        getattr(sys, name).close()

    assert ended.value.code == code


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_no_failure(folder, flow, monkeypatch, stream):
    """As for a service, or after ">&-": what would be written there goes nowhere."""
    monkeypatch.setattr(sys, stream, None)
    monkeypatch.setattr(sys, "argv", ["pypedream", "list"])

    with pytest.raises(SystemExit) as ended:
        main()
    getattr(sys, stream).close()

    assert ended.value.code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "nofile.py"),
        ("plan", "nofile.py"),
        ("params", "nofile.py"),
        ("show", "nofile.py"),
        ("run", "-p", "c=1"),
        ("run", "--only", ""),
        ("log", "nothing"),
        ("rnu",),
    ],
    ids=" ".join,
)
def test_json_says_what_is_wrong_as_well(invoke, flow, arguments):
    """Whoever reads the output finds the mistake in it; people find it on stderr."""
    result = invoke(*arguments, "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 2
    assert document["error"]
    assert result.stderr.splitlines()[0] == f"error: {document['error'].splitlines()[0]}"


def test_json_of_a_plan_with_mistakes_lists_them_once(invoke, write):
    """There is one document, with the problems one by one."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline

        flow = Pipeline("wrong")

        @flow.stage
        def one(nothing):
            return nothing
        """,
    )

    document = json.loads(invoke("plan", "--json").stdout)

    assert [problem["what"] for problem in document["problems"]] != []
