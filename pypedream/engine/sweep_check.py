"""What is wrong with a sweep: every mistake of every point, known before the first run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from pypedream.engine.asked import placed
from pypedream.engine.options import accepted, options_from_environment, options_of
from pypedream.engine.problem import Problem
from pypedream.engine.request import SOURCE, plan_for, request_of
from pypedream.engine.reuse import READ_ONLY
from pypedream.engine.run_results import stage_in
from pypedream.errors import PlanError
from pypedream.names import did_you_mean
from pypedream.parameters.secret import MASK
from pypedream.values import said, short

if TYPE_CHECKING:
    from pypedream.engine.options import Options
    from pypedream.engine.plan import Blueprint, Plan
    from pypedream.engine.sweep_files import SharedOutputs
    from pypedream.parameters import Parameters

_SHOWN_NAMES = 4
_WIDTH = 24
_AXES = (list, tuple, range)


@frozen
class Asking:
    """What all runs of a sweep are asked for.

    Attributes
    ----------
    points
        The parameters that each of them sets.
    keywords
        Options, selection and the parameters that all of them share.
    own
        Options that hold where *keywords* do not say otherwise.
    """

    points: Sequence[Mapping[str, Any]]
    base: Blueprint
    keywords: Mapping[str, Any]
    own: Mapping[str, Any]

    @property
    def options(self) -> Options:
        """The options that hold for the runs, as far as they can be read."""
        asked = accepted(request_of(None, self.keywords).options, [])
        return options_of(asked, self.own, options_from_environment(os.environ, []))

    def plan(self, point: Mapping[str, Any], **keywords: Any) -> Plan:
        """Plan the run of one point.

        Raises
        ------
        PlanError
            If it cannot run.
        """
        request = request_of(point, {**self.keywords, **keywords})
        return plan_for(request, self.base, self.own)


def no_points(pipeline: str, shared: Mapping[str, Any]) -> PlanError:
    """Return what to raise where no points are given.

    Parameters
    ----------
    shared
        What was to be the same in all runs. A list among it was meant for the points.
    """
    axes = [f"{name}=[...]" for name, each in shared.items() if isinstance(each, _AXES)]
    hint = f"write map_runs(sweep.grid({', '.join(axes) or 'name=[...]'}))"
    problem = Problem("no points are given, for each of which to run", None, hint)
    return PlanError(pipeline, placed([problem]))


def read_points(given: Any, problems: list[Problem]) -> Sequence[Mapping[str, Any]]:
    """Return the points that *given* lists; what is no point becomes a problem."""
    hint = ""
    if isinstance(given, Mapping):
        hint = "write sweep.grid(name=[...]), or [{...}] for one point"
    elif hasattr(given, "to_dict") and hasattr(given, "columns"):
        hint = 'write table.to_dict("records")'
    elif isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        hint = "write sweep.grid(name=[...]), or [{...}, {...}]"
    if hint:
        problems.append(Problem(f"a sweep is a list of mappings, not {said(given)}", None, hint))
        return []
    points = given if isinstance(given, Sequence) else list(given)
    for number, point in enumerate(points, 1):
        if not isinstance(point, Mapping):
            what = f"point {number} of {len(points)} is {said(point)}, not a mapping of parameters"
            problems.append(Problem(what, None, "write {name: value}"))
    if not points:
        problems.append(Problem("the sweep has no points, so there is nothing to run"))
    return points


def check_at_once(at_once: Any) -> list[Problem]:
    """Return what is wrong with how many runs are to go on at the same time."""
    if isinstance(at_once, int) and not isinstance(at_once, bool) and at_once > 0:
        return []
    return [Problem(f"at_once={short(at_once)} is not a number of runs from 1 up")]


def wanted_results(results: Any, base: Blueprint, problems: list[Problem]) -> list[str] | None:
    """Return the names of the results that a table is to show; what is no name is a problem."""
    if results is None:
        return None
    if not isinstance(results, Iterable):
        what = f"results={short(results)} is not a list of names"
        problems.append(Problem(what, None, 'write results=["stage"]'))
        return []
    names = [results] if isinstance(results, str) else [*results]
    for name in names:
        if not isinstance(name, str):
            problems.append(Problem(f"results=: it takes the name of a stage, not {said(name)}"))
        elif stage_in(name, base.wiring.wires)[0] is None:
            near = did_you_mean(name.partition(".")[0], base.order)
            problems.append(Problem(f'results=: no stage "{name}"{near}'))
    return names


def checked(asking: Asking, problems: list[Problem], *, are_apart: bool = True) -> tuple[str, ...]:
    """Plan every point; return the names of the parameters that some point sets.

    Parameters
    ----------
    are_apart
        Whether one run ends before the next begins.

    Raises
    ------
    PlanError
        With *problems* and what is wrong with any point. What many points have in common is said
        once.
    """
    # Kept results are looked for when a run begins; only who may call nothing has to know now.
    quick = {} if asking.options.cache == READ_ONLY else {"cache": "off"}
    common = _problems(asking, {}, quick)
    concerned: dict[Problem, list[int]] = {}
    names: dict[str, None] = {}
    constant = tuple(request_of(None, asking.keywords).values)
    shared = None if are_apart or not asking.base.has_files else _shared_outputs(asking)
    for index, point in enumerate(asking.points):
        if not isinstance(point, Mapping):
            continue  # it is among the problems already
        found = [_twice(name) for name in constant if name in point]
        try:
            plan = asking.plan(point, **quick)
            names.update(dict.fromkeys(_set_by_point(plan.parameters, constant)))
            if shared is not None:
                shared.add(index + 1, point, plan)
        except PlanError as error:
            found += map(_as_problem, error.problems)
        for one in dict.fromkeys(found):
            concerned.setdefault(one, []).append(index)
    if asking.points and not problems and not concerned:
        problems += _problems(asking, asking.points[0], {})
    everywhere = [one for one in common if len(concerned.get(one, ())) == len(asking.points)]
    problems += everywhere
    others = (one for one in concerned if one not in everywhere)
    problems += [_of_points(one, concerned[one], asking) for one in others]
    problems += () if shared is None else shared.problems.values()
    if problems:
        raise PlanError(asking.base.definition.name, placed(problems))
    return tuple(names)


def _shared_outputs(asking: Asking) -> SharedOutputs:
    from pypedream.engine.sweep_files import SharedOutputs

    return SharedOutputs(len(asking.points))


def point_text(point: Mapping[str, Any], base: Blueprint) -> str:
    """Return a point in one line, without secrets."""
    definitions = base.definition.parameters.definitions
    shown = []
    for name in list(point)[:_SHOWN_NAMES]:
        is_secret = any(
            getattr(each, "secret", False)
            for key, each in definitions.items()
            if key == name or key.startswith(f"{name}.")
        )
        shown.append(f"{name}={MASK if is_secret else short(point[name], _WIDTH)}")
    return ", ".join([*shown, *(["..."] * (len(point) > _SHOWN_NAMES))])


def _problems(
    asking: Asking, point: Mapping[str, Any], keywords: Mapping[str, Any]
) -> list[Problem]:
    try:
        asking.plan(point, **keywords)
    except PlanError as error:
        return list(map(_as_problem, dict.fromkeys(error.problems)))
    return []


def _as_problem(problem: Any) -> Problem:
    assert isinstance(problem, Problem)
    return problem


def _set_by_point(parameters: Parameters, constant: tuple[str, ...]) -> list[str]:
    inner = tuple(f"{name}." for name in constant)
    return [
        name
        for name, source in parameters.sources.items()
        if source == SOURCE and name not in constant and not name.startswith(inner)
    ]


def _twice(name: str) -> Problem:
    what = f'parameter "{name}" is set by the point, and by {name}= for all points'
    return Problem(what, None, "leave it to one of them")


def _of_points(problem: Problem, indexes: list[int], asking: Asking) -> Problem:
    """Say which points a problem concerns: the first, and how many others."""
    count = len(asking.points)
    more = f" and {len(indexes) - 1} more" if len(indexes) > 1 else ""
    if len(indexes) == count > 1:
        more = " and all others"
    shown = point_text(asking.points[indexes[0]], asking.base)
    what = f"point {indexes[0] + 1} of {count} ({shown}){more}: {problem.what}"
    return evolve(problem, what=what)
