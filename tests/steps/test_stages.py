"""A step is the function of a stage, and a stage is a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream import Input, InputBinding, Parameters, Pipeline, Secret, Stage
from pypedream.errors import DefinitionError, MutationError
from pypedream.steps import Chain, Func, Step
from pypedream.view.describing import describe


class Rows(Step):
    count: int = 3

    def _run(self) -> list[int]:
        return list(range(self.count))


class Fit(Step):
    rate: float = 0.5

    def _run(self, rows: list[int]) -> float:
        print(f"fitting {len(rows)} rows")
        return sum(rows) * self.rate


class Half(Step):
    def _run(self, value: float) -> float:
        return value / 2


def doubled(fit: float, by: float = 2.0) -> float:
    return fit * by


def flow(workspace: Path, rate: float = 0.5, infra: dict[str, Any] | None = None) -> Pipeline:
    made = Pipeline("steps", workspace=workspace, cache="cached")
    made.register(Rows(), name="rows")
    made.register(Fit(rate=rate, infra=infra), name="fit")
    made.register(Func(function=doubled, by=4), name="more")
    made.register(Chain(steps=[Func(function=doubled), Half()]), name="both")
    return made


@pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
def test_the_input_of_a_step_is_bound_by_its_name(executor, tmp_path):
    """That of a chain by the name of its first step's, wherever it is called."""
    run = flow(tmp_path).run(executor=executor)

    assert run == {"rows": [0, 1, 2], "fit": 1.5, "more": 6.0, "both": 1.5}


def test_a_plan_says_which_field_has_changed(tmp_path):
    """Old and new; the infra is none that counts."""
    flow(tmp_path).run()

    again = flow(tmp_path, infra={"folder": tmp_path / "kept"}).plan()
    changed = flow(tmp_path, rate=0.25).plan()

    assert {each.decision for each in again.stages.values()} == {"reuse"}
    assert changed.stages["rows"].decision == "reuse"
    assert changed.stages["fit"].reason == "field rate of Fit 0.5 -> 0.25"


def test_the_log_of_a_stage_says_where_a_result_comes_from(tmp_path):
    """And has what the step printed."""
    infra = {"folder": tmp_path / "kept"}

    def said(run: Any) -> list[tuple[str, str]]:
        return [(event.kind, event.event) for event in run.events if event.stage == "fit"][1:-1]

    first = flow(tmp_path / "one", infra=infra).run()
    second = flow(tmp_path / "two", infra=infra).run()

    assert said(first) == [("print", "fitting 3 rows"), ("log", "Fit: 1 computed by Cached")]
    assert said(second) == [("log", "Fit: 1 kept")]
    event = next(event for event in second.events if event.kind == "log")
    assert event.data["step"] == Fit(infra=infra).lookup([0, 1, 2]).paths.step_uid


def test_a_step_is_mapped_over_items(tmp_path):
    """Like a function; what one item gave is kept for itself."""
    mapped = Pipeline("mapped")
    mapped.register(Rows(), name="value")
    mapped.register(Half(infra={"folder": tmp_path}), name="halves", over="value")

    assert mapped.run()["halves"] == [0.0, 0.5, 1.0]
    assert Half(infra={"folder": tmp_path}).lookup(2).result() == 1.0


def test_a_step_that_fails_fails_its_stage(tmp_path):
    """With its own error, also when that was kept."""

    class Fail(Step):
        def _run(self) -> None:
            raise LookupError("nothing there")

    failing = Pipeline("failing")
    failing.register(Fail(infra={"folder": tmp_path}), name="fail")

    for _ in range(2):
        with pytest.raises(LookupError, match="nothing there"):
            failing.run()


class Login(Step):
    def _run(self, token: Secret) -> dict[str, str]:
        if token.reveal() == "wrong word":
            raise PermissionError("refused") from ValueError(f"not with {token.reveal()}")
        return {"header": token.reveal()}


class Length(Step):
    def _run(self, login: dict[str, str]) -> int:
        return len(login["header"])


class Within(Step):
    """A step that has another one computed."""

    folder: str

    def _run(self, token: Secret) -> int:
        return len(Login(infra={"folder": self.folder}).run(token)["header"])


@pytest.mark.parametrize("backend", ["Cached", "ThreadPool", "ProcessPool"])
def test_a_secret_of_a_run_is_not_kept(backend, tmp_path):
    """Neither in a result nor in an error; the log says so."""
    infra = {"backend": backend, "folder": tmp_path / "kept"}
    made = Pipeline("secret", Parameters.define(token=Secret("right word")))
    made.register(Login(infra=infra), name="login")

    run = made.run()
    with pytest.raises(PermissionError):
        made.run(token=Secret("wrong word"))

    assert run["login"] == {"header": "right word"}
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b" word" in content for content in files)
    warnings = [event.event for event in run.events if event.level == "warning"]
    assert warnings == ["Login: its result is not kept: it holds a secret"]


