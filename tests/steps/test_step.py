from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest
from pydantic import Field, ValidationError, field_validator, model_validator

from pypedream.errors import StepError, StoreError
from pypedream.steps import Chain, NoValue, Step
from pypedream.steps.backends import Backend, Cached


class Times(Step):
    factor: float = 2.0

    def _run(self, value: float) -> float:
        return value * self.factor


class Stack(Step):
    extra: tuple[Step, ...] = ()

    def _run(self, value: float) -> float:
        return value + 1

    def _resolve_step(self) -> Step:
        if not self.extra:
            return self
        return Chain(steps=[self.model_copy(update={"extra": ()}), *self.extra])


def test_a_step_says_what_it_computes():
    """Or it is refused when it is made; an old name of the method names the new one."""

    class Nothing(Step):
        pass

    with pytest.raises(TypeError, match="Nothing computes nothing: write a method _run"):
        Nothing()

    class Bare(Step):
        def run(self, value):
            return value

    with pytest.raises(TypeError, match="Bare has a method run: its name is _run"):
        Bare()
    with pytest.raises(TypeError, match="Old has a method _forward: its name is _run"):

        class Old(Step):
            def _forward(self):
                return 1


@pytest.mark.parametrize(
    "name, right",
    [
        ("_run_bach", "_run_batch"),
        ("run_batch", "_run_batch"),
        ("_exclude_from_cls_uids", "_exclude_from_cls_uid"),
        ("item_uuid", "item_uid"),
        ("_resolve_steps", "_resolve_step"),
    ],
)
def test_a_method_that_nobody_would_call_is_refused(name, right):
    """What a step may say has one name; a helper is no such thing, nor beside the right one."""
    with pytest.raises(TypeError, match=f'Bad has a method "{name}"; did you mean "{right}"'):
        type("Bad", (Step,), {name: lambda *_: None, "__module__": __name__})

    type("Good", (Step,), {name: lambda *_: None, right: lambda *_: None, "__module__": __name__})
    type("Fine", (Step,), {"_run_one": lambda *_: None, "__module__": __name__})


@pytest.mark.filterwarnings("ignore:Field name")  # pydantic says it, too
@pytest.mark.parametrize(
    "name, value",
    [("run", 1), ("lookup", 1), ("_exclude_from_cls_uid", ["rate"]), ("_run", 1)],
)
def test_what_bears_the_name_of_a_method_is_one(name, value):
    """A field, or a list, would stand where the method of all steps is looked for."""
    body = {name: value, "__annotations__": {name: Any}, "_run_batch": lambda self, them: them}

    with pytest.raises(
        TypeError, match=rf"^Bad\.{name} is no method, as in other steps: rename it"
    ):
        type("Bad", (Step,), {**body, "__module__": __name__})


@pytest.mark.parametrize(
    "run, said",
    [
        (property(lambda self: 1), "is a property: make it a method"),
        (lambda: 1, r"takes nothing, not even itself: write _run\(self\)"),
        (lambda self, *, value: value, "takes value by its name alone, and no step is called so"),
    ],
    ids=["property", "no self", "by name"],
)
def test_what_computes_a_value_can_be_called_with_one(run, said):
    """Otherwise the class is refused, and not its first run."""
    with pytest.raises(TypeError, match=rf"^Bad\._run {said}"):
        type("Bad", (Step,), {"_run": run, "__module__": __name__})


class Source(Step):
    def _run(self):
        return 1


class Needs(Step):
    def _run(self, value):
        return len(value)


@pytest.mark.parametrize(
    "ask, text",
    [
        (lambda: Needs().run(), r"Needs\(\) needs an input: run\(value\)"),
        (lambda: Source().run(2), r"Source\(\) takes no input: run it without one, or first in a"),
        (lambda: Chain(steps=[Needs(), Source()]).run([2]), r"Source\(\) takes no input"),
        (lambda: Needs().run(2), "has no len"),
        (lambda: Needs().run_many(2), r"run_many takes many inputs, as a list; run\(2\) takes one"),
        (lambda: Needs().run_many("ab"), r"many inputs, as a list; run\('ab'\) takes one"),
    ],
)
def test_an_input_too_many_or_too_few_is_told(ask, text):
    """A TypeError of the step's own stays what it is."""
    with pytest.raises(TypeError, match=text):
        ask()


