"""From the cells of a notebook that are marked to a module beside the file that needs it.

A cell is marked by ``#| export`` in its first lines, as nbdev does it, or by the tag "export". The
module has their text in their order, and nothing else of the notebook: so whatever a cell uses
from one that is not marked is missed, and told, before anything is written.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from pypedream.engine.problem import Problem
from pypedream.errors import ExportError
from pypedream.export.mark import marked
from pypedream.export.mark import target_of as file_for
from pypedream.export.notebook_cells import cells_of
from pypedream.export.text_modules import TextModule, importable
from pypedream.formats import replacing
from pypedream.names import did_you_mean, there_are
from pypedream.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.export.notebook_cells import NotebookCell
    from pypedream.pipeline import Pipeline

    _Spans = tuple[tuple[NotebookCell, int], ...]

SUFFIX: Final = "_stages"
_FUTURE: Final = "from __future__ import "


@frozen(eq=False)
class Sidecar:
    """The module of the marked cells, before it is written.

    Attributes
    ----------
    path
        The file that it is to be: ``dags/co2_stages.py`` for ``dags/co2.py``.
    text
        Its text.
    spans
        From each marked cell to the line of the text before its first one.
    """

    path: Path
    text: str = field(repr=False)
    spans: _Spans = field(repr=False)

    @property
    def module(self) -> str:
        """The name that it is imported by."""
        return self.path.stem

    @property
    def is_up_to_date(self) -> bool:
        """Whether the file is there and has this text."""
        try:
            return self.path.read_text(encoding="utf-8") == self.text
        except (OSError, ValueError):
            return False

    @property
    def as_text(self) -> TextModule:
        """The module as it can be imported before it is a file."""
        spans = tuple((cell.shown, before) for cell, before in self.spans)
        return TextModule(str(self.path), self.text, spans)

    def write(self, *, overwrite: bool = False) -> None:
        """Write the module.

        Raises
        ------
        ExportError
            If there is a file that somebody wrote or changed by hand.
        """
        with replacing(file_for(self.path, overwrite=overwrite)) as path:
            Path(path).write_text(self.text, encoding="utf-8", newline="\n")


def sidecar_of(
    notebook: str | os.PathLike[str], out: str | os.PathLike[str], *, overwrite: bool = False
) -> Sidecar:
    """Return the module of the marked cells of a notebook; nothing is run or written.

    Parameters
    ----------
    out
        The file that needs the module, which is to be beside it.
    overwrite
        Whether a module that somebody changed by hand may be replaced.

    Raises
    ------
    ExportError
        With all reasons: no cell is marked, one is no Python, or uses what only a cell defines
        that is not marked.
    """
    shown = os.fspath(notebook)
    cells = cells_of(notebook)
    chosen = [cell for cell in cells if cell.is_marked]
    if not chosen:
        raise ExportError(
            f"no cell of {shown} is marked: write #| export as the first line of those that the"
            ' pipeline needs, or tag them "export"; or write it as a module by'
            ' flow.to_module("flow.py") in the notebook, and export that'
        )
    problems = [problem for cell in chosen for problem in _not_python(cell)]
    problems = problems or [*_missed(chosen, cells)]
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise ExportError(f"the marked cells of {shown} are no module:{lines}")
    path = Path(os.path.abspath(out))
    path = path.with_name(f"{path.stem}{SUFFIX}.py")
    file_for(path, overwrite=overwrite)
    return Sidecar(path, *_text(shown, chosen))


@contextmanager
def pipeline_in(
    sidecar: Sidecar, name: str = "", paths: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[tuple[Pipeline, str]]:
    """Import the module as if it were written, as long as this lasts.

    Parameters
    ----------
    name
        Name of the pipeline in it; "" for the only one.
    paths
        Folders to import from.

    Returns
    -------
    The pipeline, and its target "module:name".

    Raises
    ------
    ExportError
        If it cannot be imported, with the cell; or if it has no such pipeline.
    """
    before = list(sys.path)
    with importable({sidecar.module: sidecar.as_text}):
        sys.path[:0] = [str(sidecar.path.parent), *map(os.path.abspath, paths)]
        try:
            module = _imported(sidecar)
            found = _pipelines(vars(module))
            chosen = _chosen(found, name, sidecar)
            yield found[chosen], f"{sidecar.module}:{chosen}"
        finally:
            sys.path[:] = before


def _imported(sidecar: Sidecar) -> Any:
    try:
        return import_module(sidecar.module)
    except Exception as error:
        step, line = error.__traceback__, 0
        while step is not None:
            if step.tb_frame.f_code.co_filename == str(sidecar.path):
                line = step.tb_lineno
            step = step.tb_next
        where = sidecar.as_text.place(Place(str(sidecar.path), line)) if line else None
        message = " ".join(str(error).split())
        what = f"the marked cells cannot be imported: {type(error).__name__}: {message}"
        raise ExportError(str(Problem(what, where))) from error


def _pipelines(names: Mapping[str, Any]) -> dict[str, Pipeline]:
    from pypedream.pipeline import Pipeline

    return {name: each for name, each in names.items() if isinstance(each, Pipeline)}


def _chosen(found: Mapping[str, Pipeline], name: str, sidecar: Sidecar) -> str:
    notebook = sidecar.spans[0][0].notebook
    if name in found:
        return name
    if not name and len({id(each) for each in found.values()}) == 1:
        return next(iter(found))
    if not found:
        raise ExportError(
            f"the marked cells of {notebook} define no pipeline: mark the one that does"
        )
    near = did_you_mean(name, found) if name else ""
    what = f'no marked cell of {notebook} defines "{name}"' if name else "name the pipeline"
    raise ExportError(f"{what}{near or '; ' + there_are(found)}")


def _text(
    notebook: str, cells: list[NotebookCell]
) -> tuple[str, tuple[tuple[NotebookCell, int], ...]]:
    """Return the text of the module, and where each cell begins in it."""
    name = Path(notebook).name
    lines = [
        f'"""The cells of {name} that are marked to be exported.',
        "",
        "Generated by pypedream. Do not edit: change the notebook, and export it again instead.",
        '"""',
        "",
    ]
    futures = dict.fromkeys(
        line.strip() for cell in cells for line in cell.lines if _is_future(line)
    )
    lines += [*futures, ""] if futures else []
    spans = []
    for cell in cells:
        kept = ["" if _is_future(line) else line.rstrip() for line in cell.lines]
        first = next((n for n, line in enumerate(kept) if line), len(kept))
        while kept and not kept[-1]:
            kept.pop()
        if first < len(kept):
            lines += [""] if lines[-1] else []
            spans.append((cell, len(lines) - first))
            lines += [*kept[first:], "", ""]
    while lines and not lines[-1]:
        lines.pop()
    return marked("\n".join(lines)), tuple(spans)


