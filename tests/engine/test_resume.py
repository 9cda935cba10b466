"""Resume: what runs again, what does not, and why."""

from __future__ import annotations

import pytest

from pypedream import Parameters, Pipeline, Stage
from pypedream.errors import PlanError

CALLS: list[str] = []


def called(name, value):
    CALLS.append(name)
    return value


class Counted:
    """A pipeline whose calls are counted by stage."""

    def __init__(self) -> None:
        self.calls = CALLS
        CALLS.clear()
        self.flow = Pipeline("counted", Parameters.define(rate=1, factor=2), progress=False)
        self.replace("load", lambda rate: called("load", rate))
        self.replace("clean", lambda load: called("clean", load + 1))
        self.replace("model", lambda clean, factor: called("model", clean / 0))
        self.replace("plot", lambda model: called("plot", model))

    def replace(self, key, function):
        self.flow._table.stages[key] = Stage(function, name=key)
        self.flow._blueprint = None


@pytest.fixture
def failed() -> Counted:
    counted = Counted()
    with pytest.raises(ZeroDivisionError):
        counted.flow.run()
    counted.calls.clear()
    return counted


def test_resume_runs_what_failed_and_what_depends_on_it(failed):
    """Finished stages are not called again after the function was fixed."""
    failed.replace("model", lambda clean, factor: called("model", clean * factor))

    run = failed.flow.resume()

    assert failed.calls == ["model", "plot"]
    assert run == {"load": 1, "clean": 2, "model": 4, "plot": 4}
    assert run.stages["load"].state == "reused"


def test_resume_runs_a_stage_whose_code_changed(failed):
    """A finished stage that was redefined with other code runs again, and so do its readers."""
    failed.replace("clean", lambda load: called("clean", load + 100))
    failed.replace("model", lambda clean, factor: called("model", clean * factor))

    run = failed.flow.resume()

    assert failed.calls == ["clean", "model", "plot"]
    assert run["plot"] == 202


def test_resume_keeps_a_stage_whose_cell_ran_again_unchanged(failed):
    """A redefinition with the same code counts as the same stage."""
    failed.replace("clean", lambda load: called("clean", load + 1))
    failed.replace("model", lambda clean, factor: called("model", clean * factor))

    failed.flow.resume()

    assert failed.calls == ["model", "plot"]


def test_resume_with_another_parameter_runs_its_readers(failed):
    """A parameter that changes makes the stages that read it run, and no others."""
    failed.replace("model", lambda clean, factor: called("model", clean * factor))

    run = failed.flow.resume(rate=5)

    assert failed.calls == ["load", "clean", "model", "plot"]
    assert run.plan.stages["load"].reason == 'parameter "rate" 1 -> 5'


def test_resume_keeps_the_parameters_of_the_run():
    """A parameter that was set for the failed run holds for the resumed one."""
    counted = Counted()
    with pytest.raises(ZeroDivisionError):
        counted.flow.run(rate=7)
    counted.replace("model", lambda clean, factor: called("model", clean * factor))
    counted.calls.clear()

    run = counted.flow.resume()

    assert counted.calls == ["model", "plot"]
    assert run["model"] == 16


def test_resume_keeps_the_options_of_the_run(failed):
    """What the failed run was asked for is asked again, unless it is named."""
    with pytest.raises(ZeroDivisionError):
        failed.flow.run(until="model", executor="threads")
    failed.replace("model", lambda clean, factor: called("model", clean * factor))

    run = failed.flow.resume()

    assert "plot" not in run
    assert run.plan.options.executor == "threads"


def test_a_helper_that_changed_counts(failed):
    """A changed helper of a finished stage is noticed although the stage is the same."""
    namespace = {"called": called}
    exec(
        "def helper(x): return x + 1\ndef clean(load): return called('clean', helper(load))",
        namespace,
    )
    failed.replace("clean", namespace["clean"])
    with pytest.raises(ZeroDivisionError):
        failed.flow.run()
    failed.calls.clear()

    exec("def helper(x): return x + 2", namespace)
    failed.replace("model", lambda clean, factor: called("model", clean * factor))
    run = failed.flow.resume()

    assert failed.calls == ["clean", "model", "plot"]
    assert "helper" in run.plan.stages["clean"].reason


def test_results_that_were_not_kept_are_made_again(failed):
    """With keep="ends" a resumed run makes again what it needs."""
    with pytest.raises(ZeroDivisionError):
        failed.flow.run(keep="ends")
    failed.replace("model", lambda clean, factor: called("model", clean * factor))
    failed.calls.clear()

    run = failed.flow.resume()

    assert run["plot"] == 4
    assert failed.calls[-2:] == ["model", "plot"]


def test_resume_of_a_finished_run_calls_nothing():
    """There is nothing to do after a run that went well."""
    counted = Counted()
    counted.replace("model", lambda clean, factor: called("model", clean * factor))
    counted.flow.run()
    counted.calls.clear()

    run = counted.flow.resume()

    assert counted.calls == []
    assert run == {"load": 1, "clean": 2, "model": 4, "plot": 4}


