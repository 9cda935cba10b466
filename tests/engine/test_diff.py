"""Diff: what changed from one run to another, and where they began to give something else."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
from attrs import asdict, evolve

from pypedream import Parameters, Pipeline, Secret, dependency
from pypedream.engine.account_in_memory import account_of
from pypedream.engine.account_recorded import recorded_account
from pypedream.engine.compare import compared_records
from pypedream.engine.diff import Change, LogChange, StageChange, run_diff
from pypedream.engine.divergence import NOT_DETERMINISTIC
from pypedream.engine.history import recorded_run
from pypedream.errors import StoreError

SOURCE = """\
    from pypedream import Parameters, Pipeline

    flow = Pipeline("etl", Parameters.define(rows=3, rate=2), workspace="ws", progress=False)

    def clean_dates(rows):
        return [row + 1 for row in rows]

    @flow.stage
    def load(rows):
        print("loading")
        return list(range(rows))

    @flow.stage
    def clean(load):
        return clean_dates(load)

    @flow.stage
    def total(clean, rate):
        return sum(clean) * rate

    @flow.stage
    def other(load):
        return len(load)

    @flow.stage
    def report(total, other):
        return f"{total} of {other}"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The folder in which the pipeline and its workspace are."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(*replaced: tuple[str, str], source: str = SOURCE) -> Pipeline:
    """The pipeline of a file, with some of its text replaced."""
    text = dedent(source)
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    Path("etl.py").write_text(text, encoding="utf-8")
    module = ModuleType("etl")
    exec(compile(text, str(Path("etl.py").absolute()), "exec"), module.__dict__)
    return module.flow


def without_time(diff) -> dict[str, object]:
    """All that differs, by section; durations are those of a busy machine."""
    found = asdict(diff)
    names = ("before", "after", "same", "durations", "notes")
    return {name: value for name, value in found.items() if value and name not in names}


@pytest.mark.parametrize("options", [{}, {"workspace": None}, {"checkpoint": False}], ids=str)
def test_a_run_does_not_differ_from_itself(options):
    """Whether it is recorded or not."""
    run = loaded().run(**options)

    diff = run.diff(run)

    assert diff.is_empty
    assert without_time(diff) == {}
    assert "differs" in str(diff).splitlines()[3]


@pytest.mark.parametrize("options", [{}, {"workspace": None}], ids=["recorded", "in memory"])
def test_the_same_again_does_not_differ(options):
    """All stages gave the same; that it took another time is no difference."""
    flow = loaded()
    first, second = flow.run(**options), flow.run(**options)

    diff = first.diff(second)

    assert without_time(diff) == {}
    assert diff.same == ("load", "clean", "total", "other", "report")


@pytest.mark.parametrize("options", [{}, {"workspace": None}], ids=["recorded", "in memory"])
def test_one_other_parameter_is_reported_alone(options):
    """The first stage that reads it diverged, and what is downstream of that is folded."""
    flow = loaded()
    first, second = flow.run(**options), flow.run(rate=3, **options)

    diff = first.diff(second)

    assert diff.parameters == (Change("rate", 2, 3),)
    assert diff.results == (Change("total", 12, 18),)
    assert "  total  12 -> 18 (+50.0%)" in str(diff).splitlines()
    assert set(without_time(diff)) == {"divergences", "results", "parameters"}
    (diverged,) = diff.divergences
    assert diff.first is diverged
    assert (diverged.stage, diverged.downstream) == ("total", ("report",))
    assert diverged.why == ('parameter "rate" 2 -> 3',)
    assert diff.same == ("load", "clean", "other")


def test_changed_code_is_named_once_with_its_line_and_stages():
    """The helper changed, not the stage that calls it."""
    first = loaded().run()
    second = loaded(("row + 1", "row + 2")).run()

    diff = first.diff(second)

    assert set(without_time(diff)) == {"divergences", "results", "code"}
    assert diff.code == (StageChange("helper clean_dates (etl.py:5) changed", ("clean",)),)
    assert diff.first.stage == "clean"
    assert diff.first.downstream == ("total", "report")
    assert diff.first.why == ("helper clean_dates (etl.py:5) changed",)


