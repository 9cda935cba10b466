"""YAML, of which only the safe part is read and written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream._extras import need
from pypedream.formats.faults import fault, reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

_BREAKS: Final = ("\x85", "\u2028", "\u2029")


@frozen
class YAML(Loader[Any, Any]):
    """One YAML document, in UTF-8: text, numbers, dates, lists and mappings, no other objects.

    Parameters
    ----------
    empty_factory
        What makes the empty value: dict or list.
    sort_keys
        Whether the keys of mappings are written in alphabetical order.
    """

    empty_factory: Callable[[], Any] = dict
    sort_keys: bool = False

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the document."""
        yaml = need("yaml", extra="yaml", for_="YAML")
        with reading(path, "YAML"), open(path, "rb") as file:
            try:
                return yaml.safe_load(file)
            except yaml.MarkedYAMLError as error:
                mark = error.problem_mark or error.context_mark
                line = mark.line + 1 if mark else None
                raise fault("is not YAML", path, "YAML", error.problem or "?", line) from error

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write *value* as one document."""
        yaml = need("yaml", extra="yaml", for_="YAML")
        with writing(path, "YAML"):
            dumper = _dumper(yaml)
            text = yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=self.sort_keys)
            replace(path, text.encode())

    def empty(self) -> Any:
        """Return what *empty_factory* makes."""
        return self.empty_factory()


@cache
def _dumper(yaml: Any) -> Any:
    """Return the safe dumper, made to quote what it would write so that it is read otherwise."""

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        pass

    def represent(dumper: Any, text: str) -> Any:
        # three rare ends of lines come back as blanks unless the text is in double quotes
        style = '"' if any(letter in text for letter in _BREAKS) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    return Dumper
