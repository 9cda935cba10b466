"""What a person at an IPython prompt or in a notebook sees."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("IPython")

CELLS = [
    """
    from pypedream import Parameters, Pipeline
    flow = Pipeline("demo", Parameters.define(b=0), progress=False)

    @flow.stage
    def load():
        return 2

    @flow.stage
    def divide(load, b):
        return load / b
    """,
    "flow.run()",
    """
    @flow.stage
    def divide(load, b):
        return load / (b + 1)
    """,
    "print(flow.resume().stages['load'].state, flow.last_run['divide'])",
    """
    @flow.stage
    def model(laod):
        return 1
    """,
    "flow.run()",
    """
    import signal
    flow = Pipeline("stopped", progress=False)

    @flow.stage
    def long():
        signal.raise_signal(signal.SIGINT)
    """,
    "flow.run()",
    """
    import asyncio

    @flow.stage
    async def wait():
        await asyncio.sleep(60)

    running = asyncio.ensure_future(flow.arun(only="wait"))
    asyncio.get_running_loop().call_later(0.3, running.cancel)
    await running
    """,
    """
    from pypedream import Secret
    flow = Pipeline("secret", Parameters.define(key=Secret("abcd-1234")), progress=False)

    @flow.stage
    def connect(key):
        raise ValueError("refused: " + key.reveal())
    """,
    "flow.run()",
    "print(flow.last_run)",
    """
    from pypedream import context
    flow = Pipeline("cancelled", progress=False)
    stage = flow.stage(lambda: context.RUN.get().cancel(), name="first")
    flow.start().wait()
    """,
    """
    flow = Pipeline("again", progress=False)

    @flow.stage
    def broken():
        return 1 / 0
    """,
    "flow.run()",
    "flow.last_run.failure.replay()",
    """
    from pypedream.store import code_identity
    def read(name):
        return open(name).read()
    namespace = {}
    exec("def read(name): return open(name).read()", namespace)
    print(code_identity(read) == code_identity(namespace["read"]), list(code_identity(read).parts))
    """,
    """
    import warnings
    flow = Pipeline("odd", progress=False)

    @flow.stage
    def load():
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("one is odd")

    [event] = [event for event in flow.run().events if event.kind == "warning"]
    print(event.data["cell"], event.data["line"])
    print("(Cell In[18], line 8)" in flow.last_run._repr_mimebundle_()["text/html"])
    """,
]


@pytest.fixture(scope="module")
def shown() -> list[str]:
    """What each cell showed."""
    code = f"""
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance(colors="nocolor")
        for cell in {[textwrap.dedent(cell).strip() for cell in CELLS]!r}:
            print("=== cell", flush=True)
            shell.run_cell(cell, store_history=True)
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.split("=== cell\n")[1:]


def test_a_failure_is_shown_in_a_few_lines_of_the_users(shown):
    """The whole of it: what failed, the cell and line, the values, the next step."""
    assert shown[1].splitlines() == [
        "divide failed: ZeroDivisionError: division by zero",
        "  Cell In[1], line 10 in divide",
        "    return load / b",
        '  load = 2   <- stage "load"',
        '  b = 0      <- parameter "b" (default)',
        "to go on: fix it, then flow.resume()",
    ]


def test_a_fixed_cell_is_resumed(shown):
    """Running the cell again replaces the stage, and resume goes on from there."""
    assert shown[3] == "reused 2.0\n"


def test_a_mistake_is_shown_at_its_cell(shown):
    """A pipeline that cannot run says what and where, without a traceback."""
    text = shown[5]

    assert 'nothing gives its argument "laod" a value; did you mean "load"' in text
    assert "Cell In[5], line 1" in text
    assert "Traceback" not in text
    assert len(text.splitlines()) == 2


def test_a_stopped_run_is_shown_in_a_few_lines(shown):
    """The stop button is no fault: where it hit, and how to go on."""
    first, *lines, last = shown[7].splitlines()

    assert first == "KeyboardInterrupt"
    assert lines == ["  Cell In[7], line 6 in long", "    signal.raise_signal(signal.SIGINT)"]
    assert last.endswith("was interrupted; to go on: flow.resume()")


def test_a_stopped_awaited_run_is_shown_in_two_lines(shown):
    """``await flow.arun()`` that is stopped says so without frames of the library."""
    first, last = shown[8].splitlines()

    assert first == "CancelledError"
    assert last.endswith("was cancelled; to go on: flow.resume()")


def test_a_cancelled_run_is_shown_in_one_line(shown):
    """Whoever cancelled it asked for that, and gets no frames of the library."""
    (line,) = shown[12].splitlines()

    assert line.startswith("RunCancelled: run ")
    assert line.endswith('"cancelled" was cancelled; to go on: flow.resume()')


def test_a_call_made_again_shows_lines_of_the_users_only(shown):
    """It is an ordinary error, so IPython shows it, without the frame that made the call."""
    assert "return 1 / 0" in shown[15]
    assert "/pypedream/" not in shown[15]


def test_no_secret_is_shown(shown):
    """What a notebook shows is saved with it, so secrets are hidden in the user's words, too."""
    assert "connect failed: ValueError: refused: ***" in shown[10]
    assert "ValueError: refused: ***" in shown[11]
    assert "1234" not in shown[10] + shown[11]


def test_the_open_of_ipython_counts_as_that_of_python(shown):
    """IPython has one of its own among the user's names, and a module has not."""
    assert shown[16] == "True ['function read']\n"


def test_a_warning_knows_its_cell(shown):
    """The file of a cell has a name that says nothing, least of all in another process."""
    assert shown[17] == "18 8\nTrue\n"
