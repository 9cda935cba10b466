"""Other objects as HTML: parameters, a form, a stage, a failure, what differs between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import fields

from pypedream import context
from pypedream.inputs import key_read_by, stage_read_by
from pypedream.log.redaction import HIDDEN, Redactor, is_secret_name
from pypedream.outputs import RETURN
from pypedream.over import Over
from pypedream.stage import USUAL, Policy, place_of
from pypedream.values import said, short
from pypedream.view.describing import about_of
from pypedream.view.html import new_scope
from pypedream.view.html_diff import diff_parts
from pypedream.view.html_failure import trouble_card
from pypedream.view.html_stage import table_of
from pypedream.view.inputs_shown import parameter_rows
from pypedream.view.page import Row
from pypedream.view.page_of_run import trouble_of
from pypedream.view.samples import Shower
from pypedream.view.sheet import image
from pypedream.view.style import style_of
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.engine.diff import RunDiff
    from pypedream.engine.failure import Failure
    from pypedream.engine.runs import Runs
    from pypedream.inputs import Input
    from pypedream.parameters import Parameters
    from pypedream.stage import Stage
    from pypedream.view.picture import Picture


def parameters_html(parameters: Parameters) -> str:
    """Return a table of parameters: value, who set it, what it accepts and what it is for."""
    count = len(parameters.definitions)
    return _alone(_title("parameters", f"{count}"), table_of(_parameter_rows(parameters)))


def form_html(name: str, parameters: Parameters, why: str, code: str) -> str:
    """Return what there is of a form that cannot be filled in: the parameters, and the code."""
    return _alone(
        _title(name, "form"),
        tag("div", why),
        table_of(_parameter_rows(parameters)),
        tag("div", "In code it is:"),
        tag("pre", code),
    )


def failure_html(failure: Failure) -> str:
    """Return the card of a call that failed."""
    return _alone(trouble_card(trouble_of(failure)))


def stage_html(stage: Stage) -> str:
    """Return what is said of a stage where it is defined."""
    place = place_of(stage)
    first = about_of(stage.function).strip().partition("\n")[0]
    return _alone(
        _title(stage.name, first),
        table_of(_of_stage(stage)),
        table_of((Row(one.as_arg, "", _source(one)) for one in stage.inputs), "inputs"),
        tag("div", tag("code", "" if place is None else str(place), class_="d")),
    )


def diff_html(diff: RunDiff) -> str:
    """Return what differs between two runs: how each of them went, then what."""
    return _alone(*diff_parts(diff), styles=("frames",))


def picture_html(picture: Picture) -> str:
    """Return a picture with its words for those who cannot see it."""
    return _alone(tag("div", image(picture.svg, picture.about)), styles=("charts",))


def table_html(runs: Runs, *, is_report: bool = False) -> str:
    """Return several runs as a table; a report has more of the plots, and shows them."""
    from pypedream.view.html_runs import runs_html

    return _alone(*runs_html(runs, is_report=is_report), styles=("frames", "charts"))


def _alone(*parts: str, styles: Iterable[str] = ()) -> str:
    scope = new_scope()
    return tag("div", tag("style", Html(style_of(scope, *styles))), *parts, class_=scope)


def _title(name: str, more: str) -> Html:
    return tag("div", tag("b", name), " ", tag("span", more, class_="d"), class_="h")


def _source(one: Input) -> str:
    """Return where a value comes from, in words."""
    bind = one.bind
    stage = stage_read_by(bind)
    if stage is not None:
        output = "" if stage.from_output == RETURN else f'output "{stage.from_output}" of '
        return f'{output}stage "{stage.from_stage}"'
    for source, kind in ((context.PARAMETERS, "parameter"), (context.VARIABLES, "variable")):
        key = key_read_by(bind, source)
        if key is not None:
            return f'{kind} "{key.from_key}"'
    return HIDDEN if is_secret_name(one.as_arg) else short(bind, 120)


def _of_stage(stage: Stage) -> Iterator[Row]:
    yield Row("function", said(stage.function))
    if stage.output_mapper is not None:
        yield Row("output mapper", short(stage.output_mapper, 120))
    for field in fields(Policy):
        value = getattr(stage.policy, field.name)
        if value != getattr(USUAL, field.name):
            shown = ", ".join(value.names) if isinstance(value, Over) else short(value, 120)
            yield Row(field.name, shown)


def _parameter_rows(parameters: Parameters) -> Iterator[Row]:
    rules = {name: one.rules for name, one in parameters.definitions.items()}
    for row in parameter_rows(parameters, Shower(Redactor(parameters.secrets()).text)):
        about = ". ".join(filter(None, (rules[row.name], row.help)))
        yield Row(row.name, row.value, row.source, about)