def test_a_step_that_takes_what_no_step_gets_is_refused():
    """When its class is defined: two inputs, or somebody who awaits it."""
    with pytest.raises(TypeError, match=r"Two\._run takes 2 inputs, a and b, .* make the others"):

        class Two(Step):
            def _run(self, a, b):
                return a + b

    with pytest.raises(TypeError, match=r"Late\._run is async, .*make it a def"):

        class Late(Step):
            async def _run(self, value):
                return value


def test_a_step_that_calls_itself_for_ever_is_noted_once():
    """Not once for each call."""

    class Deep(Step):
        def _run(self, value):
            return self.run(value)

    with pytest.raises(RecursionError) as caught:
        Deep().run(1)

    assert caught.value.__notes__ == ["in Deep()"]


def test_there_is_one_object_for_no_value():
    """In copies and other processes, too; it is no input that anybody could mean."""
    nothing = NoValue()

    assert pickle.loads(pickle.dumps(nothing)) is nothing
    assert copy.deepcopy([nothing])[0] is nothing
    assert not nothing
    assert repr(nothing) == "NoValue()"


def test_a_step_stands_for_others_where_it_says_so(tmp_path):
    """What it keeps is under what it stands for."""
    stack = Stack(extra=[Times(), Times(factor=10)], infra={"folder": tmp_path})

    assert stack.run(1) == 40
    assert Stack(infra={"folder": tmp_path}).lookup(1).result() == 2
    assert Stack().run(1) == 2


def test_steps_that_a_step_stands_for_have_its_folder(tmp_path):
    """As those of a chain have that of the chain."""
    stack = Stack(extra=[Times(infra={})], infra={"folder": tmp_path})

    assert stack.run(1) == 4
    assert (
        Chain(steps=[Stack(infra={}), Times(infra={})], infra={"folder": tmp_path})
        .lookup(1)
        .cached()
    )


class Composed(Step):
    stands_for: Any = None

    def _resolve_step(self) -> Any:
        return Composed() if self.stands_for is None else self.stands_for


@pytest.mark.parametrize(
    "stands_for, said",
    [
        (None, r"Composed\._resolve_step never ends: return self"),
        ([Times()], r"Composed\._resolve_step returned .* which is no step: return self"),
        ("Times", r"Composed\._resolve_step returned 'Times', which is no step"),
    ],
    ids=["itself again", "list", "name"],
)
def test_a_step_that_stands_for_no_step_is_told(stands_for, said):
    """Before anything is computed."""
    with pytest.raises(StepError, match=said):
        Composed(stands_for=stands_for).run(1)


class Ahead(Times):
    def _resolve_step(self) -> Step:
        return Chain(steps=[Times(), self])


class Deeper(Step):
    def _resolve_step(self) -> Step:
        return Chain(steps=[Deeper()])


@pytest.mark.parametrize("kind", [Ahead, Deeper], ids=["itself", "another one each time"])
def test_a_step_that_stands_for_a_chain_with_itself_is_told(kind):
    """As one that stands for itself alone."""
    with pytest.raises(StepError, match=rf"{kind.__name__}\._resolve_step never ends: return self"):
        kind().run(1)


class Silent:
    def __repr__(self) -> str:
        raise OSError("no text")

    def __pypedream_hash__(self) -> str:
        return "silent"


class Fails(Step):
    about: Any

    def _run(self, value: Any) -> Any:
        raise LookupError(type(value).__name__)


@pytest.mark.parametrize("backend", [None, "Cached", "ThreadPool"])
def test_a_field_that_cannot_be_shown_hides_no_error(tmp_path, backend):
    """What is told of the step leaves it out."""
    infra = backend and {"backend": backend, "folder": tmp_path}

    with pytest.raises(LookupError, match="int") as caught:
        Fails(about=Silent(), infra=infra).run(1)

    assert caught.value.__notes__ == ["in Fails(about=<Silent object (its repr failed)>)"]


