"""What a stage is called with, as rows: each argument, its value in short and its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.engine.failure import source_of
from pypedream.errors import PypedreamError
from pypedream.log.redaction import HIDDEN, is_secret_name
from pypedream.mappers import outputs_of
from pypedream.stage import place_of
from pypedream.view.page import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.engine.links import Link
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters
    from pypedream.view.samples import Shower

VALUE, TYPE = 120, 60


def input_rows(
    wired: Wire,
    parameters: Parameters,
    shower: Shower,
    outputs: Mapping[str, Mapping[str, object]],
) -> Iterator[Row]:
    """Yield a row for each argument of a stage.

    Parameters
    ----------
    outputs
        From each stage whose results are at hand to its outputs; nothing is loaded.
    """
    mapped = wired.over.names if wired.over is not None else ()
    for link in wired.links:
        if link.kind == "default":
            continue
        source = source_of(link, parameters)
        source = f"each item of {source}" if link.argument in mapped else source
        yield Row(link.argument, _value(link, parameters, shower, outputs), shower.cut(source))


def _value(
    link: Link,
    parameters: Parameters,
    shower: Shower,
    outputs: Mapping[str, Mapping[str, object]],
) -> str:
    """Return the value of an argument; "" where it is not at hand."""
    if is_secret_name(link.argument):
        return HIDDEN
    if link.kind == "parameter":
        return parameter_value(link.name, parameters, shower)
    if link.kind == "stage":
        given = outputs.get(link.name, {})
        return shower.shown(given[link.output], VALUE) if link.output in given else ""
    if link.kind == "immediate" and link.input is not None:
        return shower.shown(link.input.bind.source, VALUE)
    return ""


def parameter_value(name: str, parameters: Parameters, shower: Shower) -> str:
    """Return the value of a parameter or of a group of them, without secrets."""
    definition = parameters.definitions.get(name)
    try:
        value = parameters[name]
    except (PypedreamError, LookupError, ValueError):  # not set, or refused by its class
        return "not set"
    if is_secret_name(name) or (definition is not None and definition.masked(value) == HIDDEN):
        return HIDDEN
    return shower.shown(value, VALUE)


def parameter_rows(parameters: Parameters, shower: Shower) -> Iterator[Row]:
    """Yield a row for each parameter: its value, who set it, and what it is for."""
    for name, definition in parameters.definitions.items():
        source = shower.cut(parameters.source(name))
        yield Row(name, parameter_value(name, parameters, shower), source, definition.help)


def types_of(wired: Wire, shower: Shower) -> dict[str, str]:
    """Return what is annotated, as text: from argument to type, and from "return" to that."""
    if not getattr(wired.function, "__annotations__", None):
        return {}
    from pypedream.engine.types import UNKNOWN, annotations_of, shown

    found = annotations_of(wired.function).items()
    return {name: shower.cut(shown(kind), TYPE) for name, kind in found if kind is not UNKNOWN}


def where_of(wired: Wire) -> str:
    """Return where the function of a stage is written; "" when it is not written in Python."""
    place = place_of(wired.stage)
    return "" if place is None else str(place)


def policy_rows(wired: Wire) -> Iterator[Row]:
    """Yield what is said of how the stage is called, where it is not as usual."""
    policy = wired.stage.policy
    if policy.after:
        yield Row("waits for", ", ".join(map(str, policy.after)))
    outputs = outputs_of(wired.stage.output_mapper)
    if outputs:
        yield Row("gives", ", ".join(map(str, outputs)))
    if wired.condition:
        links = [str(link) for link in wired.condition if link.kind != "default"]
        yield Row("only if", " and ".join(links) or "its condition holds")


def policy_chips(wired: Wire) -> Iterator[str]:
    """Yield in a few words how the stage is called, where it is not as usual."""
    policy = wired.stage.policy
    if policy.retries:
        yield f"retries {policy.retries}"
    if policy.timeout_s is not None:
        yield f"at most {policy.timeout_s:g} s"
    if policy.cache is not None:
        yield f"cache {policy.cache}"
    if isinstance(policy.executor, str):
        yield policy.executor
    yield from (f"#{tag}" for tag in policy.tags)
