"""What is wrong with one function, gathered so that it is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from pypedream.errors import PipelineConfigError

if TYPE_CHECKING:
    from pypedream.places import Place


@define(eq=False, repr=False)
class Report:
    """Mistakes and doubts about one function.

    Attributes
    ----------
    stage
        What the function is called as a stage.
    place
        Where it is defined; None if that is not known.
    mistakes, warnings
        One line each.
    """

    stage: str
    place: Place | None
    mistakes: list[str] = field(factory=list)
    warnings: list[str] = field(factory=list)

    def wrong(self, where: str, what: str) -> None:
        """Add a mistake, unless it is there; *where* is an argument or a field, "" the whole."""
        line = self._line(where, what)
        if line not in self.mistakes:
            self.mistakes.append(line)

    def doubtful(self, where: str, what: str) -> None:
        """Add what may be a mistake."""
        self.warnings.append(self._line(where, what))

    def close(self) -> None:
        """Raise what is wrong, if anything is.

        Raises
        ------
        PipelineConfigError
            With one line for each mistake.
        """
        if self.mistakes:
            raise PipelineConfigError("\n".join(self.mistakes))

    def _line(self, where: str, what: str) -> str:
        place = f" ({self.place})" if self.place is not None else ""
        return f'stage "{self.stage}"{f", {where}" if where else ""}: {what}{place}'
