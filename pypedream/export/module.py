"""A pipeline as a module: its stages and exactly what they need, and the proof that it is the same.

The module is what a person would have written: imports, constants, helpers, parameters, the
pipeline and its stages, with the user's own text and comments.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.engine.request import request_of
from pypedream.errors import ExportError
from pypedream.export.gathering import Gathering
from pypedream.export.home import home_of
from pypedream.export.mark import marked, target_of
from pypedream.export.proof import Proof, Proving
from pypedream.export.secrecy import hidden_names
from pypedream.export.text import text_of
from pypedream.formats import replacing
from pypedream.stage import place_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from pypedream.parameters import Parameters
    from pypedream.pipeline import Pipeline


@frozen
class Written:
    """A module that was written.

    Attributes
    ----------
    path
        The file.
    pipeline
        Name of the pipeline.
    stages
        Its stages.
    lines
        How many lines the file has.
    proof
        What was compared; None if that was not asked for.
    notes
        What is not as in the session.
    command
        How it is run.
    """

    path: str
    pipeline: str
    stages: tuple[str, ...]
    lines: int
    proof: Proof | None = None
    notes: tuple[str, ...] = ()
    command: str = ""

    def __str__(self) -> str:
        count = len(self.stages)
        stages = "1 stage" if count == 1 else f"{count} stages"
        head = f'{self.path}: pipeline "{self.pipeline}" with {stages}, {self.lines} lines'
        proof = "not checked" if self.proof is None else f"proof: {self.proof}"
        notes = [f"  note: {each}" for each in self.notes]
        return "\n".join([head, f"  {proof}", *notes, f"  to run it: {self.command}"])

    __repr__ = __str__


def to_module(
    pipeline: Pipeline,
    path: str | os.PathLike[str],
    parameters: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    overwrite: bool = False,
    **request: Any,
) -> Written:
    """Write a pipeline as a module; see `pypedream.Pipeline.to_module`."""
    __tracebackhide__ = True
    try:
        target = target_of(path, overwrite=overwrite)
        if check:
            _refuse_files(pipeline)
        gathering = _gathered(pipeline)
        text = _text(pipeline, gathering)
        hidden = hidden_names(pipeline.parameters, gathering.hidden)
        asked = _asked(pipeline, parameters, request, hidden) if check else None
        with replacing(target) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
            if asked is not None:
                files = beside, target
                proof = Proving(pipeline, gathering.home, *files, *asked, hidden).carry_out()
    except ExportError as error:
        why = f'no module is written for pipeline "{pipeline.name}": {error}'
        raise ExportError(why) from error.__cause__
    return Written(
        str(path),
        pipeline.name,
        tuple(pipeline.stages),
        text.count("\n"),
        proof if check else None,
        tuple(_note(pipeline, name) for name in hidden),
        _command(path, gathering, pipeline),
    )


def _refuse_files(pipeline: Pipeline) -> None:
    """Refuse to prove what would write files of the project."""
    for key, stage in pipeline.blueprint.definition.stages.items():
        if stage.files is not None and stage.files.spec.outs:
            raise ExportError(
                f'stage "{key}" writes files of the project, which a proof would write anew: write'
                f" the module without one, check=False or --no-check ({place_of(stage)})"
            )


def _gathered(pipeline: Pipeline) -> Gathering:
    home = home_of(pipeline)
    gathering = Gathering(home)
    gathering.add_pipeline(pipeline, home.names_of(pipeline)[0])
    return gathering


def _text(pipeline: Pipeline, gathering: Gathering) -> str:
    """Return the text of the module.

    Raises
    ------
    ExportError
        If there are reasons against it, with all of them.
    """
    text = marked(text_of(gathering, f'Pipeline "{pipeline.name}".'))
    count = len(gathering.problems)
    if count:
        reasons = "1 reason" if count == 1 else f"{count} reasons"
        raise ExportError("\n".join([reasons, *(f"  {each}" for each in gathering.problems)]))
    return text


def _asked(
    pipeline: Pipeline,
    parameters: Mapping[str, Any] | None,
    request: dict[str, Any],
    hidden: tuple[str, ...],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters that are set for the proof, and what else a run is asked for.

    Raises
    ------
    PlanError
        With all mistakes in them, before anything is called.
    """
    request = {name: each for name, each in request.items() if name != "workspace"}
    with TemporaryDirectory() as folder:
        pipeline.plan(parameters, workspace=folder, **request)
    asked = request_of(parameters, request)
    start = pipeline.parameters if asked.start is None else asked.start
    values = {name: start[name] for name in _set_or_hidden(start, hidden)} | asked.values
    return values, {name: each for name, each in request.items() if name not in asked.values}


def _set_or_hidden(parameters: Parameters, hidden: tuple[str, ...]) -> list[str]:
    """Return the parameters that were set, and those that the module has no default of."""
    known = [name for name in parameters.definitions if name not in parameters.missing]
    return [name for name in known if name in hidden or parameters.source(name) != "default"]


def _command(path: str | os.PathLike[str], gathering: Gathering, pipeline: Pipeline) -> str:
    """Return the command; the pipeline is named if the module has more than one."""
    name = gathering.home.names_of(pipeline)[0]
    target = str(path) if len(gathering.pipelines) == 1 else f"{path}:{name}"
    return f"python -m pypedream run {target}"


def _note(pipeline: Pipeline, name: str) -> str:
    variable = pipeline.parameters.definitions[name].environment_name
    return f'the value of "{name}" is not written, as it is secret: set {variable} or -p {name}=...'
