"""Every mistake is named before anything runs, in one line, where the user wrote it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest
from attrs import frozen

import pypedream
from pypedream.errors import DefinitionError, PlanError

FLOW = dedent("""
    flow = Pipeline(
        "faulty",
        Parameters.define(
            "source", rate=0.1, depth=Parameter(int, 3), region="north", model={"size": 3}
        ),
        variables=Variables.define(count=0),
    )
""")


@frozen
class Fault:
    """A mistake: the user's lines, what the plan is asked for, and what is said.

    Attributes
    ----------
    code
        Lines of flow.py; names of stages differ from fault to fault, so that they can be joined.
    message
        The whole line, with places as they are when *code* is all that the file holds.
    asked
        Arguments of the call of ``plan`` that follows.
    is_social
        Whether the message stays the same when there are other mistakes.
    """

    name: str
    code: str
    message: str
    asked: str = ""
    is_social: bool = True


def fault(name, code, message, asked="", *, is_social=True):
    return Fault(name, dedent(code).strip("\n"), message, asked, is_social)


IN_STAGES = (
    fault(
        "unknown-stage",
        """
        @flow.stage
        def orders(): ...

        @flow.stage(inputs=[dependency("ordres", "rows")])
        def totals(rows): ...
        """,
        'stage "totals": argument "rows": no stage "ordres"; did you mean "orders"? (flow.py:4)',
    ),
    fault(
        "unknown-stage-like-no-other",
        """
        @flow.stage(inputs=[dependency("xyzzy", "rows")])
        def summed(rows): ...
        """,
        'stage "summed": argument "rows": no stage "xyzzy": there is only summed (flow.py:1)',
        is_social=False,
    ),
    fault(
        "unknown-parameter",
        """
        @flow.stage(
            inputs=[
                param("rtae", "x"),
            ]
        )
        def priced(x): ...
        """,
        'stage "priced": argument "x": no parameter "rtae"; did you mean "rate"? (flow.py:3)',
    ),
    fault(
        "unknown-parameter-like-no-other",
        """
        @flow.stage(inputs=[param("xyzzy", "x")])
        def set_up(x): ...
        """,
        'stage "set_up": argument "x": no parameter "xyzzy":'
        " there are source, rate, depth, region, model, model.size (flow.py:1)",
    ),
    fault(
        "unknown-variable",
        """
        @flow.stage(inputs=[var("cuont", "n")])
        def counted(n): ...
        """,
        'stage "counted": argument "n": no variable "cuont"; did you mean "count"? (flow.py:1)',
    ),
    fault(
        "unknown-output",
        """
        @flow.stage(output_mapper=SequentialOutputMapper(["train", "test"]))
        def halves(): ...

        @flow.stage(inputs=[dependency("halves", "rows", "tarin")])
        def fitted(rows): ...
        """,
        'stage "fitted": stage "halves" has no output "tarin"; did you mean "train"? (flow.py:4)',
    ),
    fault(
        "output-of-a-stage-without-mapper",
        """
        @flow.stage
        def whole(): ...

        @flow.stage(inputs=[dependency("whole", "rows", "part")])
        def parted(rows): ...
        """,
        'stage "parted": stage "whole" has no output "part": it has no output_mapper (flow.py:4)',
    ),
    fault(
        "argument-that-the-function-lacks",
        """
        @flow.stage(inputs=[param("rate", "faktor")])
        def scaled(factor=1): ...
        """,
        'stage "scaled": its function has no argument "faktor"; did you mean "factor"? (flow.py:1)',
    ),
    fault(
        "argument-like-no-other",
        """
        @flow.stage(inputs=[immediate(3, "xyzzy")])
        def sized(rate, depth): ...
        """,
        'stage "sized": its function has no argument "xyzzy": it takes rate, depth (flow.py:1)',
    ),
    fault(
        "argument-bound-twice",
        """
        @flow.stage(
            inputs=[
                param("rate", "x"),
                immediate(3, "x"),
            ]
        )
        def doubled(x): ...
        """,
        'stage "doubled": argument "x" is bound twice: remove one;'
        " the other is at flow.py:3 (flow.py:4)",
    ),
    fault(
        "missing-argument",
        """
        @flow.stage
        def stocked(warehouse): ...
        """,
        'stage "stocked": nothing gives its argument "warehouse" a value:'
        ' add a stage or parameter "warehouse", an Input, or a default (flow.py:1)',
    ),
    fault(
        "mistyped-argument",
        """
        @flow.stage
        def weather(): ...

        @flow.stage
        def outlook(wether): ...
        """,
        'stage "outlook": nothing gives its argument "wether" a value;'
        ' did you mean "weather"? (flow.py:4)',
    ),
    fault(
        "argument-of-a-nested-parameter",
        """
        @flow.stage
        def trained(size): ...
        """,
        'stage "trained": nothing gives its argument "size" a value:'
        ' bind it by inputs=[param("model.size")] (flow.py:1)',
    ),
    fault(
        "gap-in-arguments-by-position",
        """
        @flow.stage
        def placed(left=1, rate=2, /): ...
        """,
        'stage "placed": argument "rate" can only follow "left" by position:'
        ' bind "left" too, or neither (flow.py:1)',
    ),
    fault(
        "name-of-a-stage-and-of-a-parameter",
        """
        @flow.stage
        def region(): ...

        @flow.stage
        def sold(region): ...
        """,
        'stage "sold": argument "region" is the name of a stage and of a parameter: rename one,'
        ' or say which by inputs=[dependency("region") or param("region")] (flow.py:4)',
    ),
    fault(
        "stage-type-misfit",
        """
        @flow.stage
        def names() -> list[str]: ...

        @flow.stage
        def ages(names: dict[str, int]): ...
        """,
        'stage "ages": argument "names" takes dict[str, int], but stage "names" gives list[str]:'
        " change one of the two; the other is at flow.py:1 (flow.py:4)",
    ),
    fault(
        "parameter-type-misfit",
        """
        @flow.stage
        def dug(depth: str): ...
        """,
        'stage "dug": argument "depth" takes str, but parameter "depth" gives int:'
        " change one of the two; the other is at settings.py:2 (flow.py:1)",
    ),
    fault(
        "sequential-output-twice",
        """
        @flow.stage(output_mapper=SequentialOutputMapper(["low", "low"]))
        def bounds(): ...
        """,
        'stage "bounds": output "low" is produced twice: name each output once (flow.py:1)',
    ),
    fault(
        "keyed-output-twice",
        """
        @flow.stage(output_mapper=KeyedOutputMapper({"a": "left", "b": "left"}))
        def sides(): ...
        """,
        'stage "sides": output "left" is produced twice: name each output once (flow.py:1)',
    ),
    fault(
        "output-called-return",
        """
        @flow.stage(output_mapper=KeyedOutputMapper({"a": "return"}))
        def tickets(): ...
        """,
        'stage "tickets": output "return" is what the stage returns: name it otherwise (flow.py:1)',
    ),
    fault(
        "mapper-that-cannot-be-called",
        """
        @flow.stage(output_mapper=["red", "blue"])
        def colours(): ...
        """,
        "stage \"colours\": output_mapper=['red', 'blue'] cannot be called:"
        " write SequentialOutputMapper([...]) (flow.py:1)",
    ),
    fault(
        "loop-of-one",
        """
        @flow.stage
        def echo(echo): ...
        """,
        'stage "echo" waits for itself: echo -> echo:'
        ' rename its argument "echo", or bind that by inputs=[...] (flow.py:1)',
    ),
    fault(
        "loop-of-one-by-binding",
        """
        @flow.stage(inputs=[dependency("mirror", "image")])
        def mirror(image): ...
        """,
        'stage "mirror" waits for itself: mirror -> mirror:'
        ' bind its argument "image" to another stage (flow.py:1)',
    ),
    fault(
        "loop-of-one-by-order",
        """
        @flow.stage(after="dawn")
        def dawn(): ...
        """,
        'stage "dawn" waits for itself: dawn -> dawn: leave it out of its after= (flow.py:1)',
    ),
    fault(
        "loop-of-two",
        """
        @flow.stage
        def chicken(egg): ...

        @flow.stage
        def egg(chicken): ...
        """,
        "stages wait for each other in a loop: chicken -> egg -> chicken: do without one of:"
        ' "chicken" reads "egg", "egg" reads "chicken" (flow.py:1)',
    ),
    fault(
        "loop-of-three",
        """
        @flow.stage(inputs=[dependency("scissors", "blade")])
        def rock(blade): ...

        @flow.stage
        def paper(rock): ...

        @flow.stage(after="paper")
        def scissors(): ...
        """,
        "stages wait for each other in a loop: rock -> paper -> scissors -> rock: do without one"
        ' of: "rock" reads "scissors" by "blade", "paper" reads "rock",'
        ' "scissors" waits for "paper" by after= (flow.py:1)',
    ),
    fault(
        "unknown-after",
        """
        @flow.stage
        def winter(): ...

        @flow.stage(after="wintre")
        def spring(): ...
        """,
        'stage "spring": after=: no stage "wintre"; did you mean "winter"? (flow.py:4)',
    ),
    fault(
        "after-a-function",
        """
        @flow.stage
        def monday(): ...

        @flow.stage(after=monday)
        def tuesday(): ...
        """,
        'stage "tuesday": after=: it takes the name of a stage, not the function monday:'
        ' write "monday" (flow.py:4)',
    ),
    fault(
        "unknown-condition",
        """
        @flow.stage(when="regoin")
        def posted(): ...
        """,
        'stage "posted": when=: no parameter, variable or stage "regoin";'
        ' did you mean "region"? (flow.py:1)',
    ),
    fault(
        "unknown-key-of-a-condition",
        """
        @flow.stage(when=InputBinding.deferred(context.PARAMETERS, KeyedInputMapper("rtae")))
        def mailed(): ...
        """,
        'stage "mailed": when=: no parameter "rtae"; did you mean "rate"? (flow.py:1)',
    ),
    fault(
        "missing-argument-of-a-condition",
        """
        @flow.stage(when=lambda full_moon: full_moon)
        def howled(): ...
        """,
        'stage "howled": when=: nothing gives its argument "full_moon" a value:'
        ' add a stage or parameter "full_moon", an Input, or a default (flow.py:1)',
    ),
    fault(
        "parameter-without-value",
        """
        @flow.stage
        def opened(source): ...
        """,
        'parameter "source" has no value and stage "opened" needs it:'
        " run(source=...) or -p source=... (flow.py:1)",
    ),
)

RULES = {
    "retries=-1": "retries=-1 is not a whole number from 0 up",
    "retries=1.5": "retries=1.5 is not a whole number from 0 up",
    "retry_delay_s='1'": "retry_delay_s='1' is not a number of seconds from 0 up",
    "retry_delay_s=float('nan')": "retry_delay_s=nan is not a number of seconds from 0 up",
    "backoff=0": "backoff=0 is not a factor from 1 up",
    "jitter=2": "jitter=2 is not True or False",
    "timeout_s=0": "timeout_s=0 is not a number of seconds above 0",
    "retry_on=[ValueError]": "retry_on=[ValueError] is not an exception class, a tuple of them,"
    " or a function of the exception",
    "retry_on=int": "retry_on=int is not an exception class, a tuple of them,"
    " or a function of the exception",
    "when=3": "when=3 is not the name of a parameter, variable or stage, a plain function"
    " or an InputBinding",
    "tags=[3]": "tags=(3,) is not a word or a list of words",
}

IN_POLICIES = tuple(
    fault(
        f"policy-{setting}",
        f"""
        @flow.stage({setting})
        def policy_{number}(): ...
        """,
        f'stage "policy_{number}": {rule} (flow.py:1)',
    )
    for number, (setting, rule) in enumerate(RULES.items())
)

LINES = """
@flow.stage(tags="slow")
def read(): ...

