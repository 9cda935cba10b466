"""What people who have written steps before expect of these names."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
import yaml

from pypedream.steps import Chain, Func, Step
from pypedream.steps.backends import Backend, LookupHandle
from pypedream.steps.items import BatchProtocolError, StepItems
from tests.steps.configured import Fragile, Lists, Scale, Shift, Start, noted

CALLS: list[Any] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


class Noted(Step):
    by: int = 1

    def _run(self, value: int) -> int:
        CALLS.append((self.by, value))
        return value + self.by


class Given(Step):
    def _run(self, value: Any) -> Any:
        return ("given", value)


class Optional(Step):
    def _run(self, value: int = 1) -> int:
        return value


class Pipeline(Step):
    transforms: list[Step] = pydantic.Field(default_factory=list)

    def _run(self, data: float) -> float:
        return data + 100

    def _resolve_step(self) -> Step:
        if not self.transforms:
            return self
        stripped = self.model_copy(update={"transforms": []})
        return Chain(steps=[stripped, *self.transforms])


class ByParity(Step):
    """Odd numbers are one, and even ones another; the label counts for nothing."""

    label: str = ""

    def item_uid(self, value: int) -> str:
        return "odd" if value % 2 else "even"

    def _exclude_from_cls_uid(self) -> list[str]:
        return ["label"]

    def _run(self, value: int) -> int:
        CALLS.append(value)
        return value % 2


class Config(pydantic.BaseModel):
    pipeline: Step


def scale(x: float, factor: float = 2.0) -> float:
    return x * factor


def pair(first: int, second: int) -> tuple[int, int]:
    return first, second


def constant(value: int = 3) -> int:
    return value


def misnamed(infra: int) -> int:
    return infra


def cached(folder: Path, **fields: Any) -> dict[str, Any]:
    return {"backend": "Cached", "folder": folder, **fields}


def test_a_generator_takes_no_input_and_a_transformer_one() -> None:
    """Either says so by the signature of its ``_run``."""
    assert Start().run() == 5
    assert Scale(factor=3).run(2) == 6
    with pytest.raises(TypeError):
        Start().run(1)
    with pytest.raises(TypeError):
        Scale().run()


def test_none_is_an_input() -> None:
    """To give None is not to give nothing."""
    assert Given().run(None) == ("given", None)


def test_an_input_with_a_default_may_be_left_out() -> None:
    """The step is a generator and a transformer."""
    assert (Optional().run(), Optional().run(5)) == (1, 5)


def test_run_many_is_ordered_sized_and_lazy() -> None:
    """One result for each input, in their order, computed when it is asked for."""
    results = Noted().run_many(iter([3, 1, 1]))

    assert isinstance(results, StepItems)
    assert CALLS == []
    assert len(results) == 3
    assert list(results) == [4, 2, 2]
    assert Noted().run_many([]) is not None
    assert list(Noted().run_many([])) == []


def test_a_step_without_a_computation_is_refused() -> None:
    """The message names what it can define."""

    class Nothing(Step):
        pass

    with pytest.raises(TypeError, match="_run"):
        Nothing()


def test_a_field_that_there_is_not_is_refused() -> None:
    """A misspelled configuration never runs with a default."""
    with pytest.raises(pydantic.ValidationError, match="factr"):
        Scale(factr=3)  # type: ignore[call-arg]


def test_clone_makes_a_fresh_configuration() -> None:
    """With or without changes, given as a mapping or by keyword."""
    step = Scale(factor=3)

    assert step.clone() == step
    assert step.clone() is not step
    assert step.clone(factor=5).factor == 5
    assert step.clone({"factor": 7}).factor == 7
    assert step.factor == 3


def test_a_chain_is_a_step_of_steps() -> None:
    """It has a length, members and parts, and gives what its last step gives."""
    chain = Chain(steps=[Start(value=2), Scale(factor=3), Shift(by=4)])

    assert chain.run() == 10
    assert len(chain) == 3
    assert chain[-1] == Shift(by=4)
    assert isinstance(chain[1:], Chain)
    assert chain[1:].run(1) == 7
    assert Chain(steps=[chain, Chain(steps=[Scale()])]).run() == 20


def test_steps_of_a_chain_may_have_names() -> None:
    """They are found by name and by position."""
    chain = Chain(steps=OrderedDict(twice=Scale(), more=Shift()))

    assert chain["twice"] == chain[0] == Scale()
    assert chain[:1].run(4) == 8
    assert chain.run(4) == 9
    with pytest.raises(KeyError, match="twic"):
        chain["twic"]
    with pytest.raises(TypeError):
        Chain(steps=[Scale()])["twice"]


def test_an_empty_chain_is_refused() -> None:
    """It would have no result."""
    with pytest.raises(pydantic.ValidationError, match="empty"):
        Chain(steps=[])


def test_a_field_typed_step_takes_lists_and_mappings() -> None:
    """A list is a chain, a mapping with a type is one step, and one of steps a chain with names."""
    listed = Config(pipeline=[{"type": "Scale", "factor": 2}, {"type": "Scale", "factor": 3}])  # type: ignore[arg-type]
    single = Config(pipeline={"type": "Scale", "factor": 4})  # type: ignore[arg-type]
    named = Config(pipeline={"a": {"type": "Scale"}, "b": {"type": "Shift"}})  # type: ignore[arg-type]

    assert isinstance(listed.pipeline, Chain)
    assert listed.pipeline.run(1) == 6
    assert single.pipeline == Scale(factor=4)
    assert isinstance(named.pipeline, Chain)
    assert named.pipeline["b"] == Shift()


@pytest.mark.parametrize("text", ["json", "yaml"])
def test_a_configuration_goes_into_a_file_and_back(text: str) -> None:
    """Whole pipelines are the same after it, with where they are kept."""
    steps = [Start(value=1, infra={"backend": "Cached", "folder": "kept"}), Scale(factor=3)]  # type: ignore[arg-type]
    config = Config(pipeline=Chain(steps=steps))

    dumped = config.model_dump(mode="json")
    written = json.dumps(dumped) if text == "json" else yaml.safe_dump(dumped)
    read = Config(**(json.loads(written) if text == "json" else yaml.safe_load(written)))

    assert read == config
    assert read.pipeline[0].infra.folder == Path("kept")


def test_an_unknown_type_names_the_nearest() -> None:
    """So does an unknown backend."""
    with pytest.raises(pydantic.ValidationError, match=r"Scal.*Scale"):
        Config(pipeline={"type": "Scal"})  # type: ignore[arg-type]
    with pytest.raises(pydantic.ValidationError, match=r"Cachd.*Cached"):
        Scale(infra={"backend": "Cachd"})  # type: ignore[arg-type]
    with pytest.raises(pydantic.ValidationError, match="type"):
        Config(pipeline={"factor": 2})  # type: ignore[arg-type]


def test_a_step_may_resolve_to_a_chain() -> None:
    """It runs as that chain does."""
    assert Pipeline().run(1) == 101
    assert Pipeline(transforms=[Scale(factor=2)]).run(1) == 202


def test_func_wraps_a_plain_function() -> None:
    """The one parameter without a default is the input; the others are configured."""
    assert Func(function=scale, factor=3.0).run(5.0) == 15
    assert Func(function=scale, input_param="factor", x=2.0).run(5.0) == 10
    assert Func(function=constant, value=7).run() == 7
    assert Func(function="tests.steps.test_contract.scale").run(2.0) == 4


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"function": pair}, "first.*second"),
        ({"function": scale, "facto": 3}, "facto"),
        ({"function": scale, "x": 3}, "x"),
        ({"function": scale, "input_param": "z"}, "z"),
        ({"function": misnamed}, "infra"),
        ({"function": "tests.steps.test_contract.scael"}, "scael"),
        ({"function": scale, "factor": "much"}, "factor"),
    ],
    ids=[
        "two inputs",
        "unknown",
        "the input",
        "no input",
        "a field",
        "no function",
        "a wrong type",
    ],
)
def test_func_is_checked_against_the_signature(fields: dict[str, Any], said: str) -> None:
    """Mistakes are told when it is made, and not when it runs."""
    with pytest.raises(pydantic.ValidationError, match=said):
        Func(**fields)


def test_a_result_is_kept_and_not_computed_again(tmp_path: Path) -> None:
    """Each input has an entry of its own; who asks again gets what is kept."""
    step = Noted(infra=cached(tmp_path))

    assert [step.run(1), step.run(1), *step.run_many([1, 2, 2])] == [2, 2, 2, 3, 3]
    assert step.clone().run(2) == 3
    assert CALLS == [(1, 1), (1, 2)]


def test_a_folder_is_needed_to_keep_something() -> None:
    """Without one the step says what to set, and where."""
    with pytest.raises(RuntimeError, match="folder"):
        Scale(infra={"backend": "Cached"}).run(1)  # type: ignore[arg-type]


def test_a_chain_and_its_last_step_share_an_entry(tmp_path: Path) -> None:
    """A chain that was computed finds what its last step has kept, and the other way round."""
    steps = [Start(value=1), Noted(by=1), Noted(by=2)]
    Chain(steps=steps, infra=cached(tmp_path)).run()

    inner = Chain(steps=[*steps[:2], Noted(by=2, infra=cached(tmp_path))])

    assert inner.run() == 4
    assert CALLS == [(1, 1), (2, 2)]
    assert inner.lookup().cached()


def test_the_folder_of_a_chain_is_that_of_its_steps(tmp_path: Path) -> None:
    """Its steps keep what they say there; the backend is not handed on."""
    chain = Chain(
        steps=[Noted(by=1, infra={"backend": "Cached"}), Noted(by=2), Noted(by=3)],  # type: ignore[arg-type]
        infra=cached(tmp_path),
    )
    assert chain.run(0) == 6

    assert chain[:1].lookup(0).cached()
    chain.clone(steps=[*chain.steps[:2], Noted(by=4)]).run(0)  # type: ignore[index]
    assert CALLS == [(1, 0), (2, 1), (3, 3), (2, 1), (4, 3)]


def test_lookup_says_what_there_is(tmp_path: Path) -> None:
    """Nothing, a result or an error; a result can be had, and forgotten."""
    step = Fragile(infra=cached(tmp_path))
    before = step.lookup(1)
    assert (before.cached(), before.status, before.job()) == (False, None, None)
    with pytest.raises(RuntimeError):
        before.result()
    step.run(1)
    with pytest.raises(ValueError, match="bad 2"):
        step.run(2)

    good, bad = step.lookup(1), step.lookup(2)

    assert isinstance(good, LookupHandle)
    assert (good.cached(), good.status, good.result()) == (True, "success", 2)
    assert (bad.cached(), bad.status) == (True, "error")
    with pytest.raises(ValueError, match="bad 2"):
        bad.result()
    good.clear_cache()
    assert (good.cached(), step.lookup(1).cached(), step.lookup(2).cached()) == (False, False, True)


def test_lookup_without_a_place_finds_nothing() -> None:
    """It can be asked all the same; only what has a place cannot be had."""
    handle = Scale().lookup(1)

    assert (handle.cached(), handle.status, handle.job()) == (False, None, None)
    handle.clear_cache()
    with pytest.raises(RuntimeError):
        handle.result()
    with pytest.raises(RuntimeError):
        _ = handle.paths


def test_paths_say_where_things_are(tmp_path: Path) -> None:
    """The folder of the step holds its configuration, that of the cache what is kept."""
    step = Shift(infra=cached(tmp_path))
    step.run(1)

    paths = step.lookup(1).paths

    assert (paths.step_folder / "config.yaml").is_file()
    assert paths.cache_folder.is_dir()
    assert tmp_path in paths.step_folder.parents
    assert tmp_path in paths.cache_folder.parents


def test_the_cache_of_a_step_is_a_mapping(tmp_path: Path) -> None:
    """From the identity of an item to what is kept for it."""
    step = Shift(infra=cached(tmp_path))
    list(step.run_many([1, 2]))

    kept = step.lookup(1).cache_dict

    assert sorted(kept.values()) == [2, 3]
    assert len(kept) == 2
    assert len(step.clone(by=5).lookup(1).cache_dict) == 0


def test_clearing_a_chain_clears_its_steps(tmp_path: Path) -> None:
    """Unless it is told not to."""
    chain = Chain(
        steps=[Noted(by=1, infra={"backend": "Cached"}), Noted(by=2)],  # type: ignore[arg-type]
        infra=cached(tmp_path),
    )
    chain.run(0)
    chain.lookup(0).clear_cache(recursive=False)
    chain.run(0)
    assert CALLS == [(1, 0), (2, 1), (2, 1)]

    chain.lookup(0).clear_cache()
    chain.run(0)

    assert CALLS[3:] == [(1, 0), (2, 1)]


def test_force_computes_again_once_and_downstream(tmp_path: Path) -> None:
    """What comes after a step that is forced is computed again, too; what comes before is not."""
    plain = [Noted(by=n, infra=cached(tmp_path)) for n in (1, 2, 3)]
    Chain(steps=plain).run(0)
    CALLS.clear()
    forced = Chain(steps=[plain[0], plain[1].clone(infra=cached(tmp_path, mode="force")), plain[2]])

    assert [forced.run(0), forced.run(0)] == [6, 6]

    assert CALLS == [(2, 1), (3, 3)]


def test_read_only_never_computes(tmp_path: Path) -> None:
    """What is kept is given; what is not is an error."""
    Noted(infra=cached(tmp_path)).run(1)
    step = Noted(infra=cached(tmp_path, mode="read-only"))

    assert step.run(1) == 2
    with pytest.raises(RuntimeError, match="read-only"):
        step.run(2)
    assert CALLS == [(1, 1)]


def test_read_only_below_force_is_an_error(tmp_path: Path) -> None:
    """What it would give is older than what it depends on."""
    steps = [Noted(infra=cached(tmp_path, mode=mode)) for mode in ("force", "read-only")]

    with pytest.raises(ValueError, match="read-only"):
        Chain(steps=steps).run(1)


def test_an_error_is_kept_until_it_is_retried(tmp_path: Path) -> None:
    """It is raised again as what it was, with a note that says how to compute it again."""
    step = Fragile(infra=cached(tmp_path / "kept"), notes=str(tmp_path / "notes"))
    for _ in range(2):
        with pytest.raises(ValueError, match="bad 2") as raised:
            step.run(2)

    notes = "".join(raised.value.__notes__)
    assert re.search("mode=.retry", notes)
    with pytest.raises(ValueError, match="bad 2") as again:
        step.clone(infra=cached(tmp_path / "kept", mode="retry")).run(2)
    assert not re.search("mode=.retry", "".join(again.value.__notes__))


def test_retry_reads_what_went_well(tmp_path: Path) -> None:
    """It only differs for errors."""
    step = Noted(infra=cached(tmp_path))
    step.run(1)

    assert step.clone(infra=cached(tmp_path, mode="retry")).run(1) == 2
    assert CALLS == [(1, 1)]


def test_a_user_may_say_what_an_item_is(tmp_path: Path) -> None:
    """Inputs of one uid have one entry, and fields that are left out of it count for nothing."""
    step = ByParity(infra=cached(tmp_path))

    assert list(step.run_many([1, 2, 3, 4])) == [1, 0, 1, 0]
    assert step.clone(label="other").run(5) == 1
    assert [value % 2 for value in CALLS] == [1, 0]


class Short(Step):
    def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
        yield next(iter(list(values)))


class Double(Step):
    def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
        for value in values:
            yield value
            yield value


class Early(Step):
    def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
        yield 0
        yield from values


class Tens(Step):
    def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
        for value in values:
            CALLS.append(value)
            yield 10 * value


@pytest.mark.parametrize("kind", [Short, Double, Early])
def test_a_batch_gives_one_result_for_each_input(tmp_path: Path, kind: type[Step]) -> None:
    """Anything else is an error, and nothing of that batch stays."""
    step = kind(infra=cached(tmp_path))

    with pytest.raises(BatchProtocolError, match="_run_batch") as raised:
        list(step.run_many([1, 2, 3]))

    assert isinstance(raised.value, RuntimeError)
    assert not any(step.lookup(value).cached() for value in (1, 2, 3))
    with pytest.raises(BatchProtocolError):
        list(kind().run_many([1, 2, 3]))


def test_a_batch_is_asked_for_what_is_not_kept(tmp_path: Path) -> None:
    """A single run is a batch of one."""
    step = Tens(infra=cached(tmp_path))

    assert step.run(2) == 20
    assert list(step.run_many([1, 2, 3])) == [10, 20, 30]
    assert CALLS == [2, 1, 3]
    assert list(Tens().run_many([4])) == [40]


def test_what_is_kept_in_memory_is_never_shared(tmp_path: Path) -> None:
    """Who changes what he got changes nothing for the next one."""
    step = Lists(infra=cached(tmp_path, keep_in_ram=True))
    step.run(1).append(2)
    step.run(1).append(3)

    assert step.run(1) == [1]


def test_the_fields_of_a_backend_have_their_defaults() -> None:
    """They are part of the configuration."""
    backend = Scale(infra={"backend": "Cached", "folder": "kept"}).infra  # type: ignore[arg-type]

    assert isinstance(backend, Backend)
    assert (backend.folder, backend.mode, backend.keep_in_ram) == (Path("kept"), "cached", False)
    assert Scale(infra={"folder": "kept"}).infra == backend  # type: ignore[arg-type]
    with pytest.raises(pydantic.ValidationError, match="read-only"):
        Scale(infra={"backend": "Cached", "mode": "never"})  # type: ignore[arg-type]


def test_nothing_is_written_before_something_is_kept(tmp_path: Path) -> None:
    """To look something up makes no folder."""
    folder = tmp_path / "kept"
    step = Scale(infra=cached(folder))

    assert not step.lookup(1).cached()
    step.run_many([1, 2])
    assert not folder.exists()
    step.run(1)
    assert folder.exists()


def test_several_of_one_uid_are_computed_once(tmp_path: Path) -> None:
    """Each input has its result all the same."""
    notes = tmp_path / "notes"
    step = Shift(infra=cached(tmp_path / "kept"), notes=str(notes))

    assert list(step.run_many([1, 1, 2, 1])) == [2, 2, 3, 2]
    assert noted(notes) == ["1", "2"]
