from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import StepError
from pypedream.steps import Chain, Step
from tests.steps.configured import Shift


class Factorial(Step):
    """Asks for the result of another input."""

    def _run(self, value: int) -> int:
        return 1 if value < 2 else value * Factorial(infra=self.infra).run(value - 1)


class Endless(Step):
    """Asks for its own result."""

    def _run(self, value: int) -> Any:
        return Endless(infra=self.infra).run(value)


class Ring(Step):
    """Asks for the result of a chain that it is a part of."""

    def _run(self, value: int) -> Any:
        return Chain(steps=[Ring(infra=self.infra), Shift()], infra=self.infra).run(value)


BACKENDS = ["Cached", "ThreadPool", "ProcessPool"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_may_ask_for_what_it_gives_for_another_input(tmp_path: Path, backend: str):
    """What is computed on the way is kept as well."""
    step = Factorial(infra={"backend": backend, "folder": tmp_path})

    assert step.run(4) == 24
    assert step.lookup(3).result() == 6


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [Endless, Ring])
def test_a_step_that_asks_for_its_own_result_does_not_wait_for_it(
    tmp_path: Path, backend: str, kind: type[Step]
):
    """It is told so, wherever it runs, and that is not kept."""
    step = kind(infra={"backend": backend, "folder": tmp_path})

    with pytest.raises(StepError, match=r"asks for its own result .* the same input \(7\)"):
        step.run(7)
    assert step.lookup(7).status is None
