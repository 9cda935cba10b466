from __future__ import annotations

import pickle
from dataclasses import InitVar, dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import attrs
import pytest

from pypedream.errors import DefinitionError, ParameterError, UndefinedParameterException
from pypedream.parameters import Parameter, Parameters, Secret


class Colour(Enum):
    RED = 1
    BLUE = 2


@attrs.define
class Model:
    depth: Annotated[int, Parameter(min=1, max=20, help="levels")] = 3
    rate: float = attrs.field(default=0.1, metadata={"min": 0, "help": "learning rate"})
    sizes: list[int] = attrs.field(factory=list)


@dataclass
class Settings:
    source: Path
    token: Secret[str]
    model: Model = field(default_factory=Model)
    second: Model = field(default_factory=lambda: Model(depth=7))
    kind: Literal["fast", "slow"] = "fast"
    colour: Colour = Colour.RED
    last_day: date | None = None
    pin: int = field(default=1234, metadata={"secret": True, "env": "PIN"})
    size: ClassVar[int] = 3


@attrs.frozen
class Deep:
    model: Model
    name: str


@attrs.define
class Span:
    first: int = 1958
    last: int = 2026

    def __attrs_post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError("the first year is after the last")


@dataclass
class Outer:
    span: Span = field(default_factory=Span)
    name: str = "a"

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ValueError("bad is no name")


@attrs.define
class Converted:
    _count: int = attrs.field(default="3", converter=int, validator=attrs.validators.ge(1))
    day: date = attrs.field(
        default="2026-01-31", converter=lambda day: date.fromisoformat(str(day))
    )
    twice: int = attrs.field(init=False, default=0)
    double: int = attrs.field()

    @double.default
    def _double(self) -> int:
        return 2 * self._count


@dataclass
class Unresolved:
    depth: int
    missing: Nowhere  # type: ignore[name-defined]  # noqa: F821


@dataclass
class InitOnly:
    seed: InitVar[int]


@dataclass
class Contradiction:
    depth: Annotated[int, Parameter(max=2)] = 3


@dataclass
class Either:
    a: str = ""
    b: str = ""
    c: str = ""

    def __post_init__(self) -> None:
        if not self.a and not self.b:
            raise ValueError("give a or b")


@pytest.fixture
def settings() -> Parameters:
    return Parameters.from_class(Settings)


@pytest.fixture
def complete(settings: Parameters) -> Parameters:
    return settings.with_values({"source": "a.csv", "token": "hunter2"}, source="run(...)")


def test_fields_are_parameters_in_order(settings: Parameters) -> None:
    """Each field is a parameter, in order; those of nested classes have dotted names."""
    assert list(settings) == [
        "source",
        "token",
        "model",
        "second",
        "kind",
        "colour",
        "last_day",
        "pin",
    ]
    assert "model.sizes" in settings.definitions


def test_field_without_default_is_required(settings: Parameters) -> None:
    """A field without default is required, also of a nested class."""
    assert settings.missing == ("source", "token")
    assert Parameters.from_class(Deep).missing == ("name",)
    assert Parameters.define(deep=Parameter(Deep)).missing == ("deep.name",)


def test_annotation_and_metadata_are_rules(settings: Parameters) -> None:
    """Annotated, the metadata of a field, Literal and Enum say what a parameter accepts."""
    definitions = settings.definitions

    assert definitions["model.depth"].rules == "int, 1 to 20"
    assert definitions["model.depth"].help == "levels"
    assert definitions["model.rate"].rules == "float, at least 0"
    assert definitions["kind"].choices == ("fast", "slow")
    assert definitions["colour"].choices == (Colour.RED, Colour.BLUE)
    assert definitions["pin"].secret
    assert definitions["pin"].env == "PIN"


def test_defaults_and_factories(settings: Parameters) -> None:
    """Defaults are those of the fields; an instance as default gives those of its parts."""
    assert settings.kind == "fast"
    assert settings["model.depth"] == 3
    assert settings["second.depth"] == 7
    assert settings.second == Model(depth=7)


def test_nested_instance(settings: Parameters) -> None:
    """A group of a class is an instance of it, made of the values."""
    changed = settings.with_values({"model.depth": 5, "model": {"rate": 0.5}}, source="x")

    assert changed.model == Model(5, 0.5)
    assert changed["model.depth"] == changed.model.depth == 5


def test_instance_sets_all_its_parts(settings: Parameters) -> None:
    """An instance given for a group sets each of its parts."""
    changed = settings.with_values({"model": Model(5, 0.5, [1])}, source="run(...)")

    assert changed.model == Model(5, 0.5, [1])
    assert changed.source("model") == "run(...)"


def test_instance_of_another_class(settings: Parameters) -> None:
    """An instance of another class is refused with the class that is wanted."""
    with pytest.raises(ParameterError, match=r'parameter "model": Span\(.* is not a Model or a'):
        settings.with_values({"model": Span()}, source="run(...)")


