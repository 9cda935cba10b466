from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any

import pydantic
import pytest

from pypedream import Parameters, Pipeline, Stage
from pypedream.errors import StepError
from pypedream.steps import Chain, Step


class Put(Step):
    text: str = "a"

    def _run(self, value: str = "") -> str:
        return value + self.text


class Holding(Step):
    around: Any

    @cached_property
    def twice(self) -> Any:
        return self.around * 2

    def _run(self, value: str = "") -> str:
        return value


def test_a_chain_is_a_sequence_of_steps():
    """A slice of it is a chain with the same infra."""
    chain = Chain(steps=[Put(), Put(text="b"), Chain(steps=[Put(text="c")])], infra={"folder": "x"})

    assert (len(chain), chain[1], chain[-1].run()) == (3, Put(text="b"), "c")
    assert chain[1:].clone(infra=None).run() == "bc"
    assert chain[:2].infra == chain.infra


def test_steps_may_have_names():
    """By which they are asked for, and kept in slices."""
    chain = Chain(steps={"one": Put(), "two": Put(text="b")})

    assert (chain["two"], chain[0], chain.run()) == (Put(text="b"), Put(), "ab")
    assert chain[1:]["two"] == Put(text="b")
    with pytest.raises(IndexError, match="this chain has 2 steps: there is no 2"):
        chain[2]
    with pytest.raises(KeyError, match='no step "three": there are one, two'):
        chain["three"]
    with pytest.raises(TypeError, match='ask by number, not "one"'):
        Chain(steps=[Put()])["one"]


@pytest.mark.parametrize("named", [False, True], ids=["list", "names"])
def test_the_steps_of_a_chain_come_one_by_one(named):
    """As its numbers say; what pydantic makes of the fields stays."""
    one, two = Put(), Put(text="b")
    chain = Chain(steps={"steps": one, "infra": two} if named else [one, two])

    assert (list(chain), list(reversed(chain))) == ([one, two], [two, one])
    assert one in chain
    assert Put(text="c") not in chain
    assert ("infra" in chain, "one" in chain) == (named, False)
    assert {type(each) for each in chain.model_dump()["steps"]} == ({str} if named else {dict})
    assert repr(chain) == f"Chain(infra=None, steps={chain.steps!r})"


@pytest.mark.parametrize("steps", [[], {}, ()], ids=["list", "mapping", "tuple"])
def test_a_chain_needs_a_step(steps):
    """Whatever it is given as."""
    with pytest.raises(pydantic.ValidationError, match="steps cannot be empty"):
        Chain(steps=steps)


@pytest.mark.parametrize("steps", [3, "Put", None], ids=repr)
def test_what_is_no_list_of_steps_is_refused(steps):
    """In words."""
    with pytest.raises(pydantic.ValidationError, match="steps are a list of steps, or a mapping"):
        Chain(steps=steps)


def test_the_folder_of_a_chain_is_that_of_its_steps(tmp_path):
    """Of those that keep something and have none; the steps that were given stay as they are."""
    given = Put(infra={"mode": "retry"})
    other = Put(infra={"folder": tmp_path / "other"})
    plain = Put()

    chain = Chain(
        steps=[given, other, plain, Chain(steps=[given, plain])], infra={"folder": tmp_path}
    )

    folders = [step.infra and step.infra.folder for step in chain.steps]
    assert folders == [tmp_path, tmp_path / "other", None, None]
    assert chain[0].infra.mode == "retry"
    assert chain[3][0].infra.folder == tmp_path
    assert given.infra.folder is None
    assert chain[2] is plain


def test_a_chain_and_its_last_step_keep_one_result(tmp_path: Path):
    """And so do chains within chains."""
    infra = {"folder": tmp_path}
    Chain(steps=[Put(), Chain(steps=[Put(text="b"), Put(text="c", infra={})])], infra=infra).run(
        "x"
    )

    flat = Chain(steps=[Put(), Put(text="b"), Put(text="c")], infra=infra)

    assert flat.lookup("x").result() == "xabc"
    assert len(list((tmp_path / "steps").iterdir())) == 1


def test_chains_may_be_derived(tmp_path):
    """With fields and results like any other step."""

    class Named(Chain):
        title: str = ""

    chain = Named(steps=[Put()], title="x", infra={"folder": tmp_path})

    assert chain.run("y") == "ya"
    assert type(chain[:1]) is Named
    assert Chain(steps=[Put()], infra={"folder": tmp_path}).lookup("y").cached()


