"""A failure: which exception, what it says, and what still runs."""

from __future__ import annotations

import pickle
import traceback

import pytest

from pypedream import Failure, Parameters, Pipeline, Secret
from pypedream.engine.failure import failure_screen
from pypedream.errors import ExitPipeline, RunCancelled
from pypedream.formats import JSON
from pypedream.patterns import cross


@pytest.fixture
def flow() -> Pipeline:
    flow = Pipeline("division", Parameters.define(b=0), progress=False)

    @flow.stage
    def load():
        return 2

    @flow.stage
    def divide(load, b):
        return load / b

    @flow.stage
    def after(divide):
        return divide

    @flow.stage
    def beside(load):
        return load + 1

    return flow


def test_the_stages_own_exception_is_raised_with_notes(flow):
    """The type is kept; the notes say stage, inputs with their origin, and how to go on."""
    with pytest.raises(ZeroDivisionError) as caught:
        flow.run(b=0)

    [note] = caught.value.__notes__
    assert note.splitlines() == [
        'stage "divide" failed',
        '  load = 2   <- stage "load"',
        '  b = 0      <- parameter "b" (run(...))',
        "to go on: fix it, then pipeline.resume()",
    ]


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_the_traceback_has_one_frame_of_the_library(flow, executor):
    """Between the caller's line and the stage's there is nothing but the call of run."""
    with pytest.raises(ZeroDivisionError) as caught:
        flow.run(executor=executor)

    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names == [
        "test_the_traceback_has_one_frame_of_the_library",
        "run",
        "divide",
    ]
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_failed_stage_stops_its_descendants(flow, executor):
    """After a failure nothing new starts; what depends on the stage is blocked."""
    with pytest.raises(ZeroDivisionError):
        flow.run(executor=executor)

    stages = flow.last_run.stages
    assert stages["load"].state == "ok"
    assert stages["divide"].state == "failed"
    assert stages["after"].state == "blocked"
    assert flow.last_run.state == "failed"


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_continue_runs_what_does_not_depend_on_the_failure(flow, executor):
    """With on_error="continue" the run is returned, with the results there are."""
    run = flow.run(on_error="continue", executor=executor)

    assert run.state == "failed"
    assert run == {"load": 2, "beside": 3}
    assert run.stages["after"].state == "blocked"
    assert run.stages["after"].reason == 'needs "divide", which failed'
    assert isinstance(run.failure.error, ZeroDivisionError)


def _with_a_stage_that_may_fail(on_error) -> Pipeline:
    flow = Pipeline("may fail", progress=False)

    @flow.stage(on_error=on_error)
    def fetch():
        raise OSError("no answer")

    flow.stage(lambda fetch: fetch, name="reader")
    flow.stage(lambda: 1, name="other")
    flow.stage(lambda other: other + 1, name="more")
    return flow


@pytest.mark.parametrize("executor", ["serial", "threads"])
@pytest.mark.parametrize("on_error", ["continue", "collect"])
def test_a_stage_may_let_the_others_go_on(executor, on_error):
    """A stage says itself that its failure stops nothing; the run is returned, and failed."""
    run = _with_a_stage_that_may_fail(on_error).run(executor=executor)

    assert run == {"other": 1, "more": 2}
    assert run.state == "failed"
    assert run.stages["reader"].state == "blocked"
    assert isinstance(run.error, OSError)


def test_a_stage_may_stop_a_run_that_goes_on_past_others():
    """Its exception is raised, though another stage failed before."""
    flow = _with_a_stage_that_may_fail(None)

    @flow.stage(on_error="stop")
    def vital(other):
        raise KeyError("vital")

    flow.stage(lambda vital: vital, name="never")
    with pytest.raises(KeyError, match="vital") as caught:
        flow.run(on_error="continue")

    assert caught.value is flow.last_run.error
    assert 'stage "vital" failed' in caught.value.__notes__[0]
    assert [failure.stage for failure in flow.last_run.failures] == ["fetch", "vital"]
    assert flow.last_run.stages["never"].state == "blocked"


def test_a_failure_that_stops_is_raised_though_another_one_was_allowed():
    """What is raised is the failure that stopped the run, and not the first."""
    flow = _with_a_stage_that_may_fail("continue")
    flow.stage(lambda more: 1 / 0, name="divide")

    with pytest.raises(ZeroDivisionError) as caught:
        flow.run()

    assert 'stage "divide" failed' in caught.value.__notes__[0]


