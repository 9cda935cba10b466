"""Pipeline: how stages come into it, what it makes of names, and what a run is asked for."""

from __future__ import annotations

import importlib
import os
import random
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from pypedream import (
    DependencyInputMapper,
    Input,
    InputBinding,
    KeyedInputMapper,
    Parameter,
    Parameters,
    Pipeline,
    Secret,
    SequentialOutputMapper,
    Stage,
    Variables,
    context,
    dependency,
    immediate,
    param,
    var,
)
from pypedream.engine.wiring import wire
from pypedream.errors import DefinitionError, PipelineConfigError, PlanError


def quiet(name="flow", *arguments, **more) -> Pipeline:
    return Pipeline(name, *arguments, progress=False, **more)


# How stages are added


def test_a_decorated_function_stays_an_ordinary_function():
    """Every form of the decorator returns the very function, which can be called as before."""
    flow = quiet()

    def double(x=1):
        """Twice as much."""
        return 2 * x

    assert flow.stage(double) is double
    assert flow.stage("second")(double) is double
    assert flow.stage(name="third")(double) is double
    assert flow.stage(double, name="fourth") is double
    assert flow.stage("fifth", retries=2)(double) is double
    assert double(4) == 8
    assert list(flow.stages) == ["double", "second", "third", "fourth", "fifth"]
    assert flow.stages["fifth"].policy.retries == 2


def test_one_function_may_be_several_stages():
    """The same function under several names, each with inputs of its own."""
    flow = quiet("many", Parameters.define(low=1, high=5))

    def scaled(factor, by=10):
        return factor * by

    flow.stage(scaled, name="small", inputs=[param("low", "factor")])
    flow.stage(scaled, name="large", inputs=[param("high", "factor"), immediate(100, "by")])
    flow.stage(partial(scaled, 7), name="fixed")

    assert flow.run() == {"small": 10, "large": 500, "fixed": 70}


def test_a_stage_can_be_added_as_it_is():
    """A Stage that was made before is taken with all that it says."""
    flow = quiet("added", Parameters.define(rate=2))
    stage = Stage(lambda x: x, [param("rate", "x")], name="it", tags="slow")

    assert flow.stage(stage) is stage
    flow.stage(stage, name="again")

    assert flow.run(tags="slow") == {"it": 2, "again": 2}


def test_a_table_may_hold_plain_functions():
    """Stages and functions stand side by side, each under its key."""
    flow = quiet("table", stages={"one": lambda: 1, "two": Stage(lambda one: one + 1)})

    assert flow.run() == {"one": 1, "two": 2}


def test_arguments_are_bound_by_name():
    """A stage, else a parameter, else a variable, else the function's default."""
    flow = quiet("names", Parameters.define(rate=2), variables=Variables.define(count=3))
    flow.stage(lambda: 1, name="load")
    flow.stage(lambda load, rate, count, other=4: (load, rate, count, other), name="all")

    assert flow.run()["all"] == (1, 2, 3, 4)


def test_bound_and_unbound_arguments_mix():
    """What is not bound explicitly is bound by its name."""
    flow = quiet("mixed", Parameters.define(rate=2, other=9))
    flow.stage(lambda rate, factor: (rate, factor), name="it", inputs=[param("other", "factor")])

    assert flow.run()["it"] == (2, 9)


def test_a_dotted_parameter_is_bound_explicitly_and_a_group_by_name():
    """Nested parameters are reached one by one, or all of a group together."""
    flow = quiet("nested", Parameters.define(model={"depth": 3, "rate": 0.5}))
    flow.stage(lambda depth: depth, name="one", inputs=[param("model.depth")])
    flow.stage(lambda model: model.rate, name="group")

    assert flow.run({"model.depth": 4}) == {"one": 4, "group": 0.5}


def test_stages_are_defined_in_any_order():
    """What is read may stand below its reader; the order of definition is kept where it can be."""
    flow = quiet("order")
    for name, function in {
        "plot": lambda clean: clean,
        "load": lambda: 1,
        "clean": lambda load: load,
        "check": lambda: 0,
    }.items():
        flow.stage(function, name=name)

    assert list(flow.plan().stages) == ["load", "clean", "plot", "check"]
    assert list(flow.run()) == ["load", "clean", "plot", "check"]


# The explicit form


def explicit(flow: Pipeline) -> dict[str, list[Input]]:
    return {key: list(stage.inputs) for key, stage in flow.stages.items()}


