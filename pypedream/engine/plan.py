"""Plan: the order, and for each stage what will happen to it and why.

Planning calls nothing of the user's and writes nothing. Mistakes are not raised one by one:
`PlanError` holds them all.
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream import graph
from pypedream._lazy import shown_as
from pypedream.engine.asked import Asked, placed, selection_mistakes, unreachable, unset
from pypedream.engine.check import mistakes
from pypedream.engine.check_executors import executor_mistakes
from pypedream.engine.options import HERE
from pypedream.engine.reuse import Reuse, is_cached, mode_of, without_workspace
from pypedream.engine.selection import Selection, select
from pypedream.engine.wiring import Wire, Wiring, wire
from pypedream.errors import PlanError, PypedreamError, StoreError
from pypedream.inputs import InputBinding
from pypedream.log.durations import duration_text
from pypedream.outputs import NOT_GIVEN
from pypedream.stage import ASYNC_GENERATOR, COROUTINE, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pypedream.engine.links import Definition
    from pypedream.engine.options import Options
    from pypedream.engine.planned import PlannedStage
    from pypedream.engine.problem import Problem
    from pypedream.engine.remembered import Remembered
    from pypedream.parameters import Parameters


@define(eq=False, repr=False, slots=False)
class Blueprint:
    """Everything about a definition that does not change from run to run.

    Attributes
    ----------
    order
        The stages so that each comes after all that it needs.
    has_policies, has_async
        Whether any stage has a policy of its own, or is awaited.
    remembered
        What plans that look for kept results share, once there is one.
    has_files
        Whether any stage reads or writes files.
    """

    definition: Definition
    wiring: Wiring
    problems: list[Problem]
    order: list[str]
    has_policies: bool
    has_async: bool
    remembered: list[Remembered] = field(factory=list)
    has_files: bool = False

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The parameters that paths of files are made of."""
        found: dict[str, None] = {}
        for key, stage in self.definition.stages.items() if self.has_files else ():
            if stage.files is not None:
                own = stage.files.spec.params_fields
                for name in stage.files.spec.names:
                    found[f"{key}.{name}" if name.split(".")[0] in own else name] = None
        return tuple(found)

    @cached_property
    def warnings(self) -> list[str]:
        """What may be a mistake in the files of stages."""
        stages = self.definition.stages.values() if self.has_files else ()
        return [line for stage in stages if stage.files for line in stage.files.spec.warnings]

    @cached_property
    def state(self) -> str:
        """The workspace of the project of the pipeline, if any stage reads or writes files."""
        if not self.has_files:
            return ""
        from pypedream.files.paths import WORKSPACE
        from pypedream.files.project import root_of

        own = self.definition
        stages = (stage for key, stage in own.stages.items() if key not in own.scopes)
        root = next((stage.files.root for stage in stages if stage.files is not None), "")
        return f"{root or root_of(own.place)}/{WORKSPACE}"

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """From each stage to those that wait for it."""
        return graph.children_of(self.wiring.needs)

    @cached_property
    def ranks(self) -> dict[str, int] | None:
        """Which stages come first where several run side by side and nobody timed them."""
        from pypedream.engine.ranking import ranks_by_count

        return ranks_by_count(self, self.order)


def blueprint(definition: Definition, remembered: list[Remembered] | None = None) -> Blueprint:
    """Wire a definition, check it and put its stages in order.

    Parameters
    ----------
    remembered
        What plans of the same pipeline share.
    """
    wiring = wire(definition)
    needs = wiring.needs
    order = graph.order(needs)
    wires = wiring.wires.values()
    return Blueprint(
        definition,
        wiring,
        mistakes(definition, wiring, order),
        order,
        any(wired.stage.policy is not USUAL for wired in wires),
        any(wired.flags & (COROUTINE | ASYNC_GENERATOR) for wired in wires),
        [] if remembered is None else remembered,
        definition.has_files,
    )