def test_a_folder_is_one_of_this_machine(monkeypatch, tmp_path):
    """A URL would be the name of a folder here, and "~" as well."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    with pytest.raises(ValidationError, match="s3:// begins a URL: mount what it names"):
        Times(infra={"folder": "s3://bucket/kept"})

    with pytest.raises(ValidationError, match="a folder without a name: write"):
        Times(infra={"folder": ""})

    assert Cached(folder="~/kept").folder == tmp_path / "kept"
    assert str(Cached(folder="C:/kept").folder)


def test_what_is_assigned_to_a_field_is_what_could_be_given(tmp_path):
    """And refused with the same words."""
    step = Times()
    step.infra = {"folder": str(tmp_path)}
    step.factor = "3"

    assert (step.run(2.0), step.lookup(2.0).status) == (6.0, "success")
    with pytest.raises(ValidationError, match='no Backend is called "Cashed"; did you mean'):
        step.infra = "Cashed"
    with pytest.raises(ValidationError, match="should be 'cached', 'force'"):
        step.infra.mode = "forced"
    with pytest.raises(ValidationError, match='Times has no field "facter"; did you mean'):
        step.facter = 3.0


class Frozen(Times, frozen=True):
    pass


class Span(Step):
    low: int = 0
    high: int = 1
    text: str = "a,b"

    @field_validator("text", mode="before")
    @classmethod
    def _joined(cls, text: Any) -> Any:
        return "".join(text.split(",")) + "!"

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if not self.low < self.high:
            raise ValueError("low must be lower than high")
        return self

    def _run(self) -> int:
        return self.high - self.low


@pytest.mark.parametrize("kind", [Times, Frozen])
@pytest.mark.parametrize("deep", [False, True], ids=["flat", "deep"])
def test_a_copy_has_values_that_could_be_given(kind, deep, tmp_path):
    """And refuses others with the same words; what it is copied from stays."""
    step = kind()

    copied = step.model_copy(update={"factor": "3", "infra": {"folder": tmp_path}}, deep=deep)

    assert (copied, copied.run(2.0)) == (kind(factor=3.0, infra={"folder": tmp_path}), 6.0)
    assert step == kind()
    assert copied.infra.model_copy(update={"mode": "force-forward"}).mode == "force"
    with pytest.raises(ValidationError, match=f'{kind.__name__} has no field "facter"; did you'):
        step.model_copy(update={"facter": 3.0}, deep=deep)
    with pytest.raises(ValidationError, match="should be a valid number"):
        step.model_copy(update={"factor": "three"}, deep=deep)


class Fixed(Span):
    high: int = Field(1, frozen=True)


@pytest.mark.parametrize("kind", [Span, Fixed])
def test_a_copy_with_several_values_is_judged_by_all_of_them(kind):
    """Whatever their order; a value that stays is what it was."""
    step = kind().model_copy(update={"low": -5})

    assert step.model_copy(update={"low": 8, "high": 9}).run() == 1
    with pytest.raises(ValidationError, match="low must be lower"):
        step.model_copy(update={"low": 9, "high": 9})
    assert step.model_copy(update={"low": 8, "high": 9}).text == "a,b"


def test_what_breaks_a_rule_of_several_fields_is_not_assigned():
    """The step is what it was."""
    step = Span()

    with pytest.raises(ValidationError, match="low must be lower"):
        step.low = 1

    assert (step, step.model_fields_set) == (Span(), set())


def test_an_old_name_of_a_mode_is_known():
    """What it did, force does now."""
    assert Cached(mode="force-forward") == Cached(mode="force")
    with pytest.raises(ValidationError, match="should be 'cached', 'force', 'read-only' or"):
        Cached(mode="forced")


def test_keeping_needs_a_folder():
    """Which may be that of a chain around it."""
    with pytest.raises(StepError, match="Times has infra=Cached without a folder: say infra="):
        Times(infra={"backend": "Cached"}).run(1)


def test_a_step_can_be_sent():
    """With its infra; what is kept in memory stays where it is."""
    step = Times(factor=3, infra={"folder": "x", "keep_in_ram": True})

    assert pickle.loads(pickle.dumps(step)) == step
    assert copy.deepcopy(step) == step


def test_a_clone_has_other_values(tmp_path):
    """Also of steps further in, by a path; what it is cloned from stays."""
    chain = Chain(steps={"a": Times(), "b": Chain(steps=[Times()])}, infra={"folder": tmp_path})

    again = chain.clone({"steps.a.factor": 3, "steps.b.steps.0.factor": 5, "infra.mode": "force"})

    assert again.run(1) == 15
    assert again.infra.mode == "force"
    assert chain.run(1) == 4
    assert Times().clone(factor=7, **{"infra.folder": "x"}).infra == Cached(folder="x")


@pytest.mark.parametrize(
    "given, error, said",
    [
        (({"factor": 1}, {}), TypeError, "one mapping"),
        ((3,), TypeError, "a mapping of fields to values, not 3"),
        (({3: 1},), TypeError, 'names of fields, or paths such as "infra.mode", not 3'),
        (({"factors": 1},), ValueError, 'did you mean "factor"'),
        (
            ({"steps.3.factor": 1},),
            ValueError,
            'there is no "steps" on the way to "steps.3.factor"; there are type, infra, factor',
        ),
        (({"infr.folder": "x"},), ValueError, 'no "infr" on the way .*; did you mean "infra"'),
        (({"factor": "x"},), ValueError, "valid number"),
    ],
    ids=["two", "no mapping", "number", "name", "path", "start of a path", "value"],
)
def test_a_mistake_in_a_clone_is_told(given, error, said):
    """Like one in a configuration."""
    with pytest.raises(error, match=said):
        Times().clone(*given)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """With the step that has it."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"Times cannot keep results in .*file, the folder of its"):
        Times(infra={"folder": tmp_path / "file"}).run(1)


