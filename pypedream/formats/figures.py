"""Figures of matplotlib: written as images, which cannot be loaded back."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream._extras import need
from pypedream.formats.faults import writing
from pypedream.formats.loader import Writer
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from os import PathLike

# The date of writing would make each file differ from the last one of the same figure.
_UNDATED: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@frozen
class MatplotlibFigure(Writer[Any]):
    """A figure, as the kind of image that the path ends with: .png, .svg, .pdf, ...

    Parameters
    ----------
    dpi
        Dots an inch.
    bbox_inches
        "tight" cuts the empty margin; None keeps the size of the figure.
    transparent
        Whether the background is left out.
    """

    dpi: float = 150
    bbox_inches: str | None = "tight"
    transparent: bool = False

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the figure, then close it."""
        matplotlib = need("matplotlib", extra="plots", for_="MatplotlibFigure")
        with writing(path, "MatplotlibFigure"), replacing(path) as beside:
            if not isinstance(value, need("matplotlib.figure", extra="plots", for_="it").Figure):
                hint = "; give its .figure" if hasattr(value, "figure") else ""
                raise TypeError(f"a matplotlib Figure is needed, not {type(value).__name__}{hint}")
            # the salt is a setting of the whole process, so it is set only where it is used
            is_svg = beside.suffix.lower() == ".svg"
            salt = matplotlib.rc_context({"svg.hashsalt": "pypedream"}) if is_svg else nullcontext()
            with salt:
                value.savefig(
                    beside,
                    dpi=self.dpi,
                    bbox_inches=self.bbox_inches,
                    transparent=self.transparent,
                    metadata=_UNDATED.get(beside.suffix.lower()),
                )
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:  # a figure that was made without it is known to nobody
            pyplot.close(value)