def test_collect_lets_plain_stages_go_on(flow):
    """A stage without items that fails has no result; the others go on, the run is returned."""
    run = flow.run(on_error="collect")

    assert run == {"load": 2, "beside": 3}
    assert run.stages["after"].state == "blocked"


def test_all_failures_are_kept(flow):
    """With on_error="continue" every failure is in the run, in order."""

    @flow.stage
    def also(load):
        raise KeyError("also")

    run = flow.run(on_error="continue")

    assert [failure.stage for failure in run.failures] == ["divide", "also"]


def test_a_failure_holds_inputs_and_can_be_replayed(flow):
    """The failed call is kept with its values; replay makes it again."""
    with pytest.raises(ZeroDivisionError):
        flow.run()
    failure = flow.last_run.failure

    assert failure.inputs["load"].value == 2
    assert failure.inputs["b"].source == 'parameter "b" (default)'
    assert failure.place.file == __file__
    with pytest.raises(ZeroDivisionError):
        failure.replay()


def test_a_call_by_position_can_be_replayed():
    """Arguments that can only be given by position are, in their order."""
    flow = Pipeline("positions", Parameters.define(a=1, b=0, c=5), progress=False)
    flow.stage(lambda a, b, /, *, c: (a + c) / b, name="divide")

    failure = flow.run(on_error="continue").failure

    with pytest.raises(ZeroDivisionError):
        failure.replay()


def test_the_screen_shows_the_users_line_and_values(flow):
    """What is shown of a failure is short and has only the user's own lines."""
    with pytest.raises(ZeroDivisionError):
        flow.run()

    head, place, source, *inputs = failure_screen(flow.last_run.failure)

    assert head == "divide failed: ZeroDivisionError: division by zero"
    assert place.endswith(" in divide")
    assert source == "    return load / b"
    assert inputs == ['  load = 2   <- stage "load"', '  b = 0      <- parameter "b" (default)']


def test_the_screen_shows_the_users_line_that_called_a_library():
    """Where a library raises, the line shown is the innermost of the user's own."""
    import json

    flow = Pipeline("reading", progress=False)

    def read(text):
        return json.loads(text)

    flow.stage(lambda: read("{bad"), name="parse")
    with pytest.raises(json.JSONDecodeError):
        flow.run()

    [_, own, _, innermost, source] = failure_screen(flow.last_run.failure)

    assert own.endswith(" in <lambda>")
    assert innermost.endswith(" in read")
    assert source == "    return json.loads(text)"


def test_the_screen_shows_a_librarys_line_if_there_is_no_other():
    """A stage that is a function of a library shows where that raised."""
    import json

    flow = Pipeline("reading", Parameters.define(s="{bad"), progress=False)
    flow.stage(json.loads, name="parse")
    with pytest.raises(json.JSONDecodeError):
        flow.run()

    [_, first, _, last, *_] = failure_screen(flow.last_run.failure)

    assert first.endswith(" in loads")
    assert last.endswith(" in raw_decode")


POINTING = "no name 'foo'\n    y ~ foo + x\n        ^^^"
LONG = "\nall fits failed:\n\n" + "\n".join(f"  line {number}" for number in range(20))


def failing(text: str) -> list[str]:
    """Return the screen of a stage that raises an error which says *text*."""
    flow = Pipeline("fits", Parameters.define(text=text), progress=False)

    def fit(text):
        raise ValueError(text)

    flow.stage(fit)
    return failure_screen(flow.run(on_error="continue").failure)


def test_the_screen_keeps_the_lines_of_an_error():
    """A caret stays below what it points to."""
    assert failing(POINTING)[:3] == [
        "fit failed: ValueError: no name 'foo'",
        "        y ~ foo + x",
        "            ^^^",
    ]


def test_the_screen_shows_both_ends_of_a_long_error():
    """Empty lines are left out, and how many others are is said."""
    assert [line.strip() for line in failing(LONG)[:11]] == [
        "fit failed: ValueError: all fits failed:",
        *(f"line {number}" for number in range(6)),
        "... 11 more lines, in the text of the error",
        *(f"line {number}" for number in range(17, 20)),
    ]


