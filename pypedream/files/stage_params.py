"""The base class of parameters that belong to one stage; it needs pydantic."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pypedream._extras import need
from pypedream.errors import DefinitionError
from pypedream.places import Place, is_library, is_ours
from pypedream.values import short

try:
    from pydantic import BaseModel, ConfigDict
except ModuleNotFoundError:
    need("pydantic", extra="steps", for_="StageParams")
    raise

if TYPE_CHECKING:
    from types import FrameType


class StageParams(BaseModel):
    """Parameters of one stage: typed, checked, fixed once they are made.

    A default may be a list, a dict or another model: pydantic copies it for each instance, so
    write ``= []`` and no ``default_factory``. A name that is no field is refused. Files are not
    parameters: write them as `Dep` and `Out`, so that their content counts.

    Raises
    ------
    DefinitionError
        When a class is derived: if a field has a factory that makes a list, dict, set or model.

    Examples
    --------
    >>> class Params(StageParams):
    ...     threshold: float = 0.5
    ...     columns: list[str] = []
    >>> Params(threshold=0.3)
    Params(threshold=0.3, columns=[])
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        mistakes = []
        for name, each in cls.model_fields.items():
            made = _made(each)
            if isinstance(made, (list, dict, set, bytearray, BaseModel)):
                mistakes.append(
                    f"{cls.__name__}.{name} has a default_factory for a mutable default: write"
                    f' "= {short(made, 40)}", which is copied for each instance'
                    f" ({_defining_place()})"
                )
        if mistakes:
            raise DefinitionError("\n".join(mistakes))


def _made(field: Any) -> Any:
    """Return what the factory of a field makes, if it makes it of nothing."""
    factory = field.default_factory
    if factory is None or getattr(field, "default_factory_takes_validated_data", False):
        return None
    return factory()


def _defining_place() -> Place | None:
    """Return where the user's class is; pydantic makes it, so its own frames are in between."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_ours(file) and not is_library(file):
            return Place(file, frame.f_lineno)
        frame = frame.f_back
    return None