@pytest.mark.parametrize(
    "backend, executor", [("ThreadPool", "serial"), ("ProcessPool", "processes")]
)
def test_a_secret_of_a_run_is_not_kept_by_a_step_within_another(backend, executor, tmp_path):
    """Wherever that one is computed; of what has no secret in it the result is kept."""
    kept, cached = tmp_path / "kept", {"folder": tmp_path / "kept"}
    infra = {"backend": backend, "folder": kept}
    chain = Chain(steps=[Login(infra=cached), Length()], infra=infra)
    made = Pipeline("secret", Parameters.define(token=Secret("right word")))
    made.register(chain, name="chain")
    made.register(Within(folder=str(kept), infra=infra), name="within")

    run = made.run(executor=executor)
    with pytest.raises(PermissionError):
        made.run(token=Secret("wrong word"), executor=executor)

    assert run == {"chain": 10, "within": 10}
    assert chain.lookup(Secret("right word")).result() == 10
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b" word" in content for content in files)
    warnings = [event.event for event in run.events if "holds a secret" in str(event.event)]
    assert warnings == 2 * ["Login: its result is not kept: it holds a secret"]


class Known(Step):
    token: str
    seen: dict[str, int]

    def _run(self) -> int:
        return len(self.token)


def known(token: Secret, folder: str) -> int:
    word = token.reveal()
    step = Known(token=word, seen={f"Bearer {word}": 1}, infra={"folder": folder})  # type: ignore[arg-type]
    return step.run()


def test_a_secret_of_a_run_is_not_written_beside_the_results_of_a_step(tmp_path):
    """What is written for people has stars in its place."""
    word = "a word that is\nlong enough for several lines of a file, or for two at the least"
    made = Pipeline("secret", Parameters.define(token=Secret(word), folder=str(tmp_path)))
    made.stage(known)

    made.run()

    written = [path.read_text() for path in tmp_path.glob("steps/*/*.yaml")]
    assert len(written) == 2
    assert all("Bearer ***" in text and "a word" not in text for text in written)


def test_a_stage_whose_step_keeps_its_result_is_reused(tmp_path):
    """It reads nothing of the run but its inputs."""
    infra = {"folder": tmp_path / "kept"}
    flow(tmp_path, infra=infra).run()

    plan = flow(tmp_path, infra=infra).plan()

    assert plan.stages["fit"].decision == "reuse"


def test_a_class_of_steps_is_no_stage():
    """It would give a step, and nobody would run that."""
    with pytest.raises(DefinitionError, match=r'"fit" is made of the class Fit: write Fit\(...\)'):
        Pipeline("steps").register(Fit, name="fit")


def test_a_stage_that_changes_a_step_which_others_read_is_told_so():
    """As of any value that is changed in place."""
    made = Pipeline("steps", mutation="error", progress=False)
    made.stage(lambda: [Rows()], name="made")
    made.stage(lambda made: setattr(made[0], "count", 5), name="changes")
    made.stage(lambda made, changes: made[0].run(), name="reads")

    with pytest.raises(MutationError, match='"changes" changed its input "made"'):
        made.run()


def test_a_stage_is_wrapped_as_a_step(tmp_path):
    """With the arguments that it has in any run; the step may say others."""
    bound = Stage(doubled, inputs=[Input(as_arg="by", bind=InputBinding.now(10))], name="more")
    made = Pipeline("stages", stages={"more": bound})

    assert Func(function=made.stages["more"]).run(3) == 30
    assert Func(function=made.stages["more"], by=3).run(3) == 9
    assert (
        Func(function=made.stages["more"]).model_dump(mode="json")["function"].endswith(".doubled")
    )
    assert Chain(steps=[Fit(), Func(function=bound)], infra={"folder": tmp_path}).run([1]) == 5.0


def test_a_step_called_as_a_function_takes_one_input():
    """By position or by any name."""
    assert (Half()(3), Half()(value=3), Rows()()) == (1.5, 1.5, [0, 1, 2])
    with pytest.raises(TypeError, match=r"Half\(\) takes one input, not 2"):
        Half()(1, 2)


def test_the_view_of_a_pipeline_shows_its_steps(tmp_path):
    """By the names of their stages, with what they read."""
    text = str(flow(tmp_path).plan())
    shown = flow(tmp_path).plan()._repr_mimebundle_()["text/html"]
    stage = flow(tmp_path).stages["both"]._repr_mimebundle_()["text/html"]

    assert "fit" in text
    for page in (shown, stage):
        assert "Func(function=&lt;function doubled&gt;) -&gt; Half()" in page


def test_of_a_long_chain_the_view_shows_the_first_steps():
    """And how many there are more; the docstring of the class is not the user's."""
    made = Pipeline("long")
    made.register(Chain(steps=[Rows(), *(Half() for _ in range(20))]), name="long")

    about = describe(made).nodes[0].about

    assert about.startswith("Rows() -> Half() -> Half()")
    assert made.stages["long"].function.__pypedream_about__().endswith("Half() -> 11 more")