def test_stages_always_show_real_inputs():
    """The short form is shown as the explicit form that it stands for."""
    flow = quiet("shown", Parameters.define(rate=2), variables=Variables.define(count=3))

    @flow.stage
    def load(rate):
        return rate

    @flow.stage(inputs=[immediate(1, "first")])
    def clean(first, load, count, other=4): ...

    def bound(source, mapper):
        return InputBinding.contextual(source, mapper)

    assert explicit(flow) == {
        "load": [Input("rate", bound(context.PARAMETERS, KeyedInputMapper("rate")))],
        "clean": [
            immediate(1, "first"),
            Input("load", bound(context.STAGES, DependencyInputMapper("load"))),
            Input("count", bound(context.VARIABLES, KeyedInputMapper("count"))),
        ],
    }
    assert flow.stages["load"].function is load


def test_the_table_of_stages_cannot_be_changed():
    """Stages are added through the pipeline, which checks them."""
    flow = quiet("fixed", stages={"one": lambda: 1})

    with pytest.raises(TypeError, match=re.escape('is taken out by pipeline.remove("one")')):
        del flow.stages["one"]
    with pytest.raises(TypeError, match=re.escape("are added by pipeline.stage(function")):
        flow.stages["two"] = Stage(len)


def random_flow(seed: int) -> Pipeline:
    """A pipeline whose stages read stages, parameters, variables and defaults at random."""
    source = random.Random(seed)
    sources = {f"p{number}": number for number in range(3)}
    counts = {f"v{number}": number for number in range(2)}
    flow = quiet(
        f"random {seed}", Parameters.define(**sources), variables=Variables.define(**counts)
    )
    for number in range(8):
        names = [*sources, *counts, *(f"s{below}" for below in range(number))]
        read = sorted(source.sample(names, source.randint(0, min(4, len(names)))))
        split = source.randint(0, len(read))
        optional = [f"{name}=None" for name in [*read[split:], "nothing"]]
        text = ", ".join([*read[:split], *optional])
        flow.stage(eval(f"lambda {text}: [{', '.join(read)}]"), name=f"s{number}")
    return flow


@given(st.integers(0, 10_000))
def test_the_explicit_form_is_the_same_pipeline(seed):
    """A pipeline made of what `stages` shows has the same links, and shows the same."""
    flow = random_flow(seed)

    again = quiet("again", flow.parameters, flow.stages, variables=flow.variables)

    def links(one: Pipeline) -> dict[str, Any]:
        wires = wire(one._definition()).wires
        return {
            key: {link.argument: (*link[1:4], link.is_required, link.reads) for link in wired.links}
            for key, wired in wires.items()
        }

    assert links(again) == links(flow)
    assert explicit(again) == explicit(flow)


@pytest.mark.parametrize("seed", range(5))
def test_the_explicit_form_gives_the_same_results(seed):
    """Both forms of a pipeline give the same results for the same parameters."""
    flow = random_flow(seed)
    again = quiet("again", flow.parameters, flow.stages, variables=flow.variables)

    assert again.run(p0=10) == dict(flow.run(p0=10))


# Names that are there already


def test_a_name_is_used_once():
    """A second stage of a name is refused, and the first stays."""
    flow = quiet("once", stages={"load": lambda: 1})

    with pytest.raises(PipelineConfigError, match='"load" already'):
        flow.stage(lambda: 2, name="load")

    assert flow.run() == {"load": 1}


def test_one_function_twice_under_one_name_is_a_mistake():
    """A forgotten name= does not silently replace the first stage."""
    flow = quiet("twice", Parameters.define(a=1, b=2))

    def scaled(x):
        return x

    flow.stage(scaled, inputs=[param("a", "x")])

    with pytest.raises(PipelineConfigError, match="another name"):
        flow.stage(scaled, inputs=[param("b", "x")])


CELL = """
@flow.stage
def load():
    return {number}
"""


@pytest.mark.parametrize("file", ["<stdin>", "/tmp/ipykernel_1/2.py"], ids=["typed", "cell"])
def test_a_cell_may_define_a_stage_again(file):
    """What is typed, or run from a cell, replaces the stage of that name."""
    flow = quiet("cells")
    for number in (1, 2):
        exec(compile(CELL.format(number=number), file, "exec"), {"flow": flow})

    assert flow.run() == {"load": 2}