def test_the_screen_hides_a_secret_of_several_lines():
    """It is hidden before what the error says is taken apart."""
    key = Secret("first line of it\nsecond line of it")
    flow = Pipeline("keys", Parameters.define(key=key), progress=False)

    def login(key):
        raise ValueError(f"no entry\nwith {key.reveal()}")

    flow.stage(login)

    failure = flow.run(on_error="continue").failure

    assert "line of it" not in "\n".join(failure_screen(failure)[:3])


def noted():
    error = ValueError("bad")
    error.add_note("look at row 3\nor at row 4")
    raise error


def test_the_screen_shows_what_was_added_to_an_error():
    """Below what it says; what pypedream adds for a traceback stands there already."""
    flow = Pipeline("noted", progress=False)
    flow.stage(noted)
    with pytest.raises(ValueError, match="bad"):
        flow.run()

    assert failure_screen(flow.last_run.failure)[:3] == [
        "noted failed: ValueError: bad",
        "  look at row 3",
        "  or at row 4",
    ]


def test_the_screen_shows_no_librarys_line_of_an_error_of_ours(tmp_path):
    """It says all itself: that a library of Python helped us to say so helps nobody."""
    (tmp_path / "x.json").write_text("{")
    flow = Pipeline("reading", Parameters.define(path=str(tmp_path / "x.json")), progress=False)
    flow.stage(JSON().load, name="read")

    run = flow.run(on_error="continue")

    head, path, *_ = failure_screen(run.failure)
    assert head.startswith("read failed: FormatError: ")
    assert path.startswith("  path = ")


def sum_of(each):
    return sum(each)


def broken(n):
    if n < 0:
        raise ValueError("below 0")
    return n


@pytest.mark.parametrize(
    "given, holds",
    [
        ([1, -1, 2], '"each" holds a failure that on_error="collect" put there'),
        ({"a": -1, "b": -2}, '"each" holds 2 failures that on_error="collect" put there'),
    ],
    ids=["list", "dict"],
)
def test_a_stage_that_trips_over_a_collected_failure_says_so(given, holds):
    """Its own exception says only of which type a value was."""
    flow = Pipeline("trips", Parameters.define(ns=given), progress=False)
    flow.stage(broken, name="each", over={"n": "ns"}, on_error="collect")
    flow.stage(sum_of, name="total")

    with pytest.raises(TypeError) as caught:
        flow.run()

    [note] = caught.value.__notes__
    assert f"  {holds}: Failure.without(each) leaves" in note
    assert holds in str(flow.last_run.failure)


def test_an_item_that_is_a_collected_failure_says_so():
    """As when one mapped stage follows another."""
    flow = Pipeline("trips", Parameters.define(ns=[1, -1]), progress=False)
    flow.stage(broken, name="each", over={"n": "ns"}, on_error="collect")
    flow.stage(lambda one: one + 1, name="next", over={"one": "each"})

    with pytest.raises(TypeError) as caught:
        flow.run()

    [note] = caught.value.__notes__
    assert '"one" is itself a failure that was collected' in note


def test_failures_are_left_out_of_results():
    """Whatever form these have; what holds none stays as it is."""
    failure = Failure("load", ValueError(), {}, int)

    assert Failure.without([1, failure, 2]) == [1, 2]
    assert Failure.without({"a": failure, "b": 2}) == {"b": 2}
    assert Failure.without([[1, failure], {"a": failure}, [failure]]) == [[1], {}, []]
    assert Failure.without("text") == "text"


def test_failures_are_left_out_of_an_array():
    """As a cross with collect="numpy" gives it; the other results are a list in its form."""
    numpy = pytest.importorskip("numpy")
    flow = Pipeline("cross", Parameters.define(ns=[1, -1], ms=[2, 3]), progress=False)

    @flow.stage(over=cross({"n": "ns"}, {"m": "ms"}), collect="numpy", on_error="collect")
    def sums(n, m):
        return broken(n) + m

    run = flow.run()

    assert Failure.without(run["sums"]) == [[3, 4], []]
    numbers = numpy.array([1.0, 2.0])
    assert Failure.without(numbers) is numbers


