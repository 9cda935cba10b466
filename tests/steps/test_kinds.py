from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pydantic
import pytest

from pypedream.steps import Chain, Step
from pypedream.steps.backends import Cached


class Stretch(Step):
    factor: float = 2.0

    def _run(self, value: float) -> float:
        return value * self.factor


class Outer(Step):
    inner: Step
    rates: tuple[float, ...] = ()

    def _run(self, value: float) -> float:
        return float(self.inner.run(value))


class Holder(pydantic.BaseModel):
    step: Step
    more: dict[str, Step] = {}


def in_module(name: str) -> type[Step]:
    """A class of a module that has just this class."""
    module = ModuleType(name)
    source = "class Twin(Step):\n    def _run(self):\n        return __name__\n"
    vars(module)["Step"] = Step
    exec(source, vars(module))
    kind: type[Step] = vars(module)["Twin"]
    return kind


def test_a_configuration_is_written_with_the_class_and_every_field():
    """Fields of a class that is derived from the declared one, too."""
    holder = Holder(step=Outer(inner=Stretch(factor=3)), more={"a": Stretch()})

    assert holder.model_dump(mode="json") == {
        "step": {
            "type": "Outer",
            "infra": None,
            "inner": {"type": "Stretch", "infra": None, "factor": 3.0},
            "rates": [],
        },
        "more": {"a": {"type": "Stretch", "infra": None, "factor": 2.0}},
    }


def test_what_is_left_out_of_a_configuration_is_left_out_within_it():
    """The class is said in any case, as it is not known otherwise."""
    holder = Holder(step=[Stretch(factor=3), Stretch()])

    assert holder.model_dump(exclude_defaults=True) == {
        "step": {
            "type": "Chain",
            "steps": [{"type": "Stretch", "factor": 3.0}, {"type": "Stretch"}],
        }
    }
    assert Stretch(factor=3).model_dump(include={"factor"}) == {"type": "Stretch", "factor": 3.0}


@pytest.mark.parametrize(
    "step",
    [
        Stretch(factor=1.5),
        Outer(inner=Stretch(), rates=(1, 2)),
        Chain(steps=[Stretch(), Chain(steps={"a": Stretch(factor=3)})]),
        Stretch(infra={"backend": "Cached", "folder": "results", "mode": "retry"}),
    ],
    ids=["plain", "nested", "chain", "infra"],
)
def test_a_configuration_goes_through_json_and_back(step):
    """Without a loss."""
    holder = Holder(step=step)

    again = Holder.model_validate_json(holder.model_dump_json())

    assert again.step == step
    assert type(again.step) is type(step)
    assert json.loads(again.model_dump_json()) == holder.model_dump(mode="json")


def test_a_step_can_be_made_from_any_class_that_it_is_derived_from():
    """By the name of its class."""
    assert Step(type="Stretch", factor=3) == Stretch(factor=3)
    assert Step.model_validate({"type": "Stretch"}) == Stretch()
    assert Stretch(type="Stretch") == Stretch()


@pytest.mark.parametrize(
    "given, said",
    [
        ({"type": "Stretc"}, 'no Step is called "Stretc"; did you mean "Stretch"'),
        ({"factor": 3}, 'a Step needs "type", the name of its class: there are'),
        ({"type": 3}, "'type' must be the name of a class, not 3"),
        ({"type": "Stretch", "facter": 3}, 'Stretch has no field "facter"; did you mean "factor"'),
        ({"type": "Stretch", "infra": {"backend": "Cache"}}, 'did you mean "Cached"'),
        ({"type": "Stretch", "infra": {"backend": "Cached", "mod": 1}}, 'did you mean "mode"'),
        (
            {"type": "Stretch", "infra": {"backend": "Slurm", "gpus": 1}},
            'Slurm has no field "gpus"; did you mean "gpus_per_node"',
        ),
    ],
    ids=["class", "no class", "number", "field", "backend", "field of a backend", "start of one"],
)
def test_a_mistake_in_a_configuration_names_the_nearest(given, said):
    """Of class, field and backend."""
    with pytest.raises(pydantic.ValidationError, match=said):
        Holder(step=given)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"type": "Stretch", "infra": "kept/here"}, 'say infra={"folder": "kept/here"}'),
        ({"type": "Stretch", "infra": Path("kept")}, 'say infra={"folder": "kept"}'),
        ({"type": "Stretch", "infra": Cached}, "Cached is a class: write Cached(...)"),
        (Stretch, "Stretch is a class: write Stretch(...)"),
        ([Stretch], "Stretch is a class: write Stretch(...)"),
        ([len], "len is no step: write Func(function=len)"),
        (["Stretch"], '"Stretch" is no step: write {"type": "Stretch"}, or the step itself'),
        ("Stretch", '"Stretch" is no step: write {"type": "Stretch"}, or the step itself'),
    ],
    ids=["text", "path", "backend", "step", "step in a list", "function", "name", "name alone"],
)
def test_what_is_nearly_a_configuration_says_what_to_write(given, said):
    """A folder alone, a class or a function."""
    with pytest.raises(pydantic.ValidationError, match=re.escape(said)):
        Holder(step=given)


