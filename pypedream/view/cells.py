"""Cells: one output of a notebook cell, put there and replaced as often as it takes."""

from __future__ import annotations

import os
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from pypedream.context import STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLACE", "CellOutput", "Output", "present_cell"]


class Output(Protocol):
    """Where something is shown, and replaced."""

    cell: str
    is_live: bool
    is_there: bool

    def show(self, bundle: Mapping[str, str], /) -> None:
        """Show *bundle* in place of what was shown before."""


PLACE: ContextVar[Output | None] = ContextVar("pypedream.view.PLACE", default=None)
"""Where the view of a run is to be that is started now; None for the cell."""


class CellOutput:
    """An output of the cell that is being run; it stays under that cell whatever runs later.

    Parameters
    ----------
    shell
        The shell of a kernel.

    Attributes
    ----------
    cell
        What tells the cell from others.
    is_live
        Whether what is shown can be replaced: ``%%capture`` only collects.
    is_there
        Whether anything was shown yet.
    shared
        How many more views it served than its first.
    """

    def __init__(self, shell: Any) -> None:
        self.cell = present_cell(shell)
        # Kept, since `%%capture` of another cell puts its own in its place.
        self._publisher = shell.display_pub
        self._id = f"pypedream-{os.urandom(8).hex()}"
        self.is_live = hasattr(self._publisher, "session")
        self.is_there = False
        self.shared = 0

    def show(self, bundle: Mapping[str, str]) -> None:
        """Show *bundle* in place of what was shown before."""
        how = {"update": True} if self.is_there else {}
        token = STAGE.set(None)  # it is shown here and not by a stage
        try:
            self._publisher.publish(
                data=dict(bundle), metadata={}, transient={"display_id": self._id}, **how
            )
        finally:
            STAGE.reset(token)
        self.is_there = True


def present_cell(shell: Any) -> str:
    """Return what tells the cell that is being run from others; "" if nobody knows."""
    with suppress(AttributeError, KeyError, LookupError, TypeError):
        return str(shell.parent_header["header"]["msg_id"])
    return ""