def test_a_helper_of_two_stages_is_one_change():
    """With both stages."""
    shared = ("return len(load)", "return clean_dates(load)")
    first = loaded(shared).run()
    second = loaded(shared, ("row + 1", "row + 2")).run()

    diff = first.diff(second)

    (change,) = diff.code
    assert change.stages == ("clean", "other")
    assert [one.stage for one in diff.divergences] == ["clean", "other"]
    assert "also by itself: other" in str(diff)


def test_code_that_changed_without_effect_diverges_nowhere():
    """It is said that no result differs."""
    first = loaded().run()
    second = loaded(("sum(clean) * rate", "rate * sum(clean)")).run()

    diff = first.diff(second)

    assert diff.first is None
    assert [change.what for change in diff.code] == ["function total (etl.py:17) changed"]
    assert "no result differs (5 stages gave the same)" in str(diff)
    assert not diff.is_empty


def test_what_a_stage_depends_on_is_an_input(monkeypatch):
    """Files and variables of the environment are named; values of variables are not kept."""
    depends = (
        "@flow.stage\ndef load",
        '@flow.stage(depends_on=["raw.csv"], env=["SITE"])\ndef load',
    )
    Path("raw.csv").write_text("1", encoding="utf-8")
    monkeypatch.setenv("SITE", "north")
    first = loaded(depends).run()
    Path("raw.csv").write_text("2", encoding="utf-8")
    monkeypatch.setenv("SITE", "south")
    second = loaded(depends).run()

    diff = first.diff(second)

    assert set(without_time(diff)) == {"inputs"}
    assert diff.inputs == (
        StageChange("file raw.csv changed", ("load",)),
        StageChange("environment SITE changed", ("load",)),
    )


def test_an_argument_that_comes_from_elsewhere_is_an_input():
    """It was a constant and is a parameter."""
    constant = (
        "@flow.stage\ndef total",
        "@flow.stage(inputs=[immediate(5, 'rate')])\ndef total",
    )
    imported = ("import Parameters", "import Parameters, immediate")
    first, second = loaded(imported, constant).run(), loaded().run()

    (change,) = first.diff(second).inputs

    assert change.stages == ("total",)
    assert change.what.startswith('input "rate" is parameter "rate" and was ')


def test_a_stage_that_is_not_deterministic_is_called_so():
    """Code, parameters and inputs are equal and the results are not."""
    noise = ("return len(load)", "import random; return random.random()")
    first, second = loaded(noise).run(), loaded(noise).run()

    diff = compared_records("ws")

    assert set(without_time(diff)) == {"divergences"}
    assert diff.first.stage == "other"
    assert diff.first.why == (NOT_DETERMINISTIC,)
    assert (diff.before.id, diff.after.id) == (first.id, second.id)


@pytest.mark.parametrize("options", [{}, {"workspace": None}], ids=["recorded", "in memory"])
def test_of_a_run_in_memory_the_suspects_are_named(options):
    """Where the functions are at hand, so is what they use that nobody sees."""
    flow = loaded(("return len(load)", "import random; return random.random()"))
    first, second = flow.run(**options), flow.run(**options)

    why = first.diff(second).first.why

    assert why[0] == NOT_DETERMINISTIC
    assert why[-1] == "it draws random numbers with random (etl.py:23)"


