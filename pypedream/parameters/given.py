"""What a pipeline is given as its parameters and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from pypedream.errors import DefinitionError
from pypedream.parameters.annotations import is_config_class
from pypedream.parameters.groups import Group
from pypedream.parameters.table import Parameters
from pypedream.parameters.variables import Variables
from pypedream.places import calling_place
from pypedream.values import written

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from attrs import AttrsInstance


class ModelInstance(Protocol):
    """An instance of a pydantic model, as far as type checkers need to know."""

    __pydantic_decorators__: ClassVar[Any]


Settings: TypeAlias = "type | AttrsInstance | DataclassInstance | ModelInstance"
"""A class whose fields are parameters, or an instance whose values are their defaults."""


def as_parameters(parameters: Parameters | Settings | None) -> Parameters:
    """Return *parameters*, or those that a class or an instance of it describes.

    Raises
    ------
    DefinitionError
        If it is neither.
    """
    if parameters is None:
        return Parameters(Group({}))
    if isinstance(parameters, Parameters):
        return parameters
    if isinstance(parameters, type) or is_config_class(type(parameters)):
        return Parameters.from_class(parameters)
    raise DefinitionError(
        f"parameters={written(parameters)} is not Parameters: write Parameters.define(...), or give"
        f" an attrs class, a dataclass or a pydantic model ({calling_place()})"
    )


def as_variables(variables: Variables | None) -> Variables:
    """Return *variables*, or none at all.

    Raises
    ------
    DefinitionError
        If it is something else.
    """
    if variables is None:
        return Variables.define()
    if isinstance(variables, Variables):
        return variables
    raise DefinitionError(
        f"variables={written(variables)} is not Variables: write Variables.define(...)"
        f" ({calling_place()})"
    )
