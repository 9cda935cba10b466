from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import PrivateAttr

from pypedream.errors import StepError, UnhashableInput
from pypedream.steps import Chain, Func, NoValue, Step
from pypedream.steps.no_value import NO_VALUE
from pypedream.store import code_identity

RATE = 2


class Weigh(Step):
    factor: float = 2.0
    comment: str = ""

    @classmethod
    def _exclude_from_cls_uid(cls) -> list[str]:
        return ["comment"]

    def _run(self, value: Any) -> Any:
        return value


def uid(step: Step, value: Any = NO_VALUE) -> str:
    """What stands for an input at a step that keeps its results."""
    return Chain(steps=[step], infra={"folder": "unused"}).lookup(value).uid


def defined(body: str, **names: Any) -> type[Step]:
    """A class that is defined by some lines, always under the same name."""
    scope = {"Step": Step, "__name__": "defined", **names}
    exec(f"class Model(Step):\n    {body}\n", scope)
    kind: type[Step] = scope["Model"]
    return kind


def test_fields_count_and_those_that_are_excluded_do_not():
    """Nor does the infra, or whether a value is the default."""
    assert uid(Weigh(), 1) == uid(Weigh(factor=2.0, comment="x"), 1)
    assert uid(Weigh(), 1) != uid(Weigh(factor=3), 1)
    assert uid(Weigh(), 1) == Weigh(infra={"folder": "other", "keep_in_ram": True}).lookup(1).uid


@pytest.mark.parametrize(
    "before, after",
    [
        ("def _run(self): return 1", "def _run(self): return 2"),
        ("a: int = 1\n    def _run(self): return 1", "a: int = 2\n    def _run(self): return 1"),
        ("def _run(self): return helper()", "def _run(self): return helper()  "),
    ],
    ids=["code", "default", "helper"],
)
def test_the_code_of_a_class_counts(before, after):
    """With its defaults, and the functions that it calls."""
    first, second = defined(before, helper=lambda: 1), defined(after, helper=lambda: 2)

    assert uid(first()) != uid(second())
    assert uid(first()) == uid(defined(before, helper=lambda: 1)())


def test_a_helper_that_is_defined_anew_counts_at_once():
    """Also for a class that was looked at before."""
    kind = defined("def _run(self): return helper()", helper=lambda: 1)
    before = uid(kind())

    kind._run.__globals__["helper"] = lambda: 2

    assert uid(kind()) != before


def test_a_version_stands_for_the_code():
    """Until it changes; a class that is derived has code of its own."""

    def pinned(version: str, result: int) -> type[Step]:
        scope = {"Step": Step, "__name__": "defined"}
        code = f"class Model(Step, version={version!r}):\n    def _run(self): return {result}\n"
        exec(code, scope)
        kind: type[Step] = scope["Model"]
        return kind

    class Derived(pinned("1", 1)):
        pass

    assert uid(pinned("1", 1)()) == uid(pinned("1", 2)())
    assert uid(pinned("1", 1)()) != uid(pinned("2", 1)())
    assert uid(Derived()) != uid(pinned("1", 1)())


def test_classes_of_one_name_in_two_modules_never_meet():
    """Though their code is the same."""
    body = "def _run(self): return 1"

    assert uid(defined(body)()) != uid(defined(body, __name__="elsewhere")())


def test_the_version_of_no_package_counts_for_what_every_step_has():
    """Results stay when pydantic or pypedream is upgraded."""

    class Prepares(Step):
        _ready: bool = PrivateAttr(default=False)

        def model_post_init(self, context: Any, /) -> None:
            super().model_post_init(context)
            self._ready = True

        def _run(self):
            return 1

    for kind in (Weigh, Prepares):
        parts = code_identity(kind).parts
        assert not [name for name in parts if name.startswith("package ")]
    assert any("model_post_init" in name for name in parts)


@pytest.mark.parametrize(
    "one, other",
    [
        ("", []),
        ([], {}),
        ([], ()),
        ([1, 2], (1, 2)),
        ([1, 2], {1, 2}),
        (1, 1.0),
        (1, True),
        (1, "1"),
        (None, NoValue()),
        ("a" * 5_000, "a" * 5_001),
        (np.zeros(3, "int32"), np.zeros(3, "float32")),
        (np.array([10884]), np.array([59786])),
    ],
    ids=lambda one: repr(one)[:20],
)
def test_inputs_that_differ_are_told_apart(one, other):
    """By type as well as by content."""
    assert uid(Weigh(), one) != uid(Weigh(), other)


def test_a_step_within_a_step_counts_by_the_same_rules():
    """Its code and its fields do, its infra does not."""

    class Around(Step):
        inner: Step

        def _run(self):
            return 1

    assert uid(Around(inner=Weigh())) == uid(
        Around(inner=Weigh(infra={"folder": "x"}, comment="c"))
    )
    assert uid(Around(inner=Weigh())) != uid(Around(inner=Weigh(factor=3)))
    assert uid(Around(inner=Chain(steps=[Weigh()]))) != uid(Around(inner=Weigh()))


