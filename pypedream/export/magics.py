"""What IPython made of a magic or a shell command, said as the user wrote it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pypedream.places import Place

if TYPE_CHECKING:
    from pypedream.export.cells import Statement


def magics_in(statement: Statement) -> list[tuple[str, Place, str]]:
    """Return what is wrong, where and the way out, for each use of IPython in a statement."""
    calls = [
        node
        for node in ast.walk(statement.node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    found = [_said(node, statement.file) for node in calls]
    whole = ("get_ipython() is there only in IPython", statement.place, "do without it")
    return [each for each in found if each is not None] or [whole]


def _said(call: ast.Call, file: str) -> tuple[str, Place, str] | None:
    method = getattr(call.func, "attr", "")
    texts = [str(each.value) for each in call.args if isinstance(each, ast.Constant)]
    first, place = texts[0] if texts else "...", Place(file, call.lineno)
    if method in ("system", "getoutput"):
        return f"the shell command !{first} works only in IPython", place, "use subprocess.run"
    if method == "run_line_magic":
        line = " ".join(texts).strip()
        return f"the magic %{line} works only in IPython", place, "write it in Python"
    if method == "run_cell_magic":
        return f"the magic %%{first} works only in IPython", place, "take it off"
    return None
