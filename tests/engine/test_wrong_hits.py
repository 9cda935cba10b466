"""A kept result is never taken over for a call that would give another one."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass

import pytest

from pypedream import (
    Input,
    InputBinding,
    Parameters,
    Pipeline,
    Secret,
    SequentialOutputMapper,
    context,
    dependency,
    param,
)
from pypedream.errors import PlanError


@pytest.fixture
def make(tmp_path):
    """Make pipelines that share a workspace."""

    def make(name="p", parameters=None, **options):
        return Pipeline(name, parameters, workspace=tmp_path / "w", cache="cached", **options)

    return make


def reading(mapper, source=context.PARAMETERS):
    return Input("x", InputBinding.contextual(source, mapper=mapper))


def test_an_output_that_another_mapper_names(make):
    """The part of a value that an output is depends on the mapper."""

    def build(names):
        flow = make()
        flow.stage(lambda: (1, 2), name="a", output_mapper=SequentialOutputMapper(names))
        flow.stage(lambda x: x, name="b", inputs=[dependency("a", "x", "x")])
        return flow

    assert [build(names).run()["b"] for names in (["x", "y"], ["y", "x"])] == [1, 2]


def test_an_output_that_a_mapper_of_the_users_makes(make):
    """It may read anything, also the context."""
    flow = make("own", Parameters.define(x=1))
    flow.stage(lambda: 0, name="a", output_mapper=lambda _: {"o": context.PARAMETERS.get()["x"]})
    flow.stage(lambda x: x, name="b", inputs=[dependency("a", "x", "o")])

    assert [flow.run(x=x)["b"] for x in (1, 2)] == [1, 2]


def test_one_pipeline_included_twice(make):
    """The same mapper reads other parameters under each prefix."""
    inner = Pipeline("inner", Parameters.define(k=1))
    inner.stage(lambda x: x, name="u", inputs=[reading(lambda all_: all_["k"])])
    flow = make("outer")
    flow.include(inner, prefix="p1")
    flow.include(inner, prefix="p2")

    assert dict(flow.run({"p1.k": 2, "p2.k": 3})) == {"p1.u": 2, "p2.u": 3}


@pytest.mark.parametrize("after", [None, "a"])
def test_a_mapper_that_reads_the_stages(make, after):
    """What it reads is known only when it does."""

    def build(value):
        flow = make()
        flow.stage(lambda: value, name="a")
        policy = {} if after is None else {"after": after}
        inputs = [reading(lambda stages: stages["a"]["return"], context.STAGES)]
        flow.stage(lambda x: x, name="b", inputs=inputs, **policy)
        return flow

    assert [build(value).run()["b"] for value in (1, 2)] == [1, 2]


def test_the_names_of_parameters(make):
    """Two parameters that change places are others for who reads one by its name."""

    def build(values):
        flow = make("names", Parameters.define(**values))
        flow.stage(lambda x: x, name="b", inputs=[reading(lambda all_: all_["a"])])
        return flow

    assert [build(values).run()["b"] for values in ({"a": 1, "b": 2}, {"b": 1, "a": 2})] == [1, 2]


def test_the_mapper_of_a_value(make):
    """A value that is given is what its mapper makes of it."""

    def build(mapper):
        flow = make()
        inputs = [Input("x", InputBinding.immediate(3, mapper=mapper))]
        flow.stage(lambda x: x, name="b", inputs=inputs)
        return flow

    assert [build(made).run()["b"] for made in (lambda v: v + 1, lambda v: v * 10)] == [4, 30]


def test_what_is_read_of_the_run_itself(make):
    """The run is another one each time."""
    flow = make("run", Parameters.define(x=1))
    flow.stage(lambda: context.RUN.get().parameters["x"], name="s")

    assert [flow.run(x=x)["s"] for x in (1, 2)] == [1, 2]


@dataclass
class Model:
    rate: float = 0.5

    def total(self):
        return self.rate


def test_a_method_of_what_is_read(make, monkeypatch):
    """Who reads an object may call its methods."""
    flow = make("model", Parameters.define(model=Model()))
    flow.stage(lambda model: model.total(), name="s")
    assert flow.run()["s"] == 0.5

    monkeypatch.setattr(Model, "total", lambda self: -self.rate)

    assert flow.run()["s"] == -0.5


def test_a_parameter_that_is_not_set_is_none_without_a_fingerprint(make):
    """A value that cannot be told is not the same as none at all."""
    flow = make("lock", Parameters.define("k"))
    flow.stage(
        lambda k=5: type(k).__name__, name="s", inputs=[param("k", required=False, default=6)]
    )

    assert [flow.run()["s"], flow.run(k=threading.Lock())["s"]] == ["int", "lock"]


def test_a_condition_that_may_read_anything_is_asked(make):
    """A kept result does not say that it holds now."""
    flow = make("when", Parameters.define(go=True))
    flow.stage(lambda: 1, name="s", when=lambda: context.PARAMETERS.get()["go"])
    flow.run()

    assert flow.run(go=False).stages["s"].state == "skipped"
    assert flow.run().stages["s"].state == "reused"


def test_a_version_stands_for_code_and_not_for_what_it_holds(make):
    """Functions of one code with other arguments, cells or objects are not the same."""

    def made(number):
        return lambda: number

    class Holder:
        def __init__(self, number):
            self.number = number

        def give(self):
            return self.number

    flow = make("version")
    for number in range(3):
        for name, function in (
            ("partial", functools.partial(lambda i: i, number)),
            ("cell", made(number)),
            ("self", Holder(number).give),
        ):
            flow.stage(function, name=f"{name}{number}", version="1")
    run = flow.run()

    for name in ("partial", "cell", "self"):
        assert [run[f"{name}{number}"] for number in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("values", [([1], [True]), (0.0, -0.0)])
def test_a_resumed_run_tells_values_apart(values):
    """Equal is not the same: a stage may see the difference."""
    before, after = values
    flow = Pipeline("equal", Parameters.define(x=None))
    flow.stage(lambda x: f"{x!r}", name="s")
    run = flow.run(x=before)

    assert flow.resume(run, x=after)["s"] == repr(after)


def test_a_resumed_run_sees_files_variables_and_mappers(tmp_path, monkeypatch):
    """All that a stage depends on counts, as for a kept result."""
    file = tmp_path / "data.csv"
    file.write_text("1")
    monkeypatch.setenv("REGION", "eu")
    flow = Pipeline("depends", Parameters.define(a=1, b=2))
    flow.stage(file.read_text, name="file", depends_on=file)
    flow.stage(lambda: __import__("os").environ["REGION"], name="env", env="REGION")
    flow.stage(lambda x: x, name="mapped", inputs=[reading(lambda all_: all_["a"])])
    run = flow.run()
    file.write_text("2")
    monkeypatch.setenv("REGION", "us")
    flow.remove("mapped")
    flow.stage(lambda x: x, name="mapped", inputs=[reading(lambda all_: all_["b"])])

    assert dict(flow.resume(run)) == {"file": "2", "env": "us", "mapped": 2}


def test_an_input_that_was_changed_in_place(make):
    """What was computed from a changed value is not the result for the unchanged one."""

    def build(is_right):
        flow = make("mutated")
        flow.stage(lambda: [1], name="a")
        if is_right:
            flow.stage(lambda a: len(a) + 0, name="b")
        else:
            flow.stage(lambda a: a.append(2), name="b")
        flow.stage(lambda a: [*a], name="c", after="b")
        return flow

    assert build(is_right=False).run()["c"] == [1, 2]
    assert build(is_right=True).run()["c"] == [1]


def test_a_stage_that_failed_is_called_again_with_what_it_was_called_with(tmp_path):
    """It may have changed its input in place before it failed."""
    troubles = [True, False]
    flow = Pipeline("again", workspace=tmp_path)
    flow.stage(lambda: [1, 1], name="load")

    @flow.stage
    def double(load):
        load[:] = [2 * row for row in load]
        if troubles.pop(0):
            raise ValueError("no luck")
        return sum(load)

    with pytest.raises(ValueError, match="no luck"):
        flow.run()

    assert flow.resume()["double"] == 4


def test_adopt_tells_swapped_inputs(make):
    """The same values under other names are not the same call."""
    flow = make("swap", Parameters.define(a=1, b=2))
    flow.stage(lambda a, b: a - b, name="s")
    flow.run()
    flow.remove("s")
    flow.stage(lambda a, b: a - b, name="s2")

    with pytest.raises(PlanError, match="not of the inputs"):
        flow.adopt("s2", was="s", a=2, b=1)


@pytest.mark.parametrize("value", [[Secret("S3CRETTEXT")], {"k": Secret("S3CRETTEXT")}])
def test_secrets_within_values_are_not_written(tmp_path, value):
    """Neither those in parameters and given values nor parts of them."""
    flow = Pipeline(
        "secrets",
        Parameters.define(keys=None, token=Secret("S3CRETTEXT"), url="http://S3CRETTEXT@host"),
        workspace=tmp_path,
    )
    flow.stage(lambda keys, url, token: url, name="st")
    flow.stage(lambda st: st, name="later")
    flow.run(keys=value)
    flow.run(given={"st": value})

    for path in tmp_path.rglob("*"):
        text = b"" if path.is_dir() else path.read_bytes()
        assert b"S3CRET" not in text, path
        assert b"ETTEXT" not in text, path


def test_a_class_that_cannot_be_looked_at(make):
    """What it raises fails no stage: its values just have no fingerprint."""

    class Odd:
        def __pypedream_hash__(self):
            raise ValueError("odd")

    flow = make("odd")
    flow.stage(Odd, name="s")
    flow.stage(lambda s: 1, name="t")

    assert flow.run()["t"] == 1
