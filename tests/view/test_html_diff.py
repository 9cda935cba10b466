"""What differs between two runs, in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream import Parameters, Pipeline, Secret
from pypedream.engine.diff import Change, LogChange, RunDiff, StageChange
from pypedream.engine.divergence import Divergence


@pytest.fixture
def flow(tmp_path: Path) -> Pipeline:
    """A pipeline of two stages that give numbers."""
    parameters = Parameters.define(rate=0.5, token=Secret("hunter2-a"))
    flow = Pipeline("model", parameters, workspace=tmp_path, progress=False)
    flow.stage(lambda rate: {"auc": 1 - rate, "kind": "tree"}, name="fit")
    flow.stage(lambda fit: fit["auc"] * 2, name="score")
    return flow


def shown(diff: RunDiff) -> str:
    return diff._repr_mimebundle_()["text/html"]


def test_where_it_began_and_what_differs(flow: Pipeline, parsed: Any) -> None:
    """The stage with its reason, and a table for each kind of difference."""
    diff = flow.run().diff(flow.run(rate=0.25))

    document = parsed(shown(diff))

    words = [text for text in document.texts if text.strip()]
    start = words.index("first to diverge: ")
    assert words[start : start + 4] == [
        "first to diverge: ",
        "fit",
        ", and 1 stage after it: score",
        'parameter "rate" 0.5 -> 0.25',
    ]
    assert words[start + 4 :] == [
        *("results", "fit.auc", "0.5", "0.75", "+50.0%", "score", "1", "1.5", "+50.0%"),
        *("parameters", "rate", "0.5", "0.25"),
    ]
    assert len(document.all("span", "k")) == 3


def test_the_same_is_said_to_be_the_same(flow: Pipeline, parsed: Any) -> None:
    """There is one table then, of the two runs."""
    run = flow.run()

    document = parsed(shown(run.diff(run)))

    assert document.text.endswith("nothing differs")
    assert len(document.all("table")) == 1


def test_every_kind_has_a_place_and_very_many_are_folded(flow: Pipeline, parsed: Any) -> None:
    """Of each kind twenty are shown."""
    run = flow.run()
    head = run.diff(run).before
    many = tuple(Change(f"name {n}", n, n + 1) for n in range(50))
    diff = RunDiff(
        head,
        head,
        tuple(Divergence(f"stage {n}", "ok", "ok", ("it differs",)) for n in range(50)),
        (),
        ("lock",),
        many,
        (Change("long", "a" * 500, "a" * 499 + "b"),),
        many,
        (StageChange("function fit changed", tuple(f"s{n}" for n in range(50))),),
        (StageChange("file data.csv changed", ("load",)),),
        many,
        (Change("other", None, "ok"),),
        (Change("fit", 0.1, 2.0),),
        (LogChange("fit", "warnings", 0, 2),),
        ("something is not known",),
    )

    document = parsed(shown(diff))

    for text in (
        "function fit changed",
        "s0, s1, s2, s3, s4, s5 and 44 more",
        "file data.csv changed",
        "not there",
        "0.10 s",
        "2.00 s",
        "fit gave 0 warnings and then 2",
        "note: something is not known",
        "results that cannot be compared: lock",
    ):
        assert text in document.texts
    assert document.texts.count("and 30 more") == 4
    assert any(text.startswith("another value, shown as aaa") for text in document.texts)


def test_names_are_only_text(tmp_path: Path, parsed: Any) -> None:
    """And secrets are hidden."""
    flow = Pipeline("<u>", Parameters.define(token=Secret("hunter2-a"), word="<i>"), progress=False)
    flow.stage(lambda token, word: token.reveal() + word, name="<s>")

    html = shown(flow.run().diff(flow.run(word="<em>")))

    assert "hunter2" not in html
    assert not {"u", "s", "em"} & parsed(html).tags
    assert {"<s>", "<em>"} <= set(parsed(html).texts)