@define(eq=False, repr=False, slots=False)
class Plan:
    """What a run will do: the order, and for each stage the decision with its reason.

    Printing a plan shows it as text.

    Attributes
    ----------
    pipeline
        Name of the pipeline.
    parameters
        The parameters with the values that the run will have.
    notes
        What the run will do otherwise than a reader of the pipeline might think.
    doubtful
        Those of them that the run warns of as well: of options that could have meant parameters,
        and of texts that could have meant numbers.
    overwrites
        Files that the run will overwrite.
    """

    pipeline: str
    blueprint: Blueprint
    parameters: Parameters
    options: Options
    selection: Selection
    chosen: set[str]
    reuse: Reuse
    skipped: dict[str, str]
    notes: list[str] = field(factory=list)
    doubtful: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def stages(self) -> dict[str, PlannedStage]:
        """From key to what will happen to the stage, in the order of the run."""
        return {key: self._planned(key) for key in self.blueprint.order}

    def on_error_of(self, key: str) -> str:
        """Return what a failure of a stage does: as it says itself, or else as the run says."""
        policy = self.blueprint.wiring.wires[key].stage.policy
        return policy.on_error or self.options.on_error

    @cached_property
    def blind_spots(self) -> dict[str, tuple[str, ...]]:
        """From stage to what it visibly depends on and its fingerprint does not hold.

        Empty where no kept result may be taken over.
        """
        if self.reuse.calls is None:
            return {}
        from pypedream.store.blind_spots import blind_spots

        wires = self.blueprint.wiring.wires
        found = {
            key: tuple(blind_spots(wires[key].stage.function))
            for key in self.blueprint.order
            if mode_of(wires[key], self.options) != "off" and key not in self.skipped
        }
        return {key: spots for key, spots in found.items() if spots}

    def _planned(self, key: str) -> PlannedStage:
        wired, expected = self.blueprint.wiring.wires[key], None
        if key in self.reuse.reasons and key not in self.chosen:
            decision, reason = "reuse", self.reuse.reasons[key]
        elif key in self.skipped:
            decision, reason = "skip", self.skipped[key]
        elif key not in self.chosen:
            decision, reason = "skip", f"not selected ({self.selection})"
        else:
            decision, reason = "run", self._why(key)
            expected = self.expected_s(key)
        from pypedream.engine.planned import PlannedStage, count_of

        over, items = "", None
        if wired.over is not None:
            over, items = str(wired.over), count_of(wired, wired.over, self.parameters)
        return PlannedStage(key, decision, reason, wired.needs, expected, over, items)

    @property
    def expected(self) -> dict[str, float]:
        """How long the stages took before, in seconds, as far as that is known."""
        return {**self._earlier, **self.reuse.expected}

    def expected_s(self, key: str) -> float | None:
        """Return how long a stage took before; None if that is not known."""
        return self.reuse.expected.get(key, self._earlier.get(key))

    @cached_property
    def _earlier(self) -> dict[str, float]:
        """How long the stages took in the last runs that are recorded."""
        if self.options.workspace is None or self.reuse.calls is not None:
            return {}
        from pypedream.engine.result_log import latest_results

        found: dict[str, float] = {}
        for line in latest_results(self.options.workspace, self.pipeline):
            found.setdefault(line.stage, line.duration_s)
            if len(found) >= len(self.blueprint.order):
                break
        return found

    def _why(self, key: str) -> str:
        wired = self.blueprint.wiring.wires[key]
        if wired.condition:
            return f"if {_condition(wired)} holds"
        if key in self.reuse.rerun:
            return self.reuse.rerun[key]
        is_off = self.options.workspace is not None and self.reuse.calls is None
        usual = 'cache="off"' if is_off else "no earlier result is kept"
        return _selected_by(self.selection, wired) or usual

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def __str__(self) -> str:
        return plan_text(self)

    __repr__ = __str__


