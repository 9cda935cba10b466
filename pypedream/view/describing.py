"""Describing: from a pipeline, a plan or a run to what there is to draw of it.

No stage is called, and values of secrets are hidden. A pipeline with mistakes is described as far
as it goes, without the edges that would lead nowhere.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from attrs import field, frozen

from pypedream.engine.fan import counted
from pypedream.engine.item_runs import ItemRuns
from pypedream.engine.plan import Plan
from pypedream.engine.run import Run
from pypedream.log.durations import duration_text
from pypedream.log.redaction import HIDDEN, Redactor, is_secret_name
from pypedream.pipeline import Pipeline
from pypedream.values import short
from pypedream.view.description import Argument, Description, Edge, Group, Node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pypedream.engine.links import Link
    from pypedream.engine.plan import Blueprint
    from pypedream.engine.planned import PlannedStage
    from pypedream.engine.run import StageRun
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters

Subject: TypeAlias = Pipeline | Plan | Run | Description

_SETTINGS = ("parameter", "variable")
VALUE_WIDTH = 24
LINE_WIDTH = 160  # of what is said of a stage, and of a value before it is cut


class _Fate(NamedTuple):
    """What is planned for a stage, or became of it."""

    state: str = ""
    note: str = ""
    duration_s: float | None = None
    items_said: str = ""
    items: Mapping[str, int] = {}
    share: float | None = None


@frozen(eq=False)
class _Sight:
    """What can be seen of a subject."""

    subject: str
    headline: str
    base: Blueprint
    parameters: Parameters
    variables: Mapping[str, Any]
    fates: Mapping[str, _Fate]
    redactor: Redactor = field(init=False)

    @redactor.default
    def _of_secrets(self) -> Redactor:
        return Redactor(self.parameters.secrets())

    def said(self, text: str) -> str:
        """Return the first line of a text of the user's, without secrets."""
        return _cut(self.redactor.text(text).strip().partition("\n")[0], LINE_WIDTH)

    def value(self, value: object) -> str:
        """Return a value in a few characters; a secret is hidden before anything is cut."""
        return _cut(self.redactor.text(short(value, LINE_WIDTH)), VALUE_WIDTH)


def describe(subject: Subject, *, parameters: bool = False) -> Description:
    """Return what there is to draw of a pipeline, a plan or a run.

    Parameters
    ----------
    subject
        A description is returned as it is.
    parameters
        Whether the parameters and variables that stages read are nodes too.

    Raises
    ------
    TypeError
        If *subject* is none of these.

    Examples
    --------
    >>> flow = Pipeline("sum")
    >>> @flow.stage
    ... def load(): ...
    >>> @flow.stage
    ... def total(load): ...
    >>> [edge.arguments for edge in describe(flow).edges]
    [('load',)]
    """
    if isinstance(subject, Description):
        return subject
    if isinstance(subject, Pipeline):
        sight = _of_pipeline(subject)
    elif isinstance(subject, Plan):
        sight = _of_plan(subject)
    elif isinstance(subject, Run):
        sight = _of_run(subject)
    else:
        kind = type(subject).__name__
        raise TypeError(f"a Pipeline, a Plan or a Run can be drawn, not {kind}")
    return _description(sight, with_parameters=parameters)


def _of_pipeline(pipeline: Pipeline) -> _Sight:
    base = pipeline.blueprint  # a plan would refuse a pipeline with mistakes
    return _Sight("pipeline", pipeline.name, base, pipeline.parameters, pipeline.variables, {})


def _of_plan(plan: Plan) -> _Sight:
    fates = {key: _planned(stage) for key, stage in plan.stages.items()}
    count = sum(fate.state == "run" for fate in fates.values())
    stages = "stage" if len(fates) == 1 else "stages"
    headline = f"{plan.pipeline}: {count} of {len(fates)} {stages} will run"
    base = plan.blueprint
    return _Sight("plan", headline, base, plan.parameters, base.definition.variables, fates)


def _of_run(run: Run) -> _Sight:
    fates = {key: _became(stage) for key, stage in run.stages.items()}
    took = "" if run.state == "running" else f" in {duration_text(run.duration_s)}"
    headline = f"{run.pipeline}: {run.state}{took}"
    return _Sight("run", headline, run.plan.blueprint, run.parameters, run.variables, fates)


def _planned(stage: PlannedStage) -> _Fate:
    """Take over a decision; what is run anyway needs no reason."""
    note = "" if stage.decision == "run" else stage.reason
    return _Fate(stage.decision, note, items_said=stage.items_said)


def _became(stage: StageRun) -> _Fate:
    note = stage.reason if stage.error is None else _said(stage.error)
    items = counted(stage.items.fan) if isinstance(stage.items, ItemRuns) else {}
    total = sum(items.values()) if stage.state == "running" else 0
    share = 1 - items.get("pending", 0) / total if total else None
    duration_s = stage.duration_s if stage.attempts else None
    return _Fate(stage.state, note, duration_s, stage.items_said, items, share)


def _said(error: BaseException) -> str:
    kind = type(error).__name__
    with suppress(Exception):  # the text of an error is the user's code
        text = str(error)
        return f"{kind}: {text}" if text else kind
    return kind


def _description(sight: _Sight, *, with_parameters: bool) -> Description:
    base = sight.base
    wires = base.wiring.wires
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for key in _in_order(base):
        for link in _settings(wires[key]) if with_parameters else ():
            nodes.setdefault(_key_of(link), _setting_node(link, sight))
            edges.append(_edge_from(link, wires[key]))
        nodes[key] = _stage_node(wires[key], sight)
        edges += _edges_to(wires[key], base.children)
    return Description(
        base.definition.name,
        sight.subject,
        sight.headline,
        tuple(nodes.values()),
        tuple(edges),
        tuple(_groups(wired.scope for wired in wires.values())),
        tuple(map(str, base.problems)),
    )