@pytest.mark.parametrize(
    "given, said",
    [
        ([Stretch()], "a list of steps is a Chain, and here is wanted: Stretch(...)"),
        ({"facto": Stretch()}, 'Stretch has no field "facto"; did you mean "factor"'),
    ],
    ids=["list", "mapping"],
)
def test_where_one_class_is_wanted_no_chain_is_made(given, said):
    """A field that is misspelt is no name of a step in a chain."""
    with pytest.raises(pydantic.ValidationError, match=re.escape(said)):
        Stretch.model_validate(given)


def test_fields_are_given_by_name():
    """A value without one is not guessed at."""

    class Own(Step):
        def __init__(self, rate):
            self.rate = rate

        def _run(self):
            return self.rate

    with pytest.raises(
        TypeError, match=r"Stretch takes its fields by name: Stretch\(factor=...\)$"
    ):
        Stretch(3.0)
    with pytest.raises(TypeError, match="are declared in the class, as rate: float, and not in"):
        Own(3)


def test_all_mistakes_are_told_at_once():
    """Each with its place."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Chain(steps=[{"type": "Stretc"}, {"type": "Stretch", "factor": "x", "facter": 1}])

    places = [line["loc"] for line in caught.value.errors()]
    assert places == [
        ("steps", "list", 0),
        ("steps", "list", 1, "factor"),
        ("steps", "list", 1, "facter"),
    ]


def test_classes_of_one_name_are_told_apart_by_their_modules():
    """A name that two modules have stands for none of them."""
    first, second = in_module("steps_one"), in_module("steps_two")

    with pytest.raises(
        pydantic.ValidationError, match=r'write "steps_one\.Twin" and "steps_two\.Twin"'
    ):
        Step.model_validate({"type": "Twin"})
    assert type(Step.model_validate({"type": "steps_two.Twin"})) is second
    assert first().model_dump()["type"] == "steps_one.Twin"
    assert Step.model_validate(first().model_dump()) == first()


def test_a_class_that_is_defined_anew_takes_the_place_of_the_old_one():
    """As it happens in a notebook."""
    in_module("steps_three")
    second = in_module("steps_three")

    assert type(Step.model_validate({"type": "steps_three.Twin"})) is second


def test_the_steps_of_the_library_are_known_without_an_import():
    """As a program that reads its steps from a file does not name them."""
    program = (
        "from pypedream.steps import Step\n"
        "step = Step.model_validate([{'type': 'Func', 'function': 'math.sqrt'}])\n"
        "print(step.run(4.0))"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert ran.stdout.split() == [b"2.0"]


def test_a_module_that_cannot_be_imported_is_told(tmp_path, monkeypatch):
    """And not that there is no such step, whatever others are called."""

    class Later(Step):
        def _run(self):
            return 1

    (tmp_path / "broken_steps.py").write_text("import no_such_thing")
    monkeypatch.syspath_prepend(tmp_path)

    said = '"broken_steps" cannot be imported: No module named .no_such_thing'
    with pytest.raises(pydantic.ValidationError, match=said):
        Step.model_validate({"type": "broken_steps.Late"})


def test_a_keyword_of_a_class_that_is_misspelt_is_told():
    """Or else the results would not be those of a version."""
    with pytest.raises(TypeError, match='keyword "versoin"; did you mean "version"'):

        class Pinned(Step, versoin="1"):
            def _run(self):
                return 1


def test_a_name_with_its_module_is_imported(tmp_path, monkeypatch):
    """So a file of configurations needs no imports before it."""
    code = "from pypedream.steps import Step\nclass Late(Step):\n    def _run(self): return 1\n"
    (tmp_path / "late_steps.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)

    assert Step.model_validate({"type": "late_steps.Late"}).run() == 1


def test_a_family_of_classes_may_have_another_key():
    """The classes derived from it have it as well."""

    class Model(Step, discriminator_key="name"):
        def _run(self):
            return "model"

    class Forest(Model):
        trees: int = 10

    class Fit(pydantic.BaseModel):
        model: Model

    fit = Fit(model={"name": "Forest", "trees": 3})

    assert fit.model == Forest(trees=3)
    assert fit.model_dump()["model"] == {"name": "Forest", "infra": None, "trees": 3}


def test_a_field_cannot_have_the_name_of_the_key():
    """It could not be told from it in a configuration."""
    with pytest.raises(TypeError, match='Named cannot have a field "type"'):

        class Named(Step):
            type: str = ""

            def _run(self):
                return 1


def test_a_class_that_is_there_to_be_derived_from_asks_for_the_name_of_another():
    """By its own key, also if it was given another one."""

    class Shape(Step, discriminator_key="name"):
        pass

    class Round(Shape):
        def _run(self):
            return "round"

    assert Shape.model_validate({"name": "Round"}) == Round()
    with pytest.raises(pydantic.ValidationError, match=r'a Shape needs "name", .*only Round'):
        Shape.model_validate({"type": "Round"})
