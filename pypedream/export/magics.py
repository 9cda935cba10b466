"""What IPython made of a magic or a shell command, said as the user wrote it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pypedream.places import Place

if TYPE_CHECKING:
    from pypedream.export.cells import Statement


def magic_in(statement: Statement) -> tuple[str, Place, str]:
    """Return what is wrong, where and the way out, for a statement that uses IPython."""
    for node in ast.walk(statement.node):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        first = str(texts[0]) if texts else ""
        place = Place(statement.file, node.lineno)
        if node.func.attr in ("system", "getoutput"):
            return (
                f"the shell command !{first} works only in IPython",
                place,
                "write subprocess.run(...)",
            )
        if node.func.attr == "run_line_magic":
            line = " ".join(str(each) for each in texts).strip()
            return f"the magic %{line} works only in IPython", place, "leave it out or write Python"
        if node.func.attr == "run_cell_magic":
            return f"the magic %%{first} works only in IPython", place, "take it off"
    return "get_ipython() is there only in IPython", statement.place, "do without it"