def test_the_first_step_of_a_chain_names_the_items_unless_the_chain_does(tmp_path):
    """A chain that is derived may have a rule of its own."""

    class Lower(Put):
        def item_uid(self, value: str) -> str:
            return value.lower()

    class Named(Chain):
        def item_uid(self, value: str) -> str:
            return value[0]

    infra = {"folder": tmp_path}

    assert list(Chain(steps=[Lower(), Put()], infra=infra).run_many(["x", "X"])) == ["xaa", "xaa"]
    assert list(Named(steps=[Lower()], infra=infra).run_many(["yes", "yet"])) == ["yesa", "yesa"]


def within_itself(**fields: Any) -> Chain:
    chain = Chain(steps=[Put(), Chain(steps={"inner": Put()})], **fields)
    chain[1].steps["inner"] = chain
    return chain


def staged(chain: Chain) -> Pipeline:
    return Pipeline("steps", Parameters.define(value="x"), {"chain": Stage(chain)})


@pytest.mark.parametrize(
    "ask",
    [
        lambda chain: chain.run("x"),
        lambda chain: list(chain.run_many(["x"])),
        lambda chain: chain.lookup("x"),
        lambda chain: staged(chain).run(),
        lambda chain: Chain(steps=[Put(), chain], infra={"folder": "x"}),
    ],
    ids=["run", "run_many", "lookup", "stage", "chain"],
)
@pytest.mark.parametrize("infra", [None, {"folder": "x"}], ids=["nothing kept", "kept"])
def test_a_chain_that_contains_itself_is_told(ask, infra):
    """With the place, before anything is computed."""
    said = r"Chain contains itself, as steps\.1\.steps\.inner: it would never end"

    with pytest.raises(StepError, match=said):
        ask(within_itself(infra=infra))


def test_a_chain_whose_first_step_it_is_itself_is_told_as_well():
    """Though its first step says what it takes."""
    chain = Chain(steps=[Put()])
    chain.steps[0] = chain

    with pytest.raises(StepError, match=r"Chain contains itself, as steps\.0"):
        chain.run("x")
    with pytest.raises(StepError, match=r"Chain contains itself, as steps\.0"):
        staged(chain).plan()


def test_a_chain_that_contains_itself_can_be_shown_and_not_written_down():
    """No text of it would end."""
    chain = within_itself()

    assert (chain.__pypedream_about__(), len(repr(chain)) < 300) == ("Put() -> ...", True)
    with pytest.raises(ValueError, match="Chain contains itself: no file can hold it"):
        chain.model_dump()


def test_chains_that_contain_themselves_are_compared():
    """In the same way they are the same chain; so are chains that are very deep."""
    chain, deep, as_deep = within_itself(), Put(), Put()
    for _ in range(1_000):
        deep, as_deep = Chain(steps=[deep]), Chain(steps=[as_deep])

    assert chain == within_itself()
    assert chain != within_itself(infra={"folder": "x"})
    assert deep == as_deep
    assert deep != Chain(steps=[as_deep])


@pytest.mark.parametrize("wrap", [list, dict, OrderedDict], ids=["list", "dict", "in order"])
def test_what_is_around_a_step_that_contains_itself_is_compared(wrap):
    """Names, places and their order, as anywhere."""

    def held(*, names=("a", "b"), last=1):
        step = Holding(around=None)
        parts = {names[0]: step, names[1]: last}
        step.around = wrap(parts.values() if wrap is list else parts)
        return step

    assert held() == held()
    assert held() != held(last=2)
    assert (held() == held(names=("a", "c"))) is (wrap is list)


def test_what_a_step_has_computed_once_is_no_field():
    """So it is not compared."""
    step = Holding(around=1)

    assert step.twice == 2
    assert step == Holding(around=1)
    assert Holding(around=2) != step


def test_an_error_tells_the_fields_in_their_order():
    """Those that were set."""

    class Many(Step):
        a: int = 1
        b: int = 2
        c: int = 3

        def _run(self) -> None:
            raise LookupError

    with pytest.raises(LookupError) as caught:
        Many(c=1, a=2).run()

    assert caught.value.__notes__ == ["in Many(a=2, c=1)"]