@flow.stage
def shown(read): ...
"""

IN_VALUES = tuple(
    fault(f"asked-{asked}", LINES, f"{message} (flow.py:6)", asked)
    for asked, message in {
        "rtae=3": 'no parameter or option "rtae"; did you mean "rate"?',
        "excutor='threads'": 'no parameter or option "excutor"; did you mean "executor"?',
        "xyzzy=3": 'no parameter or option "xyzzy":'
        " there are source, rate, depth, region, model.size",
        "depth='deep'": "parameter \"depth\": 'deep' is not an int",
        "count=3": 'no parameter "count": it is a variable: stages set it, a run does not',
        "shown=3": 'no parameter "shown": to take a value in place of the stage,'
        ' write given={"shown": ...}',
        "{'model.size': 2, 'modle': 3}": 'no parameter or option "modle"; did you mean "model"?',
        "'depth'": "the first argument is a mapping of parameters, not 'depth':"
        " write run(name=value)",
        "on_error='stopp'": (
            'on_error=\'stopp\' is not "stop", "continue" or "collect"; did you mean "stop"?'
        ),
        "executor=3": (
            'executor=3 is not "serial", "threads", "processes", "dask", "ray", "slurm"'
            " or an object with submit(call)"
        ),
        "workers=0": "workers=0 is not a whole number from 1 up",
        "mutation=None": 'mutation=None is not "warn", "error", "copy" or "off"',
        "capture='stag'": 'capture=\'stag\' is not True, "stage" or False; did you mean "stage"?',
        "sinks=[3]": "sinks=[3] is not an object with emit(event), a function or a list of these",
        "workspace=3": "workspace=3 is not a folder or None",
        "progress='no'": "progress='no' is not True, False or None",
        "keep=3": 'keep=3 is not "all", "ends" or a list of stages',
        "keep=['shwon']": 'keep=: no stage "shwon"; did you mean "shown"?',
        "given={'raed': 1}": 'given=: no stage "raed"; did you mean "read"?',
        "given=['read']": "given=: it takes the values by stage, not ['read']:"
        ' write given={"stage": value}',
    }.items()
)

IN_SELECTIONS = tuple(
    fault(f"asked-{asked}", LINES, f"{message} (flow.py:6)", asked, is_social=False)
    for asked, message in {
        "only='shwon'": 'only=: no stage "shwon"; did you mean "shown"?',
        "until='shwon'": 'until=: no stage "shwon"; did you mean "shown"?',
        "from_='raed'": 'from_=: no stage "raed"; did you mean "read"?',
        "tags='slwo'": 'tags=: no stage is tagged "slwo"; did you mean "slow"?',
        "tags='xyzzy'": 'tags=: no stage is tagged "xyzzy": there is only slow',
        "only='shown'": 'stage "shown" needs stage "read", which is not selected:'
        ' select it too, or give its value: given={"read": ...}',
        "only='shown', tags='slow'": "no stage is selected by only=shown; tags=slow:"
        " a stage has to meet each of them",
        "only=[]": "only=: the list is empty: name a stage or leave it out",
        "tags=()": "tags=: the list is empty: name a tag or leave it out",
        "only=read": 'only=: it takes the name of a stage, not the function read: write "read"',
    }.items()
)

PLANNED = (
    *IN_STAGES,
    *IN_POLICIES,
    *IN_VALUES,
    *IN_SELECTIONS,
    fault(
        "empty-pipeline",
        "",
        "the pipeline has no stages: add one with @pipeline.stage (settings.py:2)",
        is_social=False,
    ),
)

REFUSED = (
    fault(
        "not-a-function",
        "flow.stage(3)",
        "a stage needs a function, and 3 cannot be called (flow.py:1)",
    ),
    fault(
        "not-a-function-in-a-table",
        'Pipeline("x", stages={"load": 3})',
        'stage "load" needs a function, and 3 cannot be called (flow.py:1)',
    ),
    fault(
        "stage-of-a-stage",
        'Stage(Stage(len), name="load")',
        'stage "load" is made of a Stage: give it the function itself (flow.py:1)',
    ),
    fault(
        "lambda-without-name",
        "flow.stage(lambda: 3)",
        'a lambda has no name that others can use: add name="..." (flow.py:1)',
    ),
    fault(
        "name-that-is-no-text",
        "flow.stage(len, name=3)",
        "a stage's name is a text, not 3 (flow.py:1)",
    ),
    fault(
        "unknown-policy",
        """
        @flow.stage(retires=3)
        def load(): ...
        """,
        'stage "load": no option "retires"; did you mean "retries"? (flow.py:1)',
    ),
    fault(
        "policy-like-no-other",
        """
        @flow.stage(xyzzy=3)
        def load(): ...
        """,
        'stage "load": no option "xyzzy": there are retries, retry_delay_s, backoff, jitter,'
        " retry_on, timeout_s, after, when, tags, cache, ... (flow.py:1)",
    ),
    fault(
        "inputs-without-list",
        """
        @flow.stage(inputs=param("rate"))
        def load(rate): ...
        """,
        'stage "load": inputs= takes a list: inputs=[param(...), ...] (flow.py:1)',
    ),
    fault(
        "input-that-is-none",
        """
        @flow.stage(inputs=["rate"])
        def load(rate): ...
        """,
        "stage \"load\": inputs= holds 'rate', which is no Input: write param(...), var(...),"
        " dependency(...), immediate(...) or Input(...) (flow.py:1)",
    ),
    fault(
        "two-stages-of-one-name",
        """
        @flow.stage
        def load(): ...

        @flow.stage
        def load(): ...
        """,
        'pipeline "faulty": stage "load" already exists (flow.py:1):'
        " give this one another name (flow.py:4)",
    ),
    fault(
        "one-function-twice",
        """
        def load(): ...
        flow.stage(load)
        flow.stage(load, inputs=[immediate(3, "x")])
        """,
        'pipeline "faulty": stage "load" already exists (flow.py:1):'
        " give this one another name (flow.py:3)",
    ),
    fault(
        "stages-of-one-name-made-in-a-loop",
        """
        for number in range(2):
            def load(number=number): ...
            flow.stage(load)
        """,
        'pipeline "faulty": stage "load" already exists (flow.py:2):'
        " give this one another name (flow.py:3)",
    ),
    fault(
        "include-of-itself",
        "flow.include(flow)",
        'pipeline "faulty" cannot include itself (flow.py:1)',
    ),
    fault(
        "include-of-no-pipeline",
        "flow.include(len)",
        'pipeline "faulty" can include a Pipeline, not the function len (flow.py:1)',
    ),
    fault(
        "included-stage-of-the-same-name",
        """
        def load(): ...
        flow.stage(load)
        flow.include(Pipeline("bronze", stages={"load": load}))
        """,
        'pipeline "faulty": stage "load" already exists: include "bronze" with a prefix,'
        " or give one of them another name=... (flow.py:3)",
    ),
    fault(
        "included-twice-with-one-prefix",
        """
        bronze = Pipeline("bronze", stages={"load": len})
        flow.include(bronze, prefix="b")
        flow.include(bronze, prefix="b")
        """,
        'pipeline "faulty": stage "b.load" already exists: include "bronze" with another prefix,'
        " or give one of them another name=... (flow.py:3)",
    ),
    fault(
        "included-parameter-of-the-same-name",
        'flow.include(Pipeline("bronze", Parameters.define(rate=3)))',
        'parameter "rate" is defined differently in both pipelines:'
        " include the other one with a prefix (flow.py:1)",
    ),
    fault(
        "included-variable-of-the-same-name",
        'flow.include(Pipeline("bronze", variables=Variables.define(count=3)))',
        'variable "count" is defined in both pipelines:'
        " include the other one with a prefix (flow.py:1)",
    ),
    fault(
        "prefix-with-a-dot-at-its-end",
        'flow.include(Pipeline("bronze"), prefix="bronze.")',
        'prefix="bronze." is no name: dots are put between names, not around them (flow.py:1)',
    ),
    fault(
        "unknown-option-of-a-pipeline",
        'Pipeline("x", excutor="threads")',
        'pipeline "x": no option "excutor"; did you mean "executor"? (flow.py:1)',
    ),
    fault(
        "wrong-option-of-a-pipeline",
        'Pipeline("x", on_error="halt")',
        'pipeline "x": on_error=\'halt\' is not "stop", "continue" or "collect" (flow.py:1)',
    ),
    fault(
        "pipeline-without-name",
        "Pipeline(Parameters.define(rate=3))",
        "the first argument of a pipeline is its name, not a value of type Parameters (flow.py:1)",
    ),
    fault(
        "parameters-that-are-a-dict",
        'Pipeline("x", {"rate": 3})',
        "parameters={'rate': 3} is not Parameters: write Parameters.define(...),"
        " or give an attrs class, a dataclass or a pydantic model (flow.py:1)",
    ),
    fault(
        "variables-that-are-a-dict",
        'Pipeline("x", variables={"rows": 0})',
        "variables={'rows': 0} is not Variables: write Variables.define(...) (flow.py:1)",
    ),
    fault(
        "stages-that-are-a-list",
        'Pipeline("x", stages=[len])',
        "stages=[len] is no mapping from name to stage: write stages={...} (flow.py:1)",
    ),
    fault(
        "input-bound-to-a-value",
        'Input("rate", 3)',
        'argument "rate" is bound to 3, which is no InputBinding:'
        " for a value write InputBinding.now(...) (flow.py:1)",
    ),
    fault(
        "binding-to-a-text",
        'InputBinding.deferred("rate")',
        "a deferred binding reads a ContextVar such as context.PARAMETERS, not 'rate' (flow.py:1)",
    ),
    fault(
        "callback-that-cannot-be-called",
        "InputBinding.callback(3)",
        "a callback is a function, and 3 cannot be called (flow.py:1)",
    ),
    fault(
        "input-mapper-that-cannot-be-called",
        'InputBinding.deferred(context.PARAMETERS, mapper="rate")',
        "a mapper is a function of what the source holds, and 'rate' cannot be called (flow.py:1)",
    ),
    fault(
        "dependency-on-a-function",
        """
        def load(): ...
        dependency(load)
        """,
        'from_stage is a name, not the function load; did you mean "load"? (flow.py:2)',
    ),
    fault(
        "sequential-mapper-of-a-text",
        'SequentialOutputMapper("train")',
        "SequentialOutputMapper takes a list of names, not 'train' (flow.py:1)",
    ),
    fault(
        "keyed-mapper-of-a-list",
        'KeyedOutputMapper(["train"])',
        "KeyedOutputMapper takes a mapping from key to name of the output,"
        " not ['train'] (flow.py:1)",
    ),
    fault(
        "two-behaviours-at-once",
        'SequentialOutputMapper(["train"], STRICT | CHILL)',
        "SequentialOutputMapper: behaviour STRICT|CHILL is not one of STRICT, CHILL and PRESERVE,"
        " alone or | WARN_UNEXPECTED (flow.py:1)",
    ),
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, and without options from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("EXECUTOR", "WORKERS", "KEEP"):
        monkeypatch.delenv(f"PYPEDREAM_{name}", raising=False)
    return tmp_path


def carried_out(code: str, asked: str) -> None:
    """Define the pipeline of settings.py, then run the lines of flow.py and plan."""
    namespace = {name: getattr(pypedream, name) for name in pypedream.__all__}
    call = f"flow.plan({asked})"
    for file, text in (("settings.py", FLOW), ("flow.py", f"{code}\n{call}" if code else call)):
        path = Path(file).absolute()
        path.write_text(text, encoding="utf-8")
        exec(compile(text, str(path), "exec"), namespace)


def problems(code: str, asked: str) -> list[str]:
    """Return what the plan says is wrong, one text a problem."""
    with pytest.raises(PlanError, match="cannot run") as caught:
        carried_out(code, asked)
    return list(map(str, caught.value.problems))


def with_source(asked: str) -> str:
    """Ask for a run in which nothing else is missing."""
    return ", ".join(part for part in (asked, "source='here'") if part)


def alone(one: Fault) -> str:
    return one.asked if one.name == "parameter-without-value" else with_source(one.asked)


@pytest.mark.parametrize("one", PLANNED, ids=lambda one: one.name)
def test_a_fault_alone_is_the_only_problem(one):
    """One mistake gives one line: the thing, the fix or the nearest name, and the place."""
    assert problems(one.code, alone(one)) == [one.message]


@pytest.mark.parametrize("one", REFUSED, ids=lambda one: one.name)
def test_a_definition_that_cannot_be_is_refused_at_once(one):
    """What is no stage, input or pipeline at all raises where it is written."""
    with pytest.raises(DefinitionError, match=r"\(flow\.py:\d+\)$") as caught:
        carried_out(one.code, "")

    assert str(caught.value) == one.message


def joined(faults: list[Fault]) -> tuple[str, str, list[str]]:
    """Return the lines, the arguments and the messages of several faults in one file."""
    lines: list[str] = []
    parts: dict[str, tuple[int, Fault]] = {}
    for one in faults:
        if one.code not in {fault.code for _, fault in parts.values()}:
            parts[one.name] = (len(lines), one)
            lines += [*one.code.splitlines(), ""]
        else:
            parts[one.name] = (0, one)
    last = len(lines) + 1
    messages = [
        re.sub(
            r"flow\.py:(\d+)",
            lambda found, start=start, one=one: (
                f"flow.py:{last if one.asked else start + int(found[1])}"
            ),
            one.message,
        )
        for start, one in parts.values()
    ]
    return "\n".join(lines), ", ".join(one.asked for one in faults if one.asked), messages


def keyword(one: Fault) -> str:
    return one.asked.partition("=")[0]


def five(seed: int) -> list[Fault]:
    """Draw five faults that do not get in each other's way."""
    social = [one for one in PLANNED if one.is_social and one.asked[:1] not in ("{", "'")]
    drawn: list[Fault] = []
    for one in Random(seed).sample(social, len(social)):
        taken = {keyword(other) for other in drawn}
        if len(drawn) < 5 and (not one.asked or keyword(one) not in taken):
            drawn.append(one)
    return drawn