def test_a_stage_that_fails_has_diverged_and_blocks_what_is_downstream():
    """Its call is recorded, so it is known what changed."""
    first = loaded().run()
    flow = loaded(("sum(clean) * rate", "sum(clean) / rate"))
    with pytest.raises(ZeroDivisionError):
        flow.run(rate=0)

    diff = first.diff(flow.last_run)

    assert (diff.first.stage, diff.first.downstream) == ("total", ("report",))
    assert diff.first.before == "ok"
    assert diff.first.after == "failed: ZeroDivisionError: division by zero"
    assert diff.first.why == ("function total (etl.py:17) changed", 'parameter "rate" 2 -> 0')
    assert "  ok -> failed: ZeroDivisionError: division by zero" in str(diff)
    assert diff.states == (Change("other", "ok", "pending"),)


def test_stages_that_are_new_or_gone_are_named():
    """A stage of another name is another stage."""
    first = loaded().run()
    second = loaded(
        ("def other", "def size"), ("total, other", "total, size"), ("{other}", "{size}")
    )

    diff = first.diff(second.run())

    assert diff.states == (Change("size", None, "ok"), Change("other", "ok", None))
    assert "  size   not there -> ok" in str(diff)


def test_a_value_that_was_given_is_compared():
    """Those that read it tell what it was."""
    flow = loaded()
    first, second = flow.run(), flow.run(given={"load": [7]})
    third = flow.run(given={"load": [0, 1, 2]})

    assert first.diff(second).first.stage == "load"
    assert first.diff(third).first is None
    assert first.diff(third).options == (Change("given", [], ["load"]),)


def test_lines_and_warnings_are_counted():
    """Of stages that were called in both runs."""
    first = loaded().run()
    loud = 'print("loading"); print("more"); logger.warning("few")'
    imported = ("import Parameters", "import logger, Parameters")
    second = loaded(imported, ('print("loading")', loud)).run()

    diff = first.diff(second)

    assert diff.log == (
        LogChange("load", "lines printed", 1, 2),
        LogChange("load", "warnings", 0, 1),
    )
    assert "  load printed 1 line and then 2" in str(diff).splitlines()
    assert "  load gave 0 warnings and then 1" in str(diff).splitlines()


def test_without_results_the_rest_is_compared():
    """It is said that results were not recorded, and not that they are the same."""
    flow = loaded()
    first = recorded_account(recorded_run("ws", flow.run(checkpoint=False).id))
    second = recorded_account(recorded_run("ws", flow.run(checkpoint=False, rate=3).id))

    diff = run_diff(first, second)

    assert set(without_time(diff)) == {"parameters"}
    assert diff.notes[0].endswith(
        "results were not recorded, so neither code nor results can be compared"
    )
    assert "no result differs" not in str(diff)


def test_a_run_in_memory_is_compared_with_a_recorded_one():
    """What a value is does not depend on where it is; the code is said to be that of now."""
    flow = loaded()
    first, second = flow.run(), flow.run(workspace=None, rate=3)

    diff = first.diff(second)

    assert set(without_time(diff)) == {"divergences", "results", "parameters"}
    assert diff.first.stage == "total"
    assert diff.notes == (f"run {second.id} recorded no results: its code is taken as it is now",)


def test_results_that_say_nothing_of_themselves_are_not_compared():
    """It is neither said that they differ nor that they are the same."""
    flow = Pipeline("locks", Parameters.define(a=1), workspace="ws", progress=False)
    flow.stage(lambda a: threading.Lock(), name="lock")
    first, second = flow.run(), flow.run(a=2)

    diff = first.diff(second)

    assert (diff.not_comparable, diff.same, diff.divergences) == (("lock",), (), ())
    assert "results that cannot be compared: lock" in str(diff)


def test_a_secret_that_changed_is_not_shown():
    """That it changed is known from what was called with it."""
    flow = Pipeline("quiet", Parameters.define(key=Secret("abcd-1234")), workspace="ws")
    flow.stage(lambda key: len(key.reveal()), name="length")
    first = flow.run(progress=False)
    second = flow.run(key=Secret("efgh-56789"), progress=False)

    diff = first.diff(second)

    (change,) = diff.parameters
    assert change.name == "key"
    assert "another value, shown as ***" in str(diff)
    assert not any(text in repr(asdict(diff)) for text in ("abcd", "efgh"))