def _is_future(line: str) -> bool:
    return line.startswith(_FUTURE)


def _not_python(cell: NotebookCell) -> Iterator[Problem]:
    if cell.tree is not None:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Name) and node.id == "get_ipython":
                place = Place(cell.shown, node.lineno)
                yield Problem("get_ipython() is there only in IPython", place, "do without it")
        return
    for magic, line in cell.magics:
        what = f"the magic {magic}" if magic.startswith("%") else f"{magic}"
        yield Problem(
            f"{what} works only in IPython",
            Place(cell.shown, line),
            "put it in a cell that is not marked, or write it in Python",
        )
    if not cell.magics:
        yield Problem("this is no Python", Place(cell.shown, 1))


def _missed(chosen: list[NotebookCell], cells: list[NotebookCell]) -> Iterator[Problem]:
    """Give what marked cells use that only others define, each name once a cell."""
    known = {name for cell in chosen for name in (*_bound_by(cell), *_by_stars(cell))}
    known |= set(dir(builtins))
    others = {name: cell for cell in cells if not cell.is_marked for name in _bound_by(cell)}
    for cell in chosen:
        told: set[str] = set()
        for node in _uses(cell):
            home = others.get(node.id)
            if node.id in known or node.id in told or home is None:
                continue
            told.add(node.id)
            yield Problem(
                f'"{node.id}" is defined only in cell {home.number}, which is not marked',
                Place(cell.shown, node.lineno),
                "mark that, too",
            )


def _bound_by(cell: NotebookCell) -> set[str]:
    from pypedream.export.cells import names_bound

    return set() if cell.tree is None else set(names_bound(cell.tree.body))


def _by_stars(cell: NotebookCell) -> Iterator[str]:
    """Give the names that a cell imports from a module that it does not list them of."""
    for node in cell.tree.body if cell.tree is not None else ():
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and not node.level:
            with suppress(Exception):  # importing the cells will say what is wrong
                module = import_module(node.module or "")
                yield from getattr(module, "__all__", None) or vars(module)


def _uses(cell: NotebookCell) -> Iterator[ast.Name]:
    """Give the names that a cell takes from outside the function that they are in."""
    assert cell.tree is not None
    yield from _free(cell.tree, frozenset())


def _free(node: ast.AST, local: frozenset[str]) -> Iterator[ast.Name]:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in local:
            yield node
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        local = local | _locals(node)
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        targets = [name for each in node.generators for name in ast.walk(each.target)]
        local = local | {each.id for each in targets if isinstance(each, ast.Name)}
    for child in ast.iter_child_nodes(node):
        yield from _free(child, local)


def _locals(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    from pypedream.export.cells import names_bound

    given = node.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments += [each for each in (given.vararg, given.kwarg) if each is not None]
    body = [] if isinstance(node, ast.Lambda) else node.body
    return frozenset(each.arg for each in arguments) | frozenset(names_bound(body))
