"""What ``%load_ext pypedream`` does: it says that nothing is to be loaded.

Pipelines, plans, runs and failures show themselves in any notebook. So there are no magics, and
an extension has nothing to set up and nothing to take back. Who tries it, as other libraries want
it, is told so, and whether forms can be shown.
"""

from __future__ import annotations

from typing import Any

from pypedream._extras import why_missing


def load_ipython_extension(shell: Any) -> None:  # noqa: ARG001 - as IPython calls it
    """Say that there is nothing to load, and how to have forms if they need something."""
    missing = why_missing("ipywidgets", extra="notebook", for_="flow.form()")
    forms = f"; {missing}" if missing else ", forms too"
    print(f"pypedream needs no %load_ext: pipelines, plans and runs show themselves{forms}")


def unload_ipython_extension(shell: Any) -> None:
    """Take back nothing, as nothing was changed."""