def test_a_chain_counts_by_its_steps_alone():
    """However they are grouped or named."""
    one, two = Weigh(factor=1), Weigh(factor=3)

    assert uid(Chain(steps=[one, two]), 1) == uid(Chain(steps={"a": one, "b": two}), 1)
    assert uid(Chain(steps=[one, Chain(steps=[two])]), 1) == uid(Chain(steps=[one, two]), 1)
    assert uid(Chain(steps=[one, two]), 1) != uid(Chain(steps=[two, one]), 1)
    assert uid(Chain(steps=[one]), 1) == uid(one, 1)


def test_a_function_counts_by_its_code_and_arguments():
    """As a step of its own."""

    def add(x: int, n: int = 1) -> int:
        return x + n * RATE

    def subtract(x: int, n: int = 1) -> int:
        return x - n * RATE

    assert uid(Func(function=add), 1) != uid(Func(function=subtract), 1)
    assert uid(Func(function=add, n=2), 1) != uid(Func(function=add, n=3), 1)


def test_an_item_may_have_a_name_of_its_own():
    """A name and the same text as an input are two things."""

    class Named(Weigh):
        def item_uid(self, value: Any) -> str | None:
            return value["id"] if isinstance(value, dict) else None

    assert uid(Named(), {"id": "a", "text": 1}) == uid(Named(), {"id": "a", "text": 2})
    assert uid(Named(), {"id": "a"}) != uid(Named(), "a")


def test_what_has_no_digest_is_named():
    """By its field, or as the input, with what helps."""

    class Holds(Step):
        lock: Any = None

        def _run(self, value: Any) -> Any:
            return value

    with pytest.raises(UnhashableInput) as field:
        Holds(lock=Lock(), infra={"folder": "x"}).lookup(1)
    with pytest.raises(UnhashableInput) as item:
        Holds(infra={"folder": "x"}).lookup(Lock())

    assert "it is the field lock of Holds, which _exclude_from" in field.value.__notes__[0]
    assert "it is an input of Holds, whose item_uid may say" in item.value.__notes__[0]


def test_a_name_to_leave_out_that_is_nearly_a_field_is_refused():
    """That field would count; what is no field at all is no matter."""

    class Sees(Step):
        verbose: bool = False
        left_out: ClassVar[list[str]] = ["verbos"]

        def _exclude_from_cls_uid(self) -> list[str]:
            return self.left_out

        def _run(self, value: int) -> int:
            return value

    step = Sees(infra={"folder": "x"})
    with pytest.raises(StepError, match=r'uid names "verbos", which is no .* mean "verbose"'):
        step.lookup(1)

    Sees.left_out = ["verbose", "_model"]
    assert not step.lookup(1).cached()


@pytest.mark.parametrize(
    "names, said",
    [
        ("rate", r"""returned 'rate': return a list of names, \["rate"\]"""),
        (None, r'returned None: return a list of names, \["name"\]'),
        ([3], r"returned \{3\}: return a list of names"),
    ],
    ids=["text", "nothing", "number"],
)
def test_what_is_left_out_is_a_list_of_names(names, said):
    """The letters of a text would be names of no field."""

    class Leaves(Step):
        rate: float = 1.0

        def _exclude_from_cls_uid(self) -> Any:
            return names

        def _run(self, value: int) -> int:
            return value

    with pytest.raises(StepError, match=rf"^Leaves\._exclude_from_cls_uid {said}"):
        Leaves(infra={"folder": "x"}).lookup(1)


def test_an_item_that_is_not_there_is_named_by_a_step_that_takes_none():
    """Others would mix up its results with those of real inputs."""

    class Pure(Step):
        seed: int = 0

        @classmethod
        def _exclude_from_cls_uid(cls) -> list[str]:
            return ["seed"]

        def item_uid(self, value: Any) -> str | None:
            return f"seed {self.seed}"

        def _run(self):
            return self.seed

    class Optional(Pure):
        def _run(self, value=None):
            return self.seed

    assert uid(Pure(seed=1)) != uid(Pure(seed=2))
    assert Pure(seed=1, infra={"folder": "x"}).lookup().paths == (
        Pure(seed=2, infra={"folder": "x"}).lookup().paths
    )
    with pytest.raises(TypeError, match="results of different inputs would be mixed up"):
        uid(Optional())


class Defaults(Step):
    rate: float = 1
    rates: list[float] = [1, 2]  # noqa: RUF012 - pydantic copies it
    path: Path = "rows.csv"  # type: ignore[assignment]
    count: int = None  # type: ignore[assignment]

    def _run(self) -> str:
        return "made"


def test_a_default_is_the_same_when_it_is_said(tmp_path):
    """By hand or in a file, where a number is of the type of its field."""
    step = Defaults(infra={"folder": tmp_path})
    step.run()

    said = Defaults(rate=1, rates=[1, 2], path="rows.csv", infra={"folder": tmp_path})
    assert said.lookup().cached()
    read = Step.model_validate(step.model_dump(mode="json", exclude={"count"}))
    assert read.lookup().cached()
    assert not step.clone(rate=2, count=1).lookup().cached()