def _selected_by(selection: Selection, wired: Wire) -> str:
    if wired.key in (*selection.only, *selection.until, *selection.from_):
        return "asked for"
    if selection.until:
        return f"needed by {', '.join(selection.until)}"
    if selection.from_:
        return f"needs {', '.join(selection.from_)}"
    borne = [tag for tag in selection.tags if tag in wired.stage.policy.tags]
    return f"tagged {', '.join(borne)}" if borne else ""


def _mapped(one: PlannedStage) -> str:
    return ", ".join(filter(None, (one.over, one.items_said)))


def _condition(wired: Wire) -> str:
    """Return what a stage is called on, in words."""
    when = wired.stage.policy.when
    if isinstance(when, (str, InputBinding)):
        return " and ".join(map(str, wired.condition))
    read = ", ".join(str(link) for link in wired.condition if link.kind != "default")
    name = getattr(when, "__name__", "<lambda>")
    if name == "<lambda>":
        return f"its condition on {read}" if read else "its condition"
    return f"{name}({read})"


def plan_text(plan: Plan) -> str:
    """Return *plan* as an aligned table, one line a stage."""
    planned = list(plan.stages.values())
    rows = [
        (one.key, one.decision, ": ".join(filter(None, (_mapped(one), one.reason))))
        for one in planned
    ]
    wide = max((len(key) for key, _, _ in rows), default=0)
    lines = [f"{plan.pipeline}: {_how_many(planned)}"]
    lines += [f"  {key:<{wide}}  {decision:<5}  {reason}" for key, decision, reason in rows]
    lines += [f"  note: {note}" for note in plan.notes]
    lines += [f"  replaces: {one}" for one in plan.overwrites]
    for key, spots in plan.blind_spots.items():
        lines.append(f'  not seen: stage "{key}" {_listed(spots)}')
    return "\n".join(lines)


def _how_many(planned: list[PlannedStage]) -> str:
    running = [one for one in planned if one.decision == "run"]
    known = [one.expected_s for one in running if one.expected_s is not None]
    stages = "stage" if len(planned) == 1 else "stages"
    about = ""
    if known:
        about = f", about {duration_text(sum(known))}"
        if len(known) < len(running):
            about += f" for {len(known)} of them"
    return f"{len(running)} of {len(planned)} {stages} will run{about}"


def _listed(spots: Sequence[str]) -> str:
    more = len(spots) - _MOST_SPOTS
    listed = ", ".join(spots[:_MOST_SPOTS])
    return f"{listed} and {more} more" if more > 0 else listed


def make_plan(base: Blueprint, asked: Asked, reuse: Reuse | None = None) -> Plan:
    """Decide for each stage whether it runs.

    Raises
    ------
    PlanError
        If there is any mistake in the pipeline or in what it is asked to do.
    """
    wires, selection, parameters = base.wiring.wires, asked.selection, asked.parameters
    reuse = reuse or Reuse()
    if selection.is_everything and not reuse.values:
        selected = chosen = set(wires)
    else:
        _take_given(selection, reuse)
        selected = select(selection, wires, base.children)
        chosen = selected - reuse.values.keys()
    skipped = _known_to_skip(chosen, base, parameters) if base.has_policies else {}
    found = selection_mistakes(asked, wires, selected)
    if skipped:
        chosen = chosen - skipped.keys()
    if asked.options.executor not in HERE or base.has_policies:
        found += executor_mistakes(asked.options, wires, chosen)
    found += _misplaced(base, selected)
    if not (found or asked.problems or asked.outside or base.problems):
        found += _take_kept(base, asked, reuse, chosen, skipped)
        chosen = chosen - reuse.kept.keys()
    if len(chosen) < len(wires):
        found += unreachable(chosen, [*reuse.values, *reuse.kept, *skipped], wires)
    if parameters.missing:
        found += unset(asked, wires, chosen)
    found += _missing_files(base, chosen, reuse, selection) if base.has_files else ()
    found = [*asked.problems, *found]
    if found or asked.outside or base.problems:
        raise PlanError(base.definition.name, [*base.problems, *asked.outside, *placed(found)])
    plan = Plan(
        base.definition.name, base, parameters, asked.options, selection, chosen, reuse, skipped
    )
    plan.overwrites = tuple(reuse.overwrites)
    plan.notes = _notes(plan)
    return plan