@pytest.mark.parametrize("seed", range(24))
def test_five_faults_together_are_all_told(seed):
    """However five mistakes are mixed, one error tells each as if it were alone."""
    faults = five(seed)
    code, asked, messages = joined(faults)
    is_missing = any(one.name == "parameter-without-value" for one in faults)

    told = problems(code, asked if is_missing else with_source(asked))

    assert sorted(told) == sorted(messages)
    assert len(told) == 5


def test_all_faults_together_are_all_told():
    """A pipeline with every mistake of its stages names every one."""
    code, asked, messages = joined([one for one in IN_STAGES if one.is_social])

    assert sorted(problems(code, asked)) == sorted(messages)


def test_five_unknown_names_of_a_selection_are_all_told():
    """Each part of a selection is looked through, also when another has a mistake."""
    asked = "only='shwon', until='raed', from_='redd', tags='slwo', given={'shwn': 1}"

    assert problems(LINES.strip(), with_source(asked)) == [
        'only=: no stage "shwon"; did you mean "shown"? (flow.py:6)',
        'until=: no stage "raed"; did you mean "read"? (flow.py:6)',
        'from_=: no stage "redd"; did you mean "read"? (flow.py:6)',
        'given=: no stage "shwn"; did you mean "shown"? (flow.py:6)',
        'tags=: no stage is tagged "slwo"; did you mean "slow"? (flow.py:6)',
    ]


