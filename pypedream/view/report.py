"""The report of a run: one HTML file that can be mailed, archived and printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pypedream.formats.replacement import replacing
from pypedream.view.document import document
from pypedream.view.html import are_runs, fragment, new_scope, page_of
from pypedream.view.style import REPORT
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from os import PathLike

    from pypedream.engine.history import RecordedRun
    from pypedream.engine.past_run import PastRun
    from pypedream.engine.plan import Plan
    from pypedream.engine.run import Run
    from pypedream.engine.runs import Runs
    from pypedream.pipeline import Pipeline

    Subject = Run | PastRun | RecordedRun | Runs | Plan | Pipeline


def to_report(subject: Subject) -> str:
    """Return a whole HTML document about a run, several runs, a plan or a pipeline.

    Parameters
    ----------
    subject
        As for `to_html`.

    Raises
    ------
    TypeError
        If *subject* is none of these.

    Examples
    --------
    >>> from pypedream import Pipeline
    >>> to_report(Pipeline("sum")).startswith("<!doctype html>")
    True
    """
    title, content = _content(subject)
    return document(title, REPORT, tag("main", content))


def _content(subject: Subject) -> tuple[str, Html]:
    """Return the title of the document, and what is in it."""
    if are_runs(subject):
        from pypedream.view.html_objects import table_html

        count = "1 run" if len(subject) == 1 else f"{len(subject):,} runs"
        return f"{subject.pipeline}: {count}", Html(table_html(subject, is_report=True))
    page = page_of(subject)
    state = f": {page.state}" if page.state else ""
    return f"{page.description.name}{state}", fragment(page, new_scope(), has_fallback=False)


def write_report(subject: Subject, path: str | PathLike[str]) -> Path:
    """Write the document of `to_report` to a file, all of it or nothing.

    A file that is there is replaced; missing folders are made.

    Returns
    -------
    The path.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    text = to_report(subject)
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)