def test_a_cell_may_change_its_mind():
    """Another function, a partial or an object may take a name over in a cell."""
    flow = quiet("cells", Parameters.define(rate=2))
    cells = [
        'flow.stage(partial(max, 1), name="it", inputs=[])',
        'flow.stage(partial(max, 1), name="it", inputs=[])',
        'flow.stage(lambda rate: rate, name="it")',
    ]
    for number, cell in enumerate(cells):
        exec(compile(cell, f"<cell {number}>", "exec"), {"flow": flow, "partial": partial})

    assert flow.run() == {"it": 2}


def test_a_module_may_be_loaded_again(tmp_path, monkeypatch):
    """Loading a module of stages anew replaces its stages, as long as they stand where they did."""
    flow = quiet("reloaded")
    module = tmp_path / "stages_of_mine.py"
    text = "from holder import flow\n@flow.stage\ndef load():\n    return {}\n"
    holder = type(sys)("holder")
    holder.flow = flow
    monkeypatch.setitem(sys.modules, "holder", holder)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    module.write_text(text.format(1), encoding="utf-8")
    loaded = importlib.import_module("stages_of_mine")
    module.write_text(text.format(22), encoding="utf-8")
    importlib.reload(loaded)
    sys.modules.pop("stages_of_mine")

    assert flow.run() == {"load": 22}


def test_a_changed_pipeline_is_planned_anew():
    """A plan after another stage was added knows it; the plan before does not change."""
    flow = quiet("growing", stages={"one": lambda: 1})
    before = flow.plan()

    flow.stage(lambda one: one + 1, name="two")

    assert list(before.stages) == ["one"]
    assert list(flow.plan().stages) == ["one", "two"]
    assert flow.run() == {"one": 1, "two": 2}


def test_parameters_may_be_replaced():
    """New parameters of a pipeline hold from the next plan on."""
    flow = quiet("replaced", Parameters.define(rate=1), {"it": lambda rate: rate})
    assert flow.run() == {"it": 1}

    flow.parameters = Parameters.define(rate=5)

    assert flow.run() == {"it": 5}


def test_typed_settings_may_be_given_as_a_class():
    """An attrs class stands for the parameters of its fields."""

    @frozen
    class Settings:
        year: int = 1990

    flow = quiet("typed", Settings, {"it": lambda year: year})

    assert flow.run(year=2000)["it"] == 2000
    with pytest.raises(PlanError, match="is not an int"):
        flow.run(year="soon")


def test_a_secret_parameter_fits_a_secret_argument():
    """The type of a secret parameter, as its readers see it, is Secret."""
    flow = quiet("hidden", Parameters.define(key=Parameter(str, "abcdef", secret=True)))

    @flow.stage
    def used(key: Secret) -> int:
        return len(key.reveal())

    assert flow.run()["used"] == 6


# Including other pipelines


@pytest.fixture
def bronze() -> Pipeline:
    """A pipeline to be included: two stages, a parameter and a variable."""
    flow = quiet(
        "bronze", Parameters.define(source="web", limit=3), variables=Variables.define(n=0)
    )

    @flow.stage
    def load(source, limit):
        return [source] * limit

    @flow.stage(tags="slow")
    def clean(load, n):
        context.VARIABLES.get()["n"] = n + 1
        return [*load, n]

    return flow


def test_include_without_prefix_joins_names(bronze):
    """Names of both pipelines are names of one."""
    flow = quiet("all", Parameters.define(rate=2))
    flow.include(bronze)
    flow.stage(lambda clean, rate: len(clean) * rate, name="size")

    assert flow.run(limit=1) == {"load": ["web"], "clean": ["web", 0], "size": 4}


def test_include_with_prefix_keeps_names_apart(bronze):
    """Stages, parameters and variables of the other pipeline stand behind the prefix."""
    flow = quiet("all", Parameters.define(source="own"), variables=Variables.define(n=10))
    flow.include(bronze, prefix="bronze")
    flow.stage(lambda source, n: (source, n), name="own")

    assert list(flow.stages) == ["bronze.load", "bronze.clean", "own"]
    run = flow.run({"bronze.limit": 1})
    assert run == {"bronze.load": ["web"], "bronze.clean": ["web", 0], "own": ("own", 10)}
    assert run.variables["bronze.n"] == 1
    assert run.variables["n"] == 10