STOCKED = (
    'stage "stocked": nothing gives its argument "warehouse" a value:'
    ' add a stage or parameter "warehouse", an Input, or a default'
)


def test_a_long_loop_is_drawn_in_short():
    """A loop of many stages shows both ends, and says how many there are."""
    code = "\n".join(f"@flow.stage\ndef s{n}(s{n - 1}): ..." for n in range(1, 40))

    (told,) = problems(f"@flow.stage\ndef s0(s39): ...\n{code}", "source='here'")

    assert told == (
        "stages wait for each other in a loop: s0 -> s1 -> s2 -> ... -> s39 -> s0: do without one"
        ' of: "s0" reads "s39", "s1" reads "s0", "s2" reads "s1", ... 40 in all ...,'
        ' "s38" reads "s37", "s39" reads "s38" (flow.py:1)'
    )


def test_the_error_counts_and_lists_its_problems():
    """The text of the error is a heading with the count, then one line a problem."""
    code, asked, _ = joined([IN_STAGES[0], IN_STAGES[10]])

    with pytest.raises(PlanError, match="2 mistakes") as caught:
        carried_out(code, with_source(asked))

    assert str(caught.value).splitlines() == [
        'pipeline "faulty" cannot run: 2 mistakes',
        '  stage "totals": argument "rows": no stage "ordres"; did you mean "orders"? (flow.py:4)',
        f"  {STOCKED} (flow.py:7)",
    ]