def test_resume_without_a_run_says_so():
    """There must have been a run."""
    with pytest.raises(PlanError, match="there is no run to resume: run\\(\\) first"):
        Counted().flow.resume()


def test_resume_after_an_interrupt_goes_on_where_it_stopped():
    """An interrupted stage runs again, those before it do not."""
    counted = Counted()

    def interrupted(clean, factor):
        raise KeyboardInterrupt

    counted.replace("model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        counted.flow.run()
    assert counted.flow.last_run.state == "interrupted"
    counted.replace("model", lambda clean, factor: called("model", clean * factor))
    counted.calls.clear()

    counted.flow.resume()

    assert counted.calls == ["model", "plot"]


def _flow(when, last, **parameters):
    flow = Pipeline("conditional", Parameters.define(rate=1, **parameters), progress=False)
    flow.stage(lambda rate: rate, name="load", when=when)
    flow.stage(last, name="last")
    return flow


def _fail():
    raise ValueError("not yet")


@pytest.mark.parametrize(
    "before, now, state",
    [
        (lambda rate: rate > 0, lambda rate: rate > 0, "reused"),
        (lambda rate: rate > 0, lambda rate: rate > 5, "skipped"),
        ("rate", None, "reused"),
        ("rate", "other", "skipped"),
        (None, lambda rate: rate > 5, "skipped"),
    ],
    ids=["same", "other function", "none any more", "other name", "new"],
)
def test_a_condition_that_changed_is_looked_at_again(before, now, state):
    """A finished stage is not taken over when it may have to be skipped by now."""
    failed = _flow(before, _fail, other=0).run(on_error="continue")

    resumed = _flow(now, lambda: 2, other=0).resume(failed)

    assert resumed.stages["load"].state == state


def test_a_condition_that_was_taken_away_calls_nothing_again():
    """The stage was called although it had one; its function is the same."""

    def build(last, **policy):
        flow = Pipeline("conditions", Parameters.define(go=True), progress=False)
        flow.stage(lambda: called("one", 1), name="one", **policy)
        flow.stage(last, name="two")
        return flow

    CALLS.clear()
    failed = build(lambda one: one / 0, when=lambda go: go)
    with pytest.raises(ZeroDivisionError):
        failed.run()

    run = build(lambda one: one).resume(failed.last_run)

    assert CALLS == ["one"]
    assert run.stages["one"].state == "reused"


class Doubling:
    """A pipeline that doubles its rows in place, and fails; as it is after its cell was mended."""

    def __init__(self) -> None:
        self.loaded = 0
        self.flow = Pipeline("doubling", progress=False)
        self.flow.stage(self.load)
        self.flow.stage(self.broken, name="doubled")
        with pytest.raises(OSError, match="away"):
            self.flow.run()
        self.flow.remove("doubled")
        self.flow.stage(self.doubled)

    def load(self):
        self.loaded += 1
        return {"rows": [1, 2]}

    @staticmethod
    def broken(load):
        load["rows"] = [2 * row for row in load["rows"]]
        raise OSError("away")

    @staticmethod
    def doubled(load):
        load["rows"] = [2 * row for row in load["rows"]]
        return sum(load["rows"])


@pytest.fixture
def typing(monkeypatch):
    """Somebody types, in a notebook or in a shell."""
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)


@pytest.mark.usefixtures("typing")
def test_what_a_failed_stage_has_changed_in_place_is_made_again():
    """The stage that was mended does not get what it has doubled once already."""
    doubling = Doubling()

    run = doubling.flow.resume()

    assert run["doubled"] == 6
    assert run.plan.stages["load"].reason == "what it gave was changed in place since"
    assert doubling.loaded == 2


@pytest.mark.usefixtures("typing")
def test_what_a_mended_stage_has_changed_in_place_is_made_again():
    """It had not failed; and how often it is mended makes no difference."""
    doubling = Doubling()
    for step in (1, 2, 3):
        doubling.flow.resume()
        doubling.flow.remove("doubled")
        doubling.flow.stage(lambda load, step=step: doubling.doubled(load) + step, name="doubled")

    assert doubling.flow.resume()["doubled"] == 9


@pytest.mark.usefixtures("typing")
def test_what_was_changed_in_place_and_is_not_read_again_is_not_made_again():
    """A stage may change what it reads, and what follows it can fail and go on."""
    doubling = Doubling()
    doubling.flow.stage(lambda doubled: 1 / 0, name="after")
    with pytest.raises(ZeroDivisionError):
        doubling.flow.resume()
    doubling.flow.remove("after")
    doubling.flow.stage(lambda doubled: doubled + 1, name="after")

    run = doubling.flow.resume()

    assert run["after"] == 7
    assert run.stages["load"].state == "reused"
    assert doubling.loaded == 2


def test_nobody_looks_at_values_where_nobody_types():
    """A script pays nothing for what only somebody who mends a stage can ask for."""
    doubling = Doubling()

    assert doubling.flow.last_run.values_as_given is None