def test_whole_instance(complete: Parameters) -> None:
    """The whole is an instance of the class, with converted values and wrapped secrets."""
    assert complete.instance() == Settings(
        Path("a.csv"), Secret("hunter2"), second=Model(7), pin=Secret(1234)
    )


def test_whole_instance_needs_all_values(settings: Parameters) -> None:
    """Without a required value there is no instance; the message names each of them."""
    with pytest.raises(UndefinedParameterException, match=r'"source" is not set.*\n.*"token"'):
        settings.instance()


def test_fresh_instance(complete: Parameters) -> None:
    """Fresh parameters have instances and containers of their own."""
    fresh = complete.fresh()
    fresh.model.sizes.append(1)

    assert complete.model.sizes == []
    assert fresh.instance() is not complete.instance()
    assert fresh.instance().model is fresh.model


def test_text_for_typed_parameters(complete: Parameters) -> None:
    """Text is read by the annotations."""
    texts = {"colour": "BLUE", "last_day": "2026-01-31", "model.sizes": "1,2", "pin": "99"}

    changed = complete.with_text(texts, source="-p")

    assert changed.instance() == Settings(
        Path("a.csv"),
        Secret("hunter2"),
        Model(sizes=[1, 2]),
        Model(7),
        "fast",
        Colour.BLUE,
        date(2026, 1, 31),
        Secret(99),
    )


def test_validator_of_a_nested_class() -> None:
    """What a nested class refuses is a mistake of its group."""
    parameters = Parameters.from_class(Outer)

    with pytest.raises(ParameterError, match=r'^parameter "span": the first year .* \(-p\)$'):
        parameters.with_values({"span.first": 3000}, source="-p")


def test_validator_of_the_class() -> None:
    """What the class itself refuses is a mistake of the whole."""
    parameters = Parameters.from_class(Outer)

    with pytest.raises(ParameterError, match=r"^Outer: bad is no name \(-p\)$"):
        parameters.with_values({"name": "bad"}, source="-p")


def test_validator_of_attrs_names_the_field() -> None:
    """What a validator of attrs refuses is a mistake of the field that it names."""
    parameters = Parameters.from_class(Converted)

    with pytest.raises(ParameterError, match=r'^parameter "count": must be >= 1: 0 \(-p\)$'):
        parameters.with_values({"count": "0"}, source="-p")


def test_converters_have_the_last_word() -> None:
    """A converter gets the value as it is given; the parameter is what it makes of it."""
    parameters = Parameters.from_class(Converted)

    changed = parameters.with_values({"count": "5"}, source="x")
    by_text = parameters.with_text({"count": "6", "day": "2026-02-01"}, source="-p")

    assert parameters["count"] == 3
    assert changed["count"] == 5
    assert by_text["count"] == 6
    assert by_text.day == date(2026, 2, 1)
    assert changed.settings == {"count": "5"}


def test_computed_default() -> None:
    """A default that the class computes is there when the values that it needs are."""
    parameters = Parameters.from_class(Converted)

    assert list(parameters) == ["count", "day", "double"]
    assert parameters.missing == ()
    assert parameters.double == 6
    assert parameters.with_values({"count": 5}, source="x").double == 10
    assert parameters.with_values({"double": 1}, source="x").double == 1


def test_unresolved_annotation_names_the_field() -> None:
    """An annotation that cannot be resolved names class, field and reason."""
    with pytest.raises(DefinitionError, match=r"Unresolved\.missing is \"Nowhere\".*not defined"):
        Parameters.from_class(Unresolved)


@pytest.mark.parametrize(
    "cls, reason",
    [
        (int, "int is no attrs class, no dataclass and no pydantic model"),
        (InitOnly, r"InitOnly\.seed is an InitVar without a default"),
        (Contradiction, r'parameter "depth": 3 is over the maximum 2'),
    ],
    ids=["other class", "InitVar", "default"],
)
def test_class_that_cannot_be_parameters(cls: Any, reason: str) -> None:
    """A class whose fields cannot be parameters is refused when it is read."""
    with pytest.raises(DefinitionError, match=reason):
        Parameters.from_class(cls)


def test_defaults_that_the_class_refuses() -> None:
    """A class may refuse its own defaults; that is a mistake only if nobody sets others."""
    parameters = Parameters.from_class(Either)

    assert parameters.mistakes == ("Either: give a or b",)
    assert parameters.with_values({"c": "x"}, source="file").mistakes == parameters.mistakes
    assert parameters.with_values({"a": "x"}, source="run(...)").mistakes == ()
    with pytest.raises(ParameterError, match="Either: give a or b"):
        parameters.instance()


def test_parameters_of_a_class_travel(complete: Parameters) -> None:
    """Parameters of a class can be pickled, for a stage in another process."""
    there = pickle.loads(pickle.dumps(complete))

    assert there == complete
    assert there.instance() == complete.instance()