def test_a_refused_value_is_not_said_to_be_missing_too():
    """A required parameter with a wrong value is one mistake, not two."""
    settings = 'flow = Pipeline("x", Parameters.define(depth=Parameter(int), width=Parameter(int)))'
    code = f"{settings}\n@flow.stage\ndef dug(depth, width): ..."

    assert problems(code, "depth='deep', width=3") == [
        "parameter \"depth\": 'deep' is not an int (flow.py:4)"
    ]


@pytest.mark.parametrize(
    "variable, text, message",
    [
        (
            "PYPEDREAM_WORKERS",
            "many",
            "environment PYPEDREAM_WORKERS: workers='many' is not a whole number from 1 up",
        ),
        (
            "PYPEDREAM_ON_ERROR",
            "go on",
            (
                "environment PYPEDREAM_ON_ERROR: on_error='go on' is not"
                ' "stop", "continue" or "collect"'
            ),
        ),
        (
            "PYPEDREAM_SINKS",
            "log",
            "environment PYPEDREAM_SINKS: sinks are objects, and text names none",
        ),
        (
            "PYPEDREAM_PARAM_DEPTH",
            "deep",
            "parameter \"depth\": 'deep' is not an int (environment PYPEDREAM_PARAM_DEPTH)",
        ),
        (
            "PYPEDREAM_PARAM_DEPHT",
            "3",
            'no parameter "depht"; did you mean "depth"? (environment PYPEDREAM_PARAM_DEPHT)',
        ),
    ],
    ids=lambda value: value if str(value).startswith("PYPEDREAM") else "",
)
def test_a_mistake_in_the_environment_names_the_variable(monkeypatch, variable, text, message):
    """What comes from outside has no line of the user's; its variable is the place."""
    monkeypatch.setenv(variable, text)

    assert problems(LINES.strip(), "source='here'") == [message]