def test_the_notes_tell_no_secret():
    """The value of a secret is hidden in what pypedream adds, wherever it got to."""
    flow = Pipeline("secret", Parameters.define(key=Secret("abcd-1234")), progress=False)
    flow.stage(lambda key: {"header": key.reveal()}, name="login")
    flow.stage(lambda login: 1 / 0, name="divide")

    with pytest.raises(ZeroDivisionError) as caught:
        flow.run()

    assert "login = {'header': '***'}" in caught.value.__notes__[0]


def test_a_failure_is_shown_in_a_few_words():
    """The repr of a failure says the shape of a long value, not all of it."""
    flow = Pipeline("long", progress=False)
    flow.stage(lambda: list(range(10_000)), name="load")
    flow.stage(lambda load: 1 / 0, name="divide")
    with pytest.raises(ZeroDivisionError):
        flow.run()

    assert "9992 more" in repr(flow.last_run.failure)
    assert len(repr(flow.last_run.failure)) < 300


def test_an_exception_of_a_mapper_names_the_argument():
    """What a mapper raises is raised as it is, with a note on what was being bound."""
    from pypedream import Input, InputBinding, context

    flow = Pipeline("mapped", Parameters.define(rates={}), progress=False)
    bind = InputBinding.contextual(context.PARAMETERS, lambda parameters: parameters["rates"]["x"])
    flow.stage(lambda rate: rate, name="use", inputs=[Input("rate", bind)])

    with pytest.raises(KeyError) as caught:
        flow.run()

    assert 'while binding argument "rate" of stage "use"' in caught.value.__notes__[0]


def test_an_exception_that_is_raised_twice_gets_each_note_once(flow):
    """Running again with the same exception object does not pile up notes."""
    error = ValueError("always the same")
    flow = Pipeline("same", progress=False)

    def fail():
        raise error

    flow.stage(fail)
    for _ in range(3):
        with pytest.raises(ValueError, match="always the same"):
            flow.run()

    assert len(error.__notes__) == 1


def test_the_exception_can_still_be_pickled(flow):
    """Nothing that is attached to the user's exception stands in the way of pickling."""
    with pytest.raises(ZeroDivisionError) as caught:
        flow.run()

    assert isinstance(pickle.loads(pickle.dumps(caught.value)), ZeroDivisionError)


def test_exit_pipeline_ends_the_run_without_failure(flow):
    """A stage that raises ExitPipeline ends the run early; that is no failure."""

    @flow.stage
    def stop(beside):
        raise ExitPipeline("nothing new")

    @flow.stage
    def late(stop):
        return 1

    run = flow.run(b=1)

    assert run.state == "ok"
    assert "stop" not in run
    assert "late" not in run
    assert "nothing new" in run.stages["stop"].reason


def test_sys_exit_in_a_stage_is_a_failure(flow):
    """A stage that calls sys.exit fails and SystemExit is raised as it is."""

    @flow.stage
    def leave():
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        flow.run(only="leave")

    assert caught.value.code == 3
    assert flow.last_run.stages["leave"].state == "failed"


def test_a_cancelled_run_says_so():
    """run.cancel() lets the running stage end and starts no other."""
    from pypedream import context

    flow = Pipeline("cancelled", progress=False)

    @flow.stage
    def first():
        context.RUN.get().cancel()
        return 1

    @flow.stage
    def second(first):
        return 2

    with pytest.raises(RunCancelled, match='of pipeline "cancelled" was cancelled; to go on: '):
        flow.run()

    assert flow.last_run == {"first": 1}
    assert flow.last_run.stages["second"].state == "pending"


def test_a_failure_as_text_is_what_failed_where_and_with_what():
    """A notebook shows the same; secrets are hidden in what an exception says, too."""
    flow = Pipeline("said", Parameters.define(names=["a", "b"], key=Secret("abcd-1234")))

    @flow.stage(over={"name": "names"}, on_error="continue")
    def connect(name, key):
        raise ValueError(f"{name} refused: {key.reveal()}")

    failure = flow.run(progress=False).failures[1]

    head, place, line, *inputs = str(failure).splitlines()
    assert head == "connect[1] failed: ValueError: b refused: ***"
    assert place.endswith(" in connect")
    assert line.strip().startswith("raise ValueError(")
    assert inputs[-1] == "  name = 'b'   <- item 1 of parameter \"names\" (default)"
    assert failure._repr_mimebundle_()["text/plain"] == str(failure)