def test_values_that_look_alike_are_told_apart():
    """A text of digits is no number, and what was not a number still is none."""
    account = account_of(loaded().run())
    first = evolve(account, parameters={"a": 1, "b": float("nan"), "c": None})
    second = evolve(account, parameters={"a": "1", "b": float("nan")})

    diff = run_diff(first, second)

    assert diff.parameters == (Change("a", 1, "1"), Change("c", None, None))
    assert '  a  1 -> "1"' in str(diff).splitlines()


def test_another_environment_is_reported():
    """Versions of packages that the code names, and of those that pypedream needs."""
    account = account_of(loaded().run())
    other = {**account.environment, "package attrs": "1.0", "host": "other"}

    diff = run_diff(account, evolve(account, environment=other))

    assert {"python", "platform", "host", "package pypedream"} <= account.environment.keys()
    assert {one.name for one in diff.environment} == {"package attrs", "host"}
    assert set(without_time(diff)) == {"environment"}


def test_code_of_another_python_is_not_said_to_have_changed():
    """Its byte code is another one in any case."""
    first = account_of(loaded().run())
    second = account_of(loaded(("row + 1", "row + 2")).run())
    second = evolve(second, environment={**second.environment, "python": "3.99.1"})

    diff = run_diff(first, second)

    (change,) = diff.code
    assert change.what.endswith("and 3.99 compile code differently, so it cannot be compared")
    assert diff.first.why == (change.what,)


def test_code_is_compared_where_the_version_of_python_is_not_known():
    """As after run.json was damaged."""
    first, second = loaded().run(), loaded(("row + 1", "row + 2")).run()
    Path("ws/runs", second.id, "run.json").write_text("{", encoding="utf-8")

    (change,) = first.diff(second).code

    assert change.what == "helper clean_dates (etl.py:5) changed"


@pytest.mark.parametrize(
    "before, after, is_said",
    [
        (1.0, 2.5, True),
        (2.5, 1.0, True),
        (1.0, 1.9, False),
        (0.01, 0.09, False),
        (1.0, None, False),
    ],
)
def test_a_time_that_is_another_one_is_reported(before, after, is_said):
    """More than twice as long, or half as long, and by more than a tenth of a second."""
    account = account_of(loaded().run())
    first, second = (
        evolve(
            account,
            stages={**account.stages, "load": evolve(account.stages["load"], function_s=took)},
        )
        for took in (before, after)
    )

    found = run_diff(first, second).durations

    assert found == ((Change("load", before, after),) if is_said else ())


def test_a_run_is_named_by_its_id_or_from_the_last_on():
    """In the workspace of the run."""
    flow = loaded()
    first, second, third = flow.run(), flow.run(rate=3), flow.run(rate=4)

    assert third.diff("last~1").after.id == second.id
    assert third.diff("last~2").parameters == (Change("rate", 4, 2),)
    assert third.diff(first.id).after.id == first.id


def test_a_run_that_is_not_there_is_refused():
    """The text says which there are, or that nothing is recorded."""
    flow = loaded()
    run = flow.run()

    with pytest.raises(StoreError, match=f'no run "zzz" in ws; the last are {run.id}'):
        run.diff("zzz")
    with pytest.raises(StoreError, match='no run "last~1": there are only 1 in ws'):
        run.diff("last~1")
    with pytest.raises(StoreError, match=r'no run "last" can be looked for: .* has no workspace'):
        flow.run(workspace=None).diff("last")
    with pytest.raises(TypeError, match="diff takes a Run or the id of one, not None"):
        run.diff(None)


def test_without_names_the_last_two_of_a_pipeline_are_compared():
    """Runs of other pipelines in between do not count."""
    flow = loaded()
    first = flow.run()
    other = Pipeline("other", workspace="ws", progress=False)
    other.stage(lambda: 1, name="one")
    other.run()
    second = flow.run()

    diff = compared_records("ws")
    back = compared_records("ws", first.id)

    assert (diff.before.id, diff.after.id) == (first.id, second.id)
    assert (back.before.id, back.after.id) == (first.id, second.id)
    with pytest.raises(StoreError, match='is the only one of pipeline "other" in ws'):
        compared_records("ws", other.last_run.id)