def test_the_name_of_a_backend_is_enough(tmp_path):
    """Where all else is as it is without saying so."""
    step = Times(infra="Cached")

    assert step.infra == Cached()
    assert Chain(steps=[step], infra={"folder": tmp_path}).run(1) == 2
    with pytest.raises(ValueError, match='no Backend is called "Cachd"; did you mean "Cached"'):
        Times(infra="Cachd")


def test_a_backend_can_be_derived_from_another():
    """With what both have."""
    backend = Cached(folder="x", mode="retry")

    derived = backend.derive("Cached", keep_in_ram=True)

    assert derived == Cached(folder="x", mode="retry", keep_in_ram=True)
    with pytest.raises(ValueError, match='did you mean "Cached"'):
        backend.derive("Cache")


def test_a_backend_needs_a_way_to_compute(tmp_path):
    """Which is one method."""

    class Idle(Backend):
        pass

    with pytest.raises(NotImplementedError):
        Times(infra=Idle(folder=tmp_path)).run(1)


def test_what_is_in_memory_is_never_older_than_what_is_kept(tmp_path):
    """Another object that computes it again is seen."""
    results = iter([[1], [2]])

    class Next(Step, version="1"):
        def _run(self) -> Any:
            return next(results)

    def step(mode: str = "cached") -> Step:
        return Next(infra={"folder": tmp_path, "keep_in_ram": True, "mode": mode})

    reader = step()
    assert [reader.run(), reader.run(), reader.run()] == [[1], [1], [1]]
    step("force").run()

    assert reader.run() == [2]


def test_importing_steps_loads_nothing_heavy():
    """And without pydantic it says how to get it."""
    code = (
        "import sys, pypedream.steps as steps\n"
        "assert not {'pydantic', 'sqlite3'} & set(sys.modules)\n"
        "sys.modules['pydantic'] = None\n"
        "try: steps.Step\n"
        "except ImportError as error: print(error)\n"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout == (
        'pypedream.steps needs pydantic: pip install "pypedream[steps]"  or  conda install -c'
        " conda-forge pydantic\n"
    )
