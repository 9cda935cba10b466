import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from pypedream.log.router import Router, is_router
from pypedream.log.streams import STREAMS, beneath


def test_in_and_out(capsys):
    """During a run both streams are routers, afterwards they are the very objects from before."""
    console = sys.stdout
    stderr = sys.stderr
    STREAMS.begin("run")
    during = (sys.stdout, sys.stderr)
    STREAMS.end("run")

    assert all(is_router(stream) for stream in during)
    assert sys.stdout is console
    assert sys.stderr is stderr


def test_no_stream_at_all():
    """Where the process has no standard output there is none afterwards."""
    with redirect_stdout(None):
        STREAMS.begin("run")
        print("nobody reads this")
        during = sys.stdout
        STREAMS.end("run")
        after = sys.stdout

    assert is_router(during)
    assert after is None


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")])
def test_runs_that_overlap_end_in_any_order(capsys, order):
    """The router stays until the last run ends, and there is only one."""
    console = sys.stdout
    for run in "abc":
        STREAMS.begin(run)
    for run in order:
        assert is_router(sys.stdout)
        assert sys.stdout.under is console
        STREAMS.end(run)

    assert sys.stdout is console


def test_redirection_round_a_run(capsys):
    """What replaced the stream before the run is there again after it."""
    console = sys.stdout
    buffer = io.StringIO()
    with redirect_stdout(buffer):
        STREAMS.begin("run")
        print("outside a stage")
        STREAMS.end("run")
        assert sys.stdout is buffer

    assert sys.stdout is console
    assert buffer.getvalue() == "outside a stage\n"


def test_redirection_within_a_run(capsys):
    """What somebody redirects during a run is his, and the router is there again after it."""
    console = sys.stdout
    buffer = io.StringIO()
    STREAMS.begin("run")
    router = sys.stdout
    with redirect_stdout(buffer):
        print("redirected")
    assert sys.stdout is router
    STREAMS.end("run")

    assert buffer.getvalue() == "redirected\n"
    assert sys.stdout is console


def test_second_run_within_a_redirection(capsys):
    """A second run gets a router of its own on top of a redirection, and takes only that out."""
    console = sys.stdout
    buffer = io.StringIO()
    STREAMS.begin("a")
    with redirect_stdout(buffer):
        STREAMS.begin("b")
        assert is_router(sys.stdout)
        assert sys.stdout.under is buffer
        STREAMS.end("b")
    STREAMS.end("a")

    assert sys.stdout is console


def test_router_that_was_left_behind_steps_aside(capsys):
    """A redirection that outlives the run brings the router back; its next user finds it gone."""
    console = sys.stdout
    STREAMS.begin("run")
    with redirect_stdout(io.StringIO()):
        STREAMS.end("run")
    stale = sys.stdout
    print("through")

    assert is_router(stale)
    assert sys.stdout is console
    assert capsys.readouterr().out == "through\n"


def test_router_that_was_left_behind_goes_with_the_next_run(capsys):
    """Routers do not pile up when they come back late."""
    console = sys.stdout
    STREAMS.begin("a")
    with redirect_stdout(io.StringIO()):
        STREAMS.end("a")
    STREAMS.begin("b")
    assert sys.stdout.under is console
    STREAMS.end("b")

    assert sys.stdout is console


def test_router_that_was_left_behind_serves_a_later_run(capsys, stages):
    """Somebody who kept ``sys.stdout`` of one run is captured in the stages of another."""
    STREAMS.begin("a")
    kept = sys.stdout
    STREAMS.end("a")
    STREAMS.begin("b")
    stages.call(kept.write, "kept\n")
    STREAMS.end("b")

    assert stages.lines() == ["kept"]
    assert capsys.readouterr().out == ""


def test_router_comes_back_while_another_run_is_active(capsys, stages):
    """A router that a redirection brings back in another run's time stays for that run."""
    console = sys.stdout
    STREAMS.begin("a")
    with redirect_stdout(io.StringIO()):
        STREAMS.end("a")
        STREAMS.begin("b")
    print("outside")
    stages.call(print, "in a stage")
    STREAMS.end("b")

    assert stages.lines() == ["in a stage"]
    assert capsys.readouterr().out == "outside\n"
    assert sys.stdout is console


def test_router_is_put_back_for_the_next_stage(capsys):
    """A run that was started under ``%%capture`` goes on being captured when that is over."""
    console = sys.stdout
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        STREAMS.begin("run")
    assert sys.stdout is console
    STREAMS.ensure()
    assert is_router(sys.stdout)
    assert is_router(sys.stderr)
    STREAMS.end("run")

    assert sys.stdout is console


def test_nothing_is_put_back_without_a_run(capsys):
    """Without a run the streams stay alone."""
    console = sys.stdout
    STREAMS.ensure()

    assert sys.stdout is console


def test_ending_twice(capsys):
    """An end that comes twice, or without a beginning, does not end another run."""
    console = sys.stdout
    STREAMS.begin("a")
    STREAMS.end("b")
    STREAMS.end("b")
    assert is_router(sys.stdout)
    STREAMS.end("a")
    STREAMS.end("a")

    assert sys.stdout is console


def test_beneath_all_routers(capsys):
    """The real stream is found under several routers."""
    console = sys.stdout
    assert beneath(Router(Router(console, "stdout"), "stdout")) is console
    assert beneath(console) is console
