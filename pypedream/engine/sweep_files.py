"""Sweep files: outputs that several runs of a sweep would write at the same time, each its own.

What does not depend on what differs between two runs they write alike, whichever comes last.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.engine.calls import identity_of
from pypedream.engine.problem import Problem
from pypedream.errors import PypedreamError
from pypedream.files.paths import folded
from pypedream.files.templates import texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters


@define(eq=False)
class SharedOutputs:
    """Which run of a sweep writes which files.

    Attributes
    ----------
    problems
        One for each stage of which two runs would write other contents to one file.
    """

    points: int
    problems: dict[str, Problem] = Factory(dict)
    _first: dict[tuple[str, str], tuple[int, Mapping[str, Any], str]] = Factory(dict)

    def add(self, number: int, point: Mapping[str, Any], plan: Plan) -> None:
        """Take in the run of a point, counted from 1."""
        told: dict[str, str] = {}
        wires = plan.blueprint.wiring.wires
        for key in plan.blueprint.order:
            wired = wires[key]
            told[key] = _told(wired, plan.parameters, told)
            if wired.files is None or key not in plan.chosen or key in self.problems:
                continue
            for path in wired.files.outputs:
                place = wired.files.root, folded(path)
                other, its, before = self._first.setdefault(place, (number, point, told[key]))
                if before != told[key]:
                    differing = [
                        name for name in point if _identity(its, name) != _identity(point, name)
                    ]
                    self.problems[key] = self._problem(wired, path, (other, number), differing)
                    break

    def _problem(
        self, wired: Wire, path: str, numbers: tuple[int, int], differing: list[str]
    ) -> Problem:
        one, other = numbers
        what = (
            f'points {one} and {other} of {self.points} would write "{path}" of stage "{wired.key}"'
            " at the same time"
        )
        name = next(iter(differing), "name").removeprefix(f"{wired.key}.")
        folder, slash, file = path.rstrip("/").rpartition("/")
        instead = f"{folder}{slash}{{{name}}}/{file}" + "/" * path.endswith("/")
        return Problem(what, wired.place, f'write "{instead}", or leave at_once= out')


def _told(wired: Wire, parameters: Parameters, told: Mapping[str, str]) -> str:
    """Return what is equal for two runs in which a stage is called with the same."""
    found: list[object] = [told[need] for need in wired.needs]
    for link in (*wired.links, *wired.condition):
        if link.kind == "parameter":
            found.append(_identity(parameters, link.name))
        elif link.kind == "context":  # it may read any of them
            found += [_identity(parameters, name) for name in parameters.definitions]
        elif link.kind == "file" and link.input is not None:
            found.append(texts_of(link.input.bind.source.dep.paths))
    return sha256(repr(found).encode("utf-8", "surrogatepass")).hexdigest()


def _identity(values: Mapping[str, Any], name: str) -> object:
    """Return what is equal for equal values; of what cannot be told, the object itself."""
    try:
        value = values[name]
    except (KeyError, PypedreamError):  # it is not set
        return None
    return identity_of(value) or id(value)