def _in_order(base: Blueprint) -> list[str]:
    """Return all stages; those that need each other can have no order and come last."""
    ordered = set(base.order)
    return [*base.order, *(key for key in base.wiring.wires if key not in ordered)]


def _stage_node(wired: Wire, sight: _Sight) -> Node:
    fate = sight.fates.get(wired.key, _Fate())
    return Node(
        wired.key,
        wired.key,
        state=fate.state,
        note=sight.said(fate.note),
        duration_s=fate.duration_s,
        group=wired.scope,
        arguments=tuple(_arguments(wired, sight)),
        about=sight.said(about_of(wired.stage.function)),
        over="" if wired.over is None else str(wired.over),
        items_said=fate.items_said,
        is_mapped=wired.over is not None,
        items=fate.items,
        share=fate.share,
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def about_of(function: object) -> str:
    """Return what an object says that it does, or the docstring of a function.

    That of a class or a partial is not the user's.
    """
    say = getattr(type(function), "__pypedream_about__", None)
    if say is not None:
        return str(say(function))
    text = getattr(function, "__doc__", None) if hasattr(function, "__code__") else None
    return text if isinstance(text, str) else ""


def _arguments(wired: Wire, sight: _Sight) -> Iterator[Argument]:
    linked = set()
    for link in wired.links:
        linked.add(link.argument)
        is_item = wired.over is not None and link.argument in wired.over.names
        yield Argument(link.argument, link.kind, _source(link, sight), link.output, is_item)
    for name, has_default in wired.arguments.names.items():
        if name not in linked and not has_default:
            yield Argument(name, "missing", "?")
    for condition in dict.fromkeys(map(_condition, wired.condition)):
        yield Argument("", "when", condition)
    for key in _only_awaited(wired):
        yield Argument("", "after", key)


def _source(link: Link, sight: _Sight) -> str:
    if link.kind != "immediate" or link.input is None:
        return link.name
    return HIDDEN if is_secret_name(link.argument) else sight.value(link.input.bind.source)


def _condition(link: Link) -> str:
    if link.kind == "default":  # a function that reads nothing of the pipeline
        return "its condition holds"
    return link.name if link.kind == "stage" else str(link)


def _only_awaited(wired: Wire) -> list[str]:
    """Return the stages that come before this one because of ``after=`` alone."""
    read = {key for link in (*wired.links, *wired.condition) for key in link.reads}
    return [key for key in wired.needs if key not in read]


def _edges_to(wired: Wire, children: Mapping[str, Collection[str]]) -> Iterator[Edge]:
    """Yield one edge for each stage that this one waits for.

    A mapper that may read all stages before it would fill the picture with edges. Those that
    other edges imply are left out: the order is as clear without them.
    """
    values: dict[str, list[str]] = {}
    possible: dict[str, list[str]] = {}
    for link in wired.links:
        table = values if link.kind == "stage" else possible
        for key in link.reads:
            table.setdefault(key, []).append(link.argument)
    conditions = {key for link in wired.condition for key in link.reads}
    needs = set(wired.needs)
    for key in wired.needs:
        if key in values:
            yield Edge(key, wired.key, "value", tuple(values[key]))
        elif key in conditions:
            yield Edge(key, wired.key, "condition")
        elif key not in possible or needs.isdisjoint(children[key]):
            yield Edge(key, wired.key, "order", tuple(possible.get(key, ())))


def _settings(wired: Wire) -> Iterable[Link]:
    """Return a link to each parameter and variable that the stage reads."""
    links = [link for link in (*wired.condition, *wired.links) if link.kind in _SETTINGS]
    return {_key_of(link): link for link in links}.values()


def _edge_from(setting: Link, wired: Wire) -> Edge:
    """Return the edge from a parameter or variable; it may be several arguments at once."""
    key = _key_of(setting)
    arguments = tuple(link.argument for link in wired.links if _key_of(link) == key)
    return Edge(key, wired.key, "value" if arguments else "condition", arguments)


def _key_of(link: Link) -> str:
    """Return a key for a parameter or variable that no stage has."""
    return f"\0{link.kind} {link.name}"


def _setting_node(link: Link, sight: _Sight) -> Node:
    shown = HIDDEN
    if not is_secret_name(link.name):
        shown = (_parameter if link.kind == "parameter" else _variable)(link.name, sight)
    return Node(_key_of(link), f"{link.name} = {shown}" if shown else link.name, link.kind)


def _parameter(name: str, sight: _Sight) -> str:
    """Return the value of one parameter; "" for a group of them."""
    definition = sight.parameters.definitions.get(name)
    if definition is None:
        return ""
    try:
        value = sight.parameters[name]
    except (LookupError, ValueError):  # not set, or refused by the class that it belongs to
        return "?"
    return sight.value(value) if definition.masked(value) != HIDDEN else HIDDEN


def _variable(name: str, sight: _Sight) -> str:
    return sight.value(sight.variables[name]) if name in sight.variables else ""


def _groups(scopes: Iterable[str]) -> Iterator[Group]:
    """Yield each prefix once, outer ones before inner ones."""
    known: set[str] = set()
    for scope in scopes:
        parts = scope.split(".") if scope else []
        for count in range(1, len(parts) + 1):
            key, parent = ".".join(parts[:count]), ".".join(parts[: count - 1])
            if key not in known:
                known.add(key)
                yield Group(key, parts[count - 1], parent)
