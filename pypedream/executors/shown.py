"""What a call displays in a process that is no notebook, for the notebook that its run is in.

There IPython's ``display`` has no shell, and would print. So in a worker it leaves what an object
looks like in the log, which travels to the run as all that is said does.
"""

from __future__ import annotations

import builtins
import os
import sys
from contextlib import suppress
from io import BytesIO
from types import CodeType
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.log.displayed import tell_of
from pypedream.log.encode import FAILURES
from pypedream.log.figures import FIGURES
from pypedream.log.output import captured
from pypedream.places import running_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Handle", "show", "show_displays"]

_FORMS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
}
_SIGNS = frozenset(["display", "IPython", "matplotlib"])


def show_displays(function: Callable[..., Any]) -> None:
    """See to it that what *function* displays is shown in the notebook; for good, in this process.

    Only who speaks of it pays for it: IPython takes a while to be imported.
    """
    if running_kernel() is not None:
        return  # what is displayed here is captured anyway
    if not (_SIGNS & sys.modules.keys() or _SIGNS & _names_in(function)):
        return
    if not hasattr(builtins, "display"):  # as IPython does in a notebook
        builtins.display = _display  # type: ignore[attr-defined]
    with suppress(ImportError):
        from IPython.core import display_functions

        # Everybody who has the function has this one: also who imported it before.
        display_functions.display.__code__ = _display.__code__
    FIGURES.begin(show_displays)
    FIGURES.look_again()


def _names_in(function: Callable[..., Any]) -> set[str]:
    """Return the names that the code of a function and of those within it speaks of."""
    found: set[str] = set()
    codes = [getattr(function, "__code__", None)]
    while codes:
        code = codes.pop()
        if isinstance(code, CodeType):
            found.update(code.co_names)
            found.update(name.partition(".")[0] for name in code.co_names)
            codes.extend(each for each in code.co_consts if isinstance(each, CodeType))
    return found


def _display(*objects: Any, **options: Any) -> Any:
    # Its code stands in place of IPython's: it has nothing but what it imports.
    from pypedream.executors.shown import show

    return show(*objects, **options)


def show(
    *objects: Any,
    raw: bool = False,
    display_id: str | bool | None = None,
    update: bool = False,
    **_unused: Any,
) -> Handle | None:
    """Leave in the log what objects look like; outside a call print them.

    Parameters
    ----------
    raw
        Whether each is a dict from form to content.
    display_id
        A name by which it can be updated; True for a new one.
    update
        Whether it takes the place of what has the name.

    Returns
    -------
    What it can be updated with, if it has a name.
    """
    attempt = captured()
    name = os.urandom(8).hex() if display_id is True else display_id or None
    if attempt is None:
        print(*objects)
    else:
        for each in objects:
            tell_of(attempt, each if raw else _bundle_of(each), name, update=update)
    return Handle(name) if name is not None else None


@frozen
class Handle:
    """What was displayed and can be updated, as IPython has it."""

    display_id: str

    def display(self, subject: Any, **options: Any) -> None:
        """Show a subject once more, under the same name."""
        show(subject, display_id=self.display_id, **options)

    def update(self, subject: Any, **options: Any) -> None:
        """Show a subject in place of what was shown."""
        show(subject, display_id=self.display_id, update=True, **options)


def _bundle_of(subject: Any) -> Mapping[str, Any]:
    """Return what a subject looks like, in the forms that it knows itself, and as text."""
    bundle: dict[str, Any] = {"text/plain": repr(subject)}
    with suppress(*FAILURES):
        made = subject._repr_mimebundle_()
        bundle.update(made[0] if isinstance(made, tuple) else made)
        return bundle
    for form, name in _FORMS.items():
        with suppress(*FAILURES):
            content = getattr(subject, name)()
            if content is not None:
                bundle[form] = content[0] if isinstance(content, tuple) else content
    if _is_figure(subject):
        file = BytesIO()
        subject.savefig(file, format="png", bbox_inches="tight")
        bundle["image/png"] = file.getvalue()
    return bundle


def _is_figure(subject: Any) -> bool:
    figures = sys.modules.get("matplotlib.figure")
    return figures is not None and isinstance(subject, figures.Figure)
