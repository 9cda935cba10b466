from __future__ import annotations

import pytest

from pypedream.view.description import Argument, Node


@pytest.mark.parametrize(
    "argument, text",
    [
        pytest.param(Argument("load", "stage", "load"), "load", id="stage"),
        pytest.param(Argument("data", "stage", "load"), "data <- load", id="other name"),
        pytest.param(
            Argument("load", "stage", "load", "rows"), 'load <- load["rows"]', id="output"
        ),
        pytest.param(Argument("rate", "parameter", "rate"), "rate <- parameter", id="parameter"),
        pytest.param(
            Argument("rate", "parameter", "model.rate"),
            'rate <- parameter "model.rate"',
            id="other parameter",
        ),
        pytest.param(Argument("n", "variable", "n"), "n <- variable", id="variable"),
        pytest.param(Argument("x", "immediate", "3"), "x <- 3", id="immediate"),
        pytest.param(Argument("x", "missing", "?"), "x <- ?", id="missing"),
        pytest.param(Argument("", "after", "load"), "after load", id="after"),
        pytest.param(Argument("", "when", "check"), "if check", id="when"),
    ],
)
def test_an_argument_says_where_it_comes_from(argument: Argument, text: str) -> None:
    """What has the same name on both sides is said once."""
    assert str(argument) == text


@pytest.mark.parametrize(
    "node, status",
    [
        pytest.param(Node("a", "a"), "", id="pipeline"),
        pytest.param(Node("a", "a", state="run"), "run", id="plan"),
        pytest.param(Node("a", "a", state="ok", duration_s=0.25), "ok, 0.25 s", id="ok"),
        pytest.param(
            Node("a", "a", state="failed", duration_s=2.0, note="ValueError: no"),
            "failed, 2.00 s: ValueError: no",
            id="failed",
        ),
    ],
)
def test_a_status_holds_state_time_and_reason(node: Node, status: str) -> None:
    """What there is to say of a stage is said in one phrase."""
    assert node.status == status


def test_a_tooltip_has_everything() -> None:
    """Name and status, the docstring's first line, then one line for each argument."""
    node = Node(
        "fit",
        "fit",
        state="ok",
        arguments=(Argument("load", "stage", "load"), Argument("rate", "parameter", "rate")),
        about="Fit a line.",
    )

    assert node.tooltip.splitlines() == ["fit: ok", "Fit a line.", "load", "rate <- parameter"]


def test_a_name_is_short_within_its_group() -> None:
    """Where the group is shown its prefix need not be said again."""
    assert Node("bronze.load", "bronze.load", group="bronze").name == "load"