def test_one_pipeline_may_be_included_twice(bronze):
    """Each time under another prefix, with parameters of its own."""
    flow = quiet("twice")
    flow.include(bronze, prefix="a")
    flow.include(bronze, prefix="b")

    run = flow.run({"a.limit": 0, "b": {"source": "disk", "limit": 1}})

    assert (run["a.clean"], run["b.clean"]) == ([0], ["disk", 0])


def test_own_stages_read_included_ones_by_their_full_name(bronze):
    """A dotted name is no argument: it is bound explicitly."""
    flow = quiet("all")
    flow.include(bronze, prefix="bronze")
    flow.stage(len, name="size", inputs=[dependency("bronze.clean", "obj")])

    assert flow.run()["size"] == 4


def test_included_names_mean_their_own_pipeline_first(bronze):
    """What the outer pipeline calls by the same name does not get in the way."""
    flow = quiet("all", Parameters.define(load="a parameter", source="own"))
    flow.include(bronze, prefix="bronze")
    flow.stage(lambda: "a stage", name="limit")

    run = flow.run({"bronze.limit": 1})

    assert run["bronze.clean"] == ["web", 0]


def test_open_inputs_are_filled_by_the_outer_pipeline():
    """An argument that the included pipeline leaves open is bound in the one that includes it."""
    part = quiet("part")
    part.stage(lambda rows, rate: rows * rate, name="scaled")
    with pytest.raises(PlanError, match='argument "rows"'):
        part.plan()

    flow = quiet("whole", Parameters.define(rate=2))
    flow.stage(lambda: 21, name="rows")
    flow.include(part, prefix="part")

    assert flow.run()["part.scaled"] == 42


def test_explicit_bindings_are_scoped_too():
    """Mappers, conditions and after= of an included stage use the names of its pipeline."""
    part = quiet("part", Parameters.define(rate=2, flag=True), variables=Variables.define(n=5))
    part.stage(lambda: [1, 2], name="split", output_mapper=SequentialOutputMapper(["a", "b"]))
    part.stage(
        lambda a, b, c: (a, b, c),
        name="all",
        inputs=[dependency("split", "a", "b"), param("rate", "b"), var("n", "c")],
        after="split",
        when="flag",
    )
    flow = quiet("whole", Parameters.define(rate=0, flag=False), variables=Variables.define(n=0))
    flow.stage(list, name="split", inputs=[])
    flow.include(part, prefix="part")

    assert flow.plan().stages["part.all"].after == ("part.split",)
    assert flow.plan().stages["part.all"].reason == 'if parameter "part.flag" holds'
    assert flow.run()["part.all"] == (2, 2, 5)
    assert flow.run({"part.flag": False}).stages["part.all"].state == "skipped"


def test_opaque_mappers_see_the_names_of_their_pipeline():
    """A lambda over parameters, variables or stages finds what stands in its own pipeline."""
    part = quiet("part", Parameters.define(rate=2), variables=Variables.define(n=5))
    part.stage(lambda: 7, name="load")

    def bound(argument, source, name):
        return Input(argument, InputBinding.deferred(source, lambda names: names[name]))

    part.stage(
        lambda a, b, c: (a, b, c),
        name="all",
        inputs=[
            bound("a", context.PARAMETERS, "rate"),
            bound("b", context.VARIABLES, "n"),
            Input("c", InputBinding.deferred(context.STAGES, lambda it: it["load"]["return"])),
        ],
    )
    flow = quiet("whole", Parameters.define(rate=0), variables=Variables.define(n=0))
    flow.include(part, prefix="part")

    assert flow.run()["part.all"] == (2, 5, 7)


def test_includes_nest(bronze):
    """A pipeline that includes another can be included; every level has its own names."""
    silver = quiet("silver", Parameters.define(limit=1))
    silver.include(bronze, prefix="bronze")
    silver.stage(
        lambda rows, limit: rows * limit, name="load", inputs=[dependency("bronze.clean", "rows")]
    )
    gold = quiet("gold", Parameters.define(limit=100))
    gold.include(silver, prefix="silver")

    assert list(gold.stages) == ["silver.bronze.load", "silver.bronze.clean", "silver.load"]
    run = gold.run({"silver.bronze.limit": 1, "silver.limit": 2})
    assert run["silver.load"] == ["web", 0, "web", 0]