def _notes(plan: Plan) -> list[str]:
    base, reuse = plan.blueprint, plan.reuse
    notes = [*reuse.notes, *base.warnings]
    if base.has_policies:
        from pypedream.engine.plan_notes import policy_notes

        notes += policy_notes(plan)
    if plan.options.limits:
        from pypedream.engine.resources import limit_notes

        notes += limit_notes(plan)
    if reuse.calls is not None and hasattr(sys, "ps1"):  # who types may have edited a file since
        from pypedream.engine.edited import edited_notes

        notes += edited_notes(reuse.calls)
    return notes


def _misplaced(base: Blueprint, selected: set[str]) -> list[Problem]:
    if not base.has_files:
        return []
    from pypedream.engine.misplaced import misplaced

    return misplaced(base.wiring.wires, selected)


def _missing_files(
    base: Blueprint, chosen: set[str], reuse: Reuse, selection: Selection
) -> list[Problem]:
    from pypedream.engine.missing_files import missing_files, unmatched

    reuse.notes += unmatched(base.wiring.wires, chosen)
    provided = chosen | reuse.kept.keys() | selection.given.keys()
    return missing_files(base.wiring.wires, chosen, provided)


def _take_kept(
    base: Blueprint, asked: Asked, reuse: Reuse, chosen: set[str], skipped: dict[str, str]
) -> list[Problem]:
    """Take over the results that the workspace keeps; return what is wrong with asking for them."""
    options = asked.options
    if not is_cached(base, options):
        return []
    if options.workspace is None:
        return without_workspace(base, options)
    from pypedream.engine.lookup import Lookup
    from pypedream.store.results import Results

    results = Results(options.workspace, readonly=True)
    try:
        lookup = Lookup(base, asked, results, reuse, chosen, skipped)
        try:
            lookup.look()
        except StoreError as error:
            # Whoever writes sets a damaged index aside; to plan changes nothing.
            results.is_unreadable = True
            reuse.notes.append(f"no kept result can be read: {error}")
            lookup = Lookup(base, asked, results, reuse, chosen, skipped)
            lookup.look()
    finally:
        results.close()
    return lookup.problems


def _take_given(selection: Selection, reuse: Reuse) -> None:
    for key, value in selection.given.items():
        reuse.values[key] = value
        reuse.mapped.pop(key, None)
        reuse.reasons[key] = "given"


def _known_to_skip(chosen: set[str], base: Blueprint, parameters: Parameters) -> dict[str, str]:
    """Stages whose condition is a plain parameter that does not hold, and what needs them."""
    skipped: dict[str, str] = {}
    for key in base.order:
        wired = base.wiring.wires[key]
        if key in chosen:
            reason = _fails(wired, parameters) or _misses(wired, skipped)
            if reason:
                skipped[key] = reason
    return skipped


def _fails(wired: Wire, parameters: Parameters) -> str:
    if not isinstance(wired.stage.policy.when, str):
        return ""
    for link in wired.condition:
        if link.kind == "parameter":
            value = _value_of(link.name, parameters)
            if type(value) in _PLAIN and not value:
                return f'parameter "{link.name}" is {value!r}'
    return ""


_MOST_SPOTS = 3
_PLAIN = (bool, int, float, str, type(None))
"""The truth of a value of another type is the user's code, which a plan does not call."""


def _value_of(name: str, parameters: Parameters) -> object:
    try:
        return parameters[name]
    except PypedreamError:  # not set, or refused by its class: a problem of its own
        return NOT_GIVEN


def _misses(wired: Wire, skipped: Mapping[str, str]) -> str:
    for link in wired.links:
        if link.is_required and link.kind == "stage" and link.name in skipped:
            return f'needs "{link.name}", which is skipped'
    return ""
