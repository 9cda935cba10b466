from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pydantic
import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from pypedream.steps import Chain, Func, Step


class Sized(Step):
    def _run(self, value: float) -> float:
        return value * self.size  # type: ignore[attr-defined, no-any-return]


class ByAlias(Sized):
    size: float = Field(1.0, alias="modelSize")


class ByOtherAlias(Sized):
    size: float = Field(1.0, validation_alias="modelSize", serialization_alias="out")


class ByChoices(Sized):
    size: float = Field(1.0, validation_alias=AliasChoices("modelSize", "ms"))


class ByPath(Sized):
    size: float = Field(1.0, validation_alias=AliasPath("model", "size"))


class ByGenerator(Sized):
    model_config = ConfigDict(alias_generator=str.upper)
    size: float = 1.0


class WrittenByAlias(Sized):
    model_config = ConfigDict(serialize_by_alias=True)
    size: float = Field(1.0, alias="modelSize")


class Frozen(Sized):
    model_config = ConfigDict(frozen=True)
    size: float = Field(1.0, alias="modelSize")


class Settings(BaseModel):
    rate: float = Field(1.0, alias="learningRate")


class MoreSettings(Settings):
    model_config = ConfigDict(frozen=True)
    depth: int = 0


@dataclass
class Options:
    names: list[str]
    depth: int = 0


class Configured(Step):
    settings: Settings = Settings()
    options: Options | None = None
    sizes: tuple[int, ...] = ()
    last: Any = None
    apart: float = Field(1.0, exclude=True)
    every: timedelta = timedelta(1)

    @pydantic.computed_field
    def twice(self) -> float:
        return self.apart * 2

    @pydantic.field_serializer("every")
    def _told(self, every: timedelta) -> str:
        return f"each {every.days} days"

    def _run(self, value: float) -> float:
        return value


WITH_ALIASES = [ByAlias, ByOtherAlias, ByChoices, ByPath, ByGenerator, WrittenByAlias, Frozen]


@pytest.mark.parametrize("kind", WITH_ALIASES)
def test_a_step_with_an_alias_is_like_any_other(kind: type[Any], tmp_path):
    """It is made, cloned, copied, written, read and kept by the name of the field as well."""
    given = {"model": {"size": 2}, "modelSize": 2, "SIZE": 2}
    key = {ByPath: "model", ByGenerator: "SIZE"}.get(kind, "modelSize")
    step = kind(**{key: given[key]}, infra={"folder": tmp_path})

    result = step.run(3)

    assert (result, step.clone(size=5).size, step.model_copy(update={"size": 5}).size) == (6, 5, 5)
    assert step.clone() == step == kind(size=2, infra={"folder": tmp_path})
    assert step.clone().lookup(3).cached()
    assert not step.clone(size=5).lookup(3).cached()
    assert kind.model_validate(step.model_dump()) == step
    assert kind.model_validate_json(step.model_dump_json()) == step
    assert "size: 2.0\n" in (step.lookup(3).paths.step_folder / "uid.yaml").read_text("utf-8")


def test_a_field_may_be_meant_by_its_alias_in_a_path():
    """As in what it is cloned from."""
    chain = Chain(steps=[ByAlias(), ByChoices(), ByGenerator()])

    again = chain.clone({"steps.0.modelSize": 2, "steps.1.ms": 3, "steps.2.size": 4})

    assert again.run(1) == 24
    assert ByAlias(size=2).clone(modelSize=5).size == 5


@pytest.mark.parametrize(
    "mistake, said",
    [
        (lambda: ByAlias(modelsiz=2), 'no field "modelsiz"; did you mean "modelSize"'),
        (lambda: ByAlias(size=1, modelSize=2), 'ByAlias gets its field "size" as "modelSize"'),
        (lambda: ByPath(size=1, model={"size": 2}), 'ByPath gets its field "size" by its alias'),
        (lambda: setattr(ByAlias(), "modelSize", 2), '"modelSize": it is set as "size"'),
        (lambda: ByAlias().model_copy(update={"modelSize": 2}), 'it is set as "size"'),
        (lambda: ByAlias().clone(modelsiz=2), 'did you mean "modelSize"'),
    ],
    ids=["near", "twice", "twice by a path", "set", "copied", "cloned"],
)
def test_a_mistake_about_an_alias_is_told(mistake, said):
    """With the name that is right there."""
    with pytest.raises(ValueError, match=said):
        mistake()


def test_an_alias_is_no_other_name_of_something_else():
    """Since a field may be given by its name, too: the one would be taken for the other."""
    with pytest.raises(TypeError, match='"other" as an alias of its field "size": another field'):

        class Swapped(Sized):
            size: float = Field(1.0, alias="other")
            other: float = 2.0

    with pytest.raises(TypeError, match='Kinded cannot have an alias "type": that key says which'):

        class Kinded(Sized):
            size: float = Field(1.0, alias="type")


def test_a_clone_has_what_is_not_written_or_is_written_otherwise():
    """A model keeps its class, a field that no file holds its value; nothing is shared."""
    step = Configured(
        settings=MoreSettings(learningRate=2, depth=3),
        options=Options(["a"]),
        last=deque([1]),
        apart=5.0,
        every=timedelta(7),
    )

    again = step.clone()

    assert again == step
    assert type(again.settings) is MoreSettings
    assert again.settings is not step.settings
    assert again.options is not step.options
    assert again.last is not step.last


def test_a_path_leads_into_models_dataclasses_and_tuples():
    """Models by their aliases, too; each is validated as its class wants it."""
    given = {"settings": MoreSettings(learningRate=2, depth=3), "options": Options(["a"])}
    step = Configured(**given, sizes=(1, 2))

    again = step.clone({"settings.rate": "4", "options.names.0": "b", "sizes.-1": 5})

    assert again.settings == MoreSettings(learningRate=4, depth=3)
    assert (again.options, again.sizes) == (Options(["b"]), (1, 5))
    assert step.clone({"settings.learningRate": 6}).settings.rate == 6
    assert (step.settings.rate, step.options, step.sizes) == (2, Options(["a"]), (1, 2))
    with pytest.raises(ValueError, match="valid number"):
        step.clone({"settings.rate": "much"})
    with pytest.raises(ValueError, match=r'no "-3" on the way to "sizes\.-3"'):
        step.clone({"sizes.-3": 5})


def test_a_function_without_a_name_is_cloned_with_its_step():
    """Though no file can hold it."""
    assert Func(function=lambda value, by=2: value * by).clone(by=3).run(2) == 6


def test_a_chain_that_contains_itself_is_not_cloned():
    """It would have no end."""
    chain = Chain(steps=[ByAlias()])
    chain.steps.append(chain)  # type: ignore[union-attr, arg-type]

    with pytest.raises(ValueError, match="Chain contains itself: it cannot be cloned"):
        chain.clone()