def test_names_go_outwards_level_by_level():
    """An open name is looked for in the including pipeline, then in the one that includes that."""
    inner = quiet("inner", stages={"it": lambda near, far: (near, far)})
    middle = quiet("middle", Parameters.define(near="middle"))
    middle.include(inner, prefix="inner")
    outer = quiet("outer", Parameters.define(near="outer", far="outer"))
    outer.include(middle, prefix="middle")

    assert outer.run()["middle.inner.it"] == ("middle", "outer")


def test_the_included_pipeline_stays_as_it_is(bronze):
    """Including takes what is there at that moment, and leaves no tie between the two."""
    flow = quiet("all")
    flow.include(bronze, prefix="bronze")

    bronze.stage(lambda: 0, name="late")

    assert "bronze.late" not in flow.stages
    assert list(bronze.stages) == ["load", "clean", "late"]
    assert bronze.run(limit=0)["clean"] == [0]


def test_included_stages_show_their_full_inputs(bronze):
    """The explicit form of an included stage names its sources in full."""
    flow = quiet("all")
    flow.include(bronze, prefix="bronze")

    assert explicit(flow) == {
        "bronze.load": [param("bronze.source"), param("bronze.limit")],
        "bronze.clean": [dependency("bronze.load"), var("bronze.n")],
    }


@pytest.mark.parametrize(
    "other, message",
    [
        (Pipeline("other", stages={"load": len}), 'stage "load" already exists'),
        (Pipeline("other", Parameters.define(rate=9)), 'parameter "rate" is defined differently'),
        (Pipeline("other", variables=Variables.define(count=0)), 'variable "count" is defined in'),
    ],
    ids=["stage", "parameter", "variable"],
)
def test_a_colliding_include_takes_nothing_in(other, message):
    """After a refused include the pipeline is what it was."""
    flow = quiet("own", Parameters.define(rate=2), variables=Variables.define(count=1))
    flow.stage(lambda rate, count: rate + count, name="load")
    other.stage(lambda: 0, name="more")
    before = (flow.parameters, flow.variables, list(flow.stages))

    with pytest.raises(PipelineConfigError, match=message):
        flow.include(other)

    assert (flow.parameters, flow.variables, list(flow.stages)) == before
    assert flow.run() == {"load": 3}


def test_the_same_parameter_in_both_is_one():
    """Without a prefix, what both define in the same way is shared."""
    shared = Parameters.define(rate=2)
    flow, other = quiet("own", shared), quiet("other", shared)
    other.stage(lambda rate: rate, name="it")
    flow.include(other)

    assert flow.run(rate=3) == {"it": 3}


# What a run is asked for


@pytest.fixture
def flow() -> Pipeline:
    """A chain load -> clean -> model -> plot, and check, which reads load."""
    flow = quiet("asked", Parameters.define(rate=2))
    flow.stage(lambda rate: rate, name="load", tags=["io", "slow"])
    flow.stage(lambda load: load + 1, name="clean")
    flow.stage(lambda load: load > 0, name="check", tags="quick")
    flow.stage(lambda clean: clean * 10, name="model", tags="slow")
    flow.stage(lambda model: f"<{model}>", name="plot")
    return flow


