"""Writing: a pipeline by any exporter, as a text or to a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import ExportError
from pypedream.export.mark import free_place, marked
from pypedream.export.outlining import outline_of
from pypedream.formats import replacing

if TYPE_CHECKING:
    from pypedream.export.exporters import Exporter
    from pypedream.export.outline import Outline
    from pypedream.pipeline import Pipeline


@frozen
class Text:
    """What an exporter made of a pipeline.

    Attributes
    ----------
    pipeline
        Name of the pipeline.
    text
        All of it.
    notes
        What is to be known where it is used.
    path
        The file that it was written to; "" if it was not.
    """

    pipeline: str
    text: str
    notes: tuple[str, ...] = ()
    path: str = ""

    def __str__(self) -> str:
        notes = [f"  note: {note}" for note in self.notes]
        return "\n".join([f'{self.path}: pipeline "{self.pipeline}"', *notes])


def text_by(
    exporter: Exporter, pipeline: Pipeline, out: str = "", *, overwrite: bool = False
) -> Text:
    """Return what an exporter makes of a pipeline, and write it to a file if one is named.

    Parameters
    ----------
    out
        The file; "" writes none. One that is there is replaced if nobody has changed it since it
        was written like this.
    overwrite
        Whether a file that is someone's work may be replaced.

    Raises
    ------
    ExportError
        If it cannot be written, with all reasons.
    PlanError
        With all mistakes in the pipeline.
    """
    if out and not out.endswith(exporter.suffix):
        raise ExportError(
            f'{out} is no name for what "{exporter.name}" writes: it ends with {exporter.suffix}'
        )
    outline, notes = _outlined(exporter, pipeline, out)
    text = exporter.write(outline)
    if out:
        text = marked(text, exporter.suffix)
        place = free_place(out, overwrite=overwrite, by="this export", text=text)
        with replacing(place) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    return Text(pipeline.name, text, notes, out)


def _outlined(exporter: Exporter, pipeline: Pipeline, out: str) -> tuple[Outline, tuple[str, ...]]:
    if not getattr(exporter, "needs_target", False):
        return outline_of(pipeline), ()
    from pypedream.export import travel

    folder = os.path.dirname(os.path.abspath(out))
    journey = travel.check(pipeline, host=exporter.name, paths=[folder], file=out or None)
    journey.insist(pipeline.name, exporter.name)
    outline = outline_of(
        pipeline,
        journey.target,
        params=journey.params,
        fingerprint=journey.fingerprint,
        varies=journey.varies,
    )
    return outline, tuple(map(str, journey.warnings))
