from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

pytest.importorskip("IPython")

CODE = """
    import sys
    {before}
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance(colors="nocolor")

    def snapshot():
        return {{
            "names": set(shell.user_ns) - {{"_i", "_ii", "_iii"}},
            "magics": {{kind: set(names) for kind, names in shell.magics_manager.magics.items()}},
            "events": {{name: len(calls) for name, calls in shell.events.callbacks.items()}},
            "formatters": {{
                kind: len(one.type_printers) + len(one.deferred_printers)
                for kind, one in shell.display_formatter.formatters.items()
            }},
            "tracebacks": (shell.custom_exceptions, shell.InteractiveTB),
            "transformers": len(shell.input_transformers_post) + len(shell.ast_transformers),
            "streams": (sys.stdout, sys.stderr, sys.displayhook),
        }}

    before = snapshot()
    shell.run_line_magic("load_ext", "pypedream")
    print([name for name in ("pypedream.engine", "ipywidgets") if sys.modules.get(name)])
    shell.run_line_magic("unload_ext", "pypedream")
    after = snapshot()
    print([name for name in before if before[name] != after[name]])
"""


def said(before: str = "") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", dedent(CODE).format(before=before)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_extension_says_that_it_is_not_needed():
    """One line; neither the engine nor widgets are loaded, and nothing is left behind."""
    line, loaded, changed = said()

    assert line.startswith("pypedream needs no %load_ext: pipelines, plans and runs show ")
    assert (loaded, changed) == ("[]", "[]")


def test_the_extension_says_what_forms_need():
    """Who is new to it learns of the extra there."""
    line, *_ = said('sys.modules["ipywidgets"] = None')

    assert "flow.form() needs ipywidgets: pip install" in line
    assert "conda install -c conda-forge ipywidgets" in line
