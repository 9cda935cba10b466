"""Picture: a chart that shows itself in a notebook, and can be saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream._lazy import shown_as

if TYPE_CHECKING:
    import os


@frozen
class Picture:
    """A picture that shows itself in a notebook.

    Attributes
    ----------
    svg
        The text of an SVG file.
    about
        What it shows, in words.
    """

    svg: str = field(repr=False)
    about: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, all of it or nothing; a file that is there is replaced.

        Returns
        -------
        The path.

        Raises
        ------
        ValueError
            If the name ends in something other than ``.svg``.
        OSError
            If it cannot be written.
        """
        if Path(path).suffix.lower() != ".svg":
            raise ValueError(f"a picture is written as SVG: name the file {Path(path).stem}.svg")
        from pypedream.formats.replacement import replacing

        with replacing(path) as beside:
            beside.write_text(self.svg, encoding="utf-8", newline="\n")
        return Path(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)