@pytest.mark.parametrize(
    "asked, stages",
    [
        ({}, ["load", "clean", "check", "model", "plot"]),
        ({"only": "load"}, ["load"]),
        ({"only": ["load", "clean"]}, ["load", "clean"]),
        ({"until": "clean"}, ["load", "clean"]),
        ({"until": ["clean", "check"]}, ["load", "clean", "check"]),
        ({"from_": "clean", "given": {"load": 1}}, ["clean", "model", "plot"]),
        ({"from_": "clean", "until": "model", "given": {"load": 1}}, ["clean", "model"]),
        ({"tags": "io"}, ["load"]),
        ({"tags": ("io", "quick")}, ["load", "check"]),
        ({"until": "model", "tags": {"io"}}, ["load"]),
        ({"given": {"load": 7}}, ["clean", "check", "model", "plot"]),
        ({"until": "model", "given": {"clean": 7}}, ["model"]),
        ({"only": "model", "given": {"clean": 7, "load": 1}}, ["model"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_selection_runs_what_all_its_parts_admit(flow, asked, stages):
    """only, until, from_, tags and given narrow a run together."""
    run = flow.run(**asked)

    called = [key for key, stage in run.stages.items() if stage.state == "ok"]
    assert called == stages


def test_a_given_value_takes_the_place_of_a_stage(flow):
    """The stage is not called, its readers get the value, and the run has it as a result."""
    run = flow.run(given={"clean": 100})

    assert run["clean"] == 100
    assert run["model"] == 1000
    assert run.stages["clean"].state == "reused"


def test_a_given_value_is_not_looked_at(flow):
    """Any object may be given, also one that has no truth or no equality."""

    class Odd:
        def __bool__(self):
            raise RuntimeError("asked for its truth")

        def __eq__(self, other):
            raise RuntimeError("compared")

        __hash__ = object.__hash__

        def __mul__(self, number):
            return number

    run = flow.run(given={"clean": Odd()}, until="model", mutation="off")

    assert run["model"] == 10


def test_nothing_is_given_by_an_empty_dict(flow):
    """given={} is as good as leaving it out."""
    assert flow.run(given={}) == dict(flow.run())


def test_after_orders_without_a_value():
    """A stage waits for what after= names, and gets no argument for it."""
    flow = quiet("ordered")
    flow.stage(lambda: 2, name="second", after="first")
    flow.stage(lambda: 1, name="first")
    flow.stage(lambda: 3, name="third", after=["first", "second"])

    plan = flow.plan()

    assert list(plan.stages) == ["first", "second", "third"]
    assert plan.stages["third"].after == ("first", "second")
    assert list(flow.run()) == ["first", "second", "third"]


@pytest.mark.parametrize(
    "when",
    [
        "flag",
        "settings.flag",
        "load",
        InputBinding.deferred(context.PARAMETERS, KeyedInputMapper("flag")),
        InputBinding.deferred(context.PARAMETERS, lambda parameters: parameters["flag"]),
        lambda flag: flag,
        lambda load, other=True: load and other,
        lambda: context.PARAMETERS.get()["flag"],
    ],
    ids=["name", "dotted", "stage", "binding", "opaque", "function", "default", "no-argument"],
)
def test_a_condition_decides_whether_a_stage_is_called(when):
    """when= is a name, a binding or a function; without it holding the stage is skipped."""
    flow = quiet("conditional", Parameters.define(flag=True, settings={"flag": True}))
    flow.stage(lambda flag: flag, name="load")
    flow.stage(lambda: 1, name="it", when=when)
    flow.stage(lambda it: it, name="reader")

    assert flow.run()["reader"] == 1
    run = flow.run(flag=False, settings={"flag": False})
    assert run == {"load": False}
    assert {run.stages[key].state for key in ("it", "reader")} == {"skipped"}


def test_options_are_set_nearest_first(flow, monkeypatch):
    """The run's options come before the pipeline's, those before the environment's."""
    assert flow.plan().options.workers is None

    monkeypatch.setenv("PYPEDREAM_WORKERS", "2")
    assert flow.plan().options.workers == 2

    flow.options["workers"] = 3
    assert flow.plan().options.workers == 3
    assert flow.plan(workers=4).options.workers == 4


def test_options_of_a_pipeline_are_kept_as_they_are_used():
    """A single sink is a list of one, a list of results a tuple."""
    flow = Pipeline("kept", sinks=print, keep=["load"], workers=2)

    assert flow.options == {"sinks": (print,), "keep": ("load",), "workers": 2}


@pytest.mark.parametrize(
    "variable, text, option, value",
    [
        ("EXECUTOR", "threads", "executor", "threads"),
        ("WORKERS", "3", "workers", 3),
        ("ON_ERROR", "continue", "on_error", "continue"),
        ("MUTATION", "off", "mutation", "off"),
        ("CAPTURE", "false", "capture", False),
        ("CAPTURE", "stage", "capture", "stage"),
        ("PROGRESS", "1", "progress", True),
        ("KEEP", "ends", "keep", "ends"),
        ("KEEP", "load, plot", "keep", ("load", "plot")),
        ("WORKSPACE", "some folder", "workspace", str(Path("some folder").absolute())),
        ("WORKERS", "", "workers", None),
    ],
    ids=lambda value: str(value) or "empty",
)
def test_an_option_is_read_from_the_environment(monkeypatch, variable, text, option, value):
    """PYPEDREAM_<OPTION> sets it; an empty variable is none."""
    flow = Pipeline("environment", stages={"load": lambda: 1, "plot": lambda load: load})
    monkeypatch.setenv(f"PYPEDREAM_{variable}", text)

    assert getattr(flow.plan().options, option) == value


def test_a_parameter_that_bears_an_options_name_is_set_by_a_mapping():
    """Keywords are options first; the mapping holds parameters only."""
    flow = quiet("shadowed", Parameters.define(executor=1, only=2))
    flow.stage(lambda executor, only: (executor, only), name="it")

    run = flow.run({"executor": 3, "only": 4}, executor="serial", only="it")

    assert run["it"] == (3, 4)
    assert run.parameters.source("executor") == "run(...)"


def test_a_plan_notes_an_option_that_could_have_meant_a_parameter():
    """Who sets the option and has a parameter of that name is told how to set that."""
    flow = quiet("shadowed", Parameters.define(workers=1), {"it": lambda workers: workers})

    plan = flow.plan(workers=4)

    assert plan.options.workers == 4
    assert plan.parameters["workers"] == 1
    assert plan.notes == [
        'workers= is the option; the parameter "workers" is set by run({"workers": ...})'
    ]
    assert flow.plan({"workers": 2}).notes == []


@pytest.mark.parametrize(
    "default, text, line",
    [
        (
            1990,
            "2000",
            "'2000', and its default is 1990: write 2000, or declare {}(int | str, 1990)",
        ),
        (0.5, "2", "'2', and its default is 0.5: write 2.0, or declare {}(float | str, 0.5)"),
        (True, "no", "'no', and its default is True: write False, or declare {}(bool | str, True)"),
    ],
    ids=["int", "float", "bool"],
)
def test_a_run_warns_of_a_text_that_could_have_meant_a_number(default, text, line):
    """What is given in Python is taken as it is, also as a text that the command line reads."""
    flow = quiet("typed", Parameters.define(x=default), {"it": lambda x: x})
    warning = f'parameter "x" is the text {line.format("Parameter")}'

    run = flow.run(x=text)

    assert run["it"] == text
    assert [each.event for each in run.events if each.kind == "warning"] == [warning]
    assert flow.plan({"x": text}).notes == [warning]


@pytest.mark.parametrize(
    "definition, text",
    [(1990, "latest"), (Parameter(int | str, 1990), "2000"), ("1990", "2000"), (None, "2000")],
    ids=["no number", "declared", "text", "none"],
)
def test_a_text_that_can_be_meant_is_no_reason_to_warn(definition, text):
    """One that is no number, and one where texts are declared or usual."""
    flow = quiet("typed", Parameters.define(x=definition), {"it": lambda x: x})

    assert flow.plan(x=text).notes == []


def test_a_run_warns_of_an_option_that_could_have_meant_a_parameter():
    """The stage gets the default then, and the number that it gives looks right."""
    flow = quiet("shadowed", Parameters.define(workers=1), {"it": lambda workers: workers})

    run = flow.run(workers=4)

    assert run["it"] == 1
    assert [(event.event, event.level) for event in run.events if event.kind == "warning"] == [
        (run.plan.notes[0], "warning")
    ]
    assert not [event for event in flow.run({"workers": 2}).events if event.kind == "warning"]


def test_a_keyword_and_the_mapping_set_the_same_parameters(flow):
    """Both may be used at once; the keyword has the last word."""
    assert flow.run({"rate": 5})["load"] == 5
    assert flow.run({"rate": 5}, rate=6)["load"] == 6


def test_parameters_may_be_given_with_their_values(flow):
    """The pipeline's own Parameters, with values from elsewhere, keep their sources."""
    values = flow.parameters.with_text({"rate": "5"}, source="-p")

    run = flow.run(values)

    assert run["load"] == 5
    assert run.parameters.source("rate") == "-p"


def test_environment_sets_parameters_below_the_run(flow, monkeypatch):
    """PYPEDREAM_PARAM_<NAME> is between the default and the run."""
    monkeypatch.setenv("PYPEDREAM_PARAM_RATE", "8")

    assert flow.run()["load"] == 8
    assert flow.run(rate=9)["load"] == 9


def test_defaults_that_a_class_refuses_are_a_problem():
    """What the settings refuse as a whole is told before anything runs."""

    @frozen
    class Span:
        first: int = 5
        last: int = 1

        def __attrs_post_init__(self):
            if self.last < self.first:
                raise ValueError("last is before first")

    flow = quiet("span", Span, {"it": lambda first: first})

    with pytest.raises(PlanError, match="last is before first"):
        flow.plan()
    assert flow.run(last=9)["it"] == 5


def test_resume_keeps_what_the_run_was_asked_for(flow):
    """Selection, options and parameters of the failed run hold unless they are said anew."""
    flow.stage(lambda clean: 1 / 0, name="broken")
    with pytest.raises(ZeroDivisionError):
        flow.run(until="broken", rate=5, mutation="off")

    flow._table.stages["broken"] = Stage(lambda clean: clean, name="broken")
    flow._blueprint = None
    resumed = flow.resume()

    assert resumed == {"load": 5, "clean": 6, "broken": 6}
    assert resumed.plan.options.mutation == "off"
    assert resumed.plan.selection.until == ("broken",)


def test_resume_says_when_a_value_does_not_fit_any_more():
    """Parameters that changed their type since the run are named as a problem."""
    flow = quiet("changed", Parameters.define(rate=Parameter(str, "fast")))
    flow.stage(lambda rate: 1 / 0, name="it")
    with pytest.raises(ZeroDivisionError):
        flow.run(rate="slow")

    flow.parameters = Parameters.define(rate=Parameter(int, 3))

    with pytest.raises(PlanError, match="'slow' is not an int"):
        flow.resume()


def test_resume_needs_a_run():
    """Without an earlier run there is nothing to go on from."""
    with pytest.raises(PlanError, match=r"there is no run to resume: run\(\) first"):
        quiet("new", stages={"it": lambda: 1}).resume()


def test_a_pipeline_says_what_it_is():
    """The repr is short: name and number of stages."""
    flow = quiet("small", stages={"a": lambda: 1, "b": lambda: 1})

    assert repr(flow) == "<Pipeline 'small' with 2 stages>"


def test_a_workspace_is_an_option():
    """The workspace of a pipeline holds for its runs; a folder from the root is taken as it is."""
    assert Pipeline("kept", workspace="/some/where").options == {"workspace": "/some/where"}
    with pytest.raises(DefinitionError, match="workspace=3 is not a folder"):
        Pipeline("kept", workspace=3)


def test_a_workspace_stays_where_it_was_when_the_pipeline_was_made(tmp_path, monkeypatch):
    """A cell that changes to another folder moves neither what is kept nor the history."""
    monkeypatch.chdir(tmp_path)
    stages = {"load": lambda: [1, 2]}
    flow = quiet("kept", stages=stages, workspace=".pypedream", cache="cached")
    first = flow.run()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir("sub")

    again = flow.run()

    assert again.stages["load"].state == "reused"
    assert [run.id for run in flow.history()] == [first.id, again.id]
    assert os.listdir() == []


def test_a_workspace_may_be_below_the_folder_of_the_user(tmp_path, monkeypatch):
    """As a shell would have it, for the record and for what is kept."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    flow = quiet("kept", stages={"load": lambda: 1}, workspace="~/kept")
    flow.run()

    assert {each.name for each in (tmp_path / "kept").iterdir()} == {"runs", "store"}


def test_a_table_of_many_stages_is_quick_to_look_into():
    """Looking at one stage does not put all the others into the explicit form."""
    flow = quiet("many", stages={f"s{number}": lambda: 1 for number in range(5_000)})
    stages = flow.stages

    assert "s4999" in stages
    assert stages["s4999"].inputs == ()
    assert len(stages) == len(list(stages)) == 5_000
    with pytest.raises(KeyError, match='no stage "s50000"; did you mean'):
        stages["s50000"]


def test_a_parameter_that_was_set_elsewhere_needs_no_note():
    """Who has set the parameter, from a file or a command line, knows how to."""
    flow = quiet("shadowed", Parameters.define(workers=1), {"it": lambda workers: workers})
    values = flow.parameters.with_text({"workers": "5"}, source="-p")

    plan = flow.plan(values, workers=4)

    assert (plan.parameters["workers"], plan.options.workers) == (5, 4)
    assert plan.notes == []


def test_a_stage_can_be_taken_out():
    """A stage that was renamed in a cell is taken out under its old name."""
    flow = Pipeline("cells", progress=False)
    flow.stage(lambda: 1, name="old")
    flow.stage(lambda: 2, name="new")

    flow.remove("old")

    assert flow.run() == {"new": 2}
    with pytest.raises(PipelineConfigError, match='has no stage "nwe"; did you mean "new"'):
        flow.remove("nwe")