def test_a_run_of_which_the_pipeline_is_not_known_is_compared_with_any():
    """Its run.json cannot be read."""
    flow = loaded()
    first, second = flow.run(), flow.run(rate=3)
    Path("ws/runs", second.id, "run.json").write_text("{", encoding="utf-8")

    diff = compared_records("ws")

    assert (diff.before.id, diff.after.id) == (first.id, second.id)
    assert diff.first.stage == "total"


def test_stages_that_are_reused_do_not_differ():
    """Their results are those of the run before."""
    flow = loaded()
    first, second = flow.run(), flow.run(cache="cached", rate=3)

    diff = first.diff(second)

    assert second.stages["load"].state == "reused"
    assert set(without_time(diff)) == {"divergences", "results", "parameters", "options"}
    assert diff.options == (Change("cache", "off", "cached"),)


def test_a_stage_that_was_skipped_instead_has_diverged():
    """Its condition was another one, and so is all that needs it."""
    condition = ("@flow.stage\ndef other", "@flow.stage(when=lambda rate: rate < 3)\ndef other")
    flow = loaded(condition)
    first, second = flow.run(), flow.run(rate=3)

    found = {one.stage: one for one in first.diff(second).divergences}

    assert set(found) == {"total", "other"}
    assert found["other"].before == "ok"
    assert found["other"].after.startswith("skipped: ")


def test_a_stage_that_was_skipped_in_both_gave_nothing():
    """What those that read it took in its place is not its result."""
    flow = Pipeline("skips", Parameters.define(a=1), workspace="ws", progress=False)
    flow.stage(lambda a: a, name="other", when=lambda a: a > 1)

    @flow.stage(inputs=[dependency("other", "given", default=3)])
    def last(given):
        return given

    first, second = flow.run(), flow.run()

    assert first.diff(second).same == ("last",)
    assert first.diff(second).is_empty


DAMAGES = {
    "torn": lambda text: text[: len(text) // 2],
    "empty": lambda text: b"",
    "no text": lambda text: b"\xff\xfe\x00\n" + text,
    "too deep": lambda text: b"[" * 100_000,
    "other types": lambda text: b'{"kind": 3, "stage": [], "call": {"code": 3}}\n' * 3,
    "a list": lambda text: b"[1, 2]\n",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
@pytest.mark.parametrize("file", ["run.json", "journal.jsonl", "logs.jsonl", "results.jsonl"])
def test_a_damaged_record_is_compared_as_far_as_it_goes(file, damage):
    """What cannot be read is named, unless nothing is left that could be unreadable."""
    flow = loaded()
    first, second = flow.run(), flow.run(rate=3)
    path = Path("ws/runs", second.id, file)
    path.write_bytes(damage(path.read_bytes()))

    diff = compared_records("ws", first.id, second.id)

    assert json.dumps(asdict(diff))
    assert str(diff)
    is_named = any("cannot be read" in note for note in diff.notes)
    assert is_named or path.stat().st_size == 0


@pytest.mark.parametrize("values", [{"seed": 1, "model": {"depth": 3}}, {}], ids=["nested", "none"])
def test_runs_of_different_pipelines_can_be_compared(values):
    """Stages are the same if they bear the same name."""
    first = loaded().run()
    flow = Pipeline("other", Parameters.define(**values), workspace="ws", progress=False)
    flow.stage(lambda: [0, 1, 2], name="load")

    diff = first.diff(flow.run())

    assert (diff.before.pipeline, diff.after.pipeline) == ("etl", "other")
    assert "load" in diff.same
    assert {"rows", "rate"} <= {one.name for one in diff.parameters}