INTERNAL = {
    "Asked", "Attempt", "Blueprint", "Definition", "Execution", "Link", "Linker", "Names", "Policy",
    "Problem", "Request", "Reuse", "Selection", "Wire", "Wiring",
}  # fmt: skip


@pytest.mark.parametrize("one", [*PLANNED, *REFUSED], ids=lambda one: one.name)
def test_messages_are_for_people(one):
    """A message is one line, ends with its place, and names nothing of pypedream's inside."""
    message = one.message

    assert message == " ".join(message.split())
    assert re.search(r" \((flow|settings)\.py:\d+\)$", message)
    assert len(message) < 250
    assert not re.search(r"pypedream\.|Traceback|<\w|NoneType|NOT_GIVEN|0x[0-9a-f]{4}", message)
    assert not INTERNAL.intersection(re.findall(r"\w+", message))
    assert "?:" not in message
    assert "  " not in message


def test_there_are_enough_faults():
    """The table holds every kind of mistake that planning promises to find."""
    assert len({one.name for one in (*PLANNED, *REFUSED)}) == len([*PLANNED, *REFUSED]) > 80


CELLS = (
    """
    from pypedream import Pipeline, dependency
    flow = Pipeline("cells", progress=False)
    """,
    """
    @flow.stage(
        inputs=[
            dependency("lod", "rows"),
        ]
    )
    def clean(rows): ...
    """,
    """
    flow.stage(len, name="size")
    try:
        flow.plan(only="siz")
    except ValueError as error:
        print(error)
    """,
)
NOTEBOOK = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="nocolor")
for cell in json.load(sys.stdin):
    shell.run_cell(cell, store_history=True)
"""


def test_the_place_in_a_notebook_is_the_cell_and_its_line(tmp_path):
    """In IPython a mistake is told at Cell In[2], line 3, and one of the call at its own."""
    pytest.importorskip("IPython")
    cells = [dedent(cell).strip() for cell in CELLS]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path), "IPYTHONDIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        input=json.dumps(cells),
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, **paths},
        timeout=60,
    )

    clean, size, asked = done.stdout.splitlines()[-3:]
    what = 'stage "clean": argument "rows": no stage "lod": there are clean, size'
    assert clean == f"  {what} (Cell In[2], line 3)"
    assert size.endswith("or a default (Cell In[3], line 1)")
    assert asked == '  only=: no stage "siz"; did you mean "size"? (Cell In[3], line 3)'
