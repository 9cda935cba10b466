"""Several runs as a table in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream import Parameters, Pipeline, Secret, sweep


@pytest.fixture
def flow(tmp_path: Path) -> Pipeline:
    """A pipeline that gives numbers, and fails at rate 0."""
    parameters = Parameters.define(rate=0.5, depth=1, kind="tree")
    flow = Pipeline("model", parameters, workspace=tmp_path, progress=False)

    @flow.stage
    def fit(rate: float, depth: int, kind: str) -> dict[str, Any]:
        return {"auc": 1 / rate + depth, "kind": kind}

    return flow


def shown(runs: Any) -> str:
    return runs._repr_mimebundle_()["text/html"]


def test_a_sweep_shows_what_was_varied_how_it_went_and_what_it_gave(
    flow: Pipeline, parsed: Any
) -> None:
    """A row a run, with its number, and the error of one that failed."""
    runs = flow.map_runs(sweep.grid(rate=[0, 0.5, 0.25], depth=[1]))

    document = parsed(shown(runs))

    assert document.text.startswith("model 3 runs · 1 failed · 2 ok · sweep ")
    assert len(document.all("tr")) == 4
    for word in ("rate", "depth", "fit.auc", "fit.kind", "✗ failed", "✓ ok", "0.25", "5"):
        assert word in document.texts
    assert "ZeroDivisionError: division by zero" in document.texts
    assert runs[0].id[:10] in document.texts


def test_numbers_stand_below_each_other(flow: Pipeline, parsed: Any) -> None:
    """With the same number of decimals, from the right."""
    document = parsed(shown(flow.map_runs(sweep.grid(rate=[0.5, 0.25, 0.125]))))

    assert {"0.500", "0.250", "0.125"} <= set(document.texts)
    assert len(document.all("td", "n")) == 3 * 4  # number, rate, took and fit.auc


def test_a_sweep_has_its_plot(flow: Pipeline, parsed: Any) -> None:
    """Of the first number, in a fold, with its words."""
    document = parsed(shown(flow.map_runs(sweep.grid(rate=[0.5, 0.25, 0.125]))))

    assert [one["alt"] for one in document.all("img")] == [
        "fit.auc by rate, 3 runs: lowest 3 at rate 0.5, highest 9 at rate 0.125"
    ]


@pytest.mark.parametrize(
    "points",
    [sweep.grid(rate=[0.5, 1]), sweep.grid(rate=[0.5, 1], depth=[1, 2], kind=["a", "b"])],
    ids=["two runs", "three parameters"],
)
def test_there_is_no_plot_where_it_would_not_be_clear(
    points: Any, flow: Pipeline, parsed: Any
) -> None:
    """Of two runs it says nothing, and by three parameters somebody has to choose."""
    assert parsed(shown(flow.map_runs(points))).all("img") == []


def test_a_history_marks_what_was_changed(flow: Pipeline, parsed: Any) -> None:
    """Against the run before; and it shows the numbers that are recorded."""
    flow.run()
    flow.run(rate=0.25)
    flow.run(rate=0.25, kind="forest")

    document = parsed(shown(flow.history()))

    places = [place for place, (_, one) in enumerate(document.elements) if one.get("class") == "k"]
    cells = [document.elements[place - 1] for place in places]
    assert cells == [("td", {"class": "n"}), ("td", {})]  # the rate, and the kind
    assert {"fit.auc", "3", "5"} <= {text.removesuffix(".0") for text in document.texts}
    assert "started" in document.texts
    assert "batch" not in document.texts


def test_of_very_many_runs_the_ends_are_shown(flow: Pipeline, parsed: Any) -> None:
    """And how many there are between them."""
    runs = flow.map_runs(sweep.grid(rate=[n / 100 for n in range(1, 101)]))

    document = parsed(shown(runs))

    assert len(document.all("tr")) == 1 + 20 + 1 + 20
    assert "… 60 more: .table() and .to_pandas() have all" in document.texts
    assert {"0", "19", "80", "99"} <= set(document.texts)
    assert len(shown(runs)) < 40_000


def test_of_very_many_columns_the_first_are_shown(tmp_path: Path, parsed: Any) -> None:
    """And which are not."""
    parameters = Parameters.define(**{f"p{n}": 0 for n in range(14)})
    flow = Pipeline("wide", parameters, progress=False)
    flow.stage(lambda p0: {f"r{n}": p0 + n for n in range(12)}, name="s")

    runs = flow.map_runs([{f"p{n}": m for n in range(14)} for m in (1, 2)])
    document = parsed(shown(runs))

    assert "p9" in document.texts
    assert "p10" not in document.texts
    assert (
        "not shown: p10, p11, p12, p13, s.r8, s.r9, s.r10, s.r11; .table(results" in document.text
    )


def test_no_secret_and_no_tag_is_in_it(parsed: Any) -> None:
    """Neither as a parameter nor in what failed."""
    parameters = Parameters.define(token=Secret("hunter2-a"), word="<b>")
    flow = Pipeline("<i>", parameters, progress=False)
    flow.stage(lambda token, word: {"said": token.reveal() + word}, name="say")
    flow.stage(lambda token: 1 / 0 if token else 0, name="fail")

    runs = flow.map_runs([{"word": "<b>"}, {"word": "<u>"}])
    html = shown(runs)

    assert "hunter2" not in html
    assert {"<b>", "<u>", "<i>"} <= set(parsed(html).texts)
    assert not {"b", "u", "i"} & (parsed(html).tags - {"b"})


def test_without_runs_it_says_so(flow: Pipeline, parsed: Any) -> None:
    """There is no table then."""
    document = parsed(shown(flow.history()))

    assert document.text == "model no runs"
    assert document.all("table") == []


def test_a_past_run_shows_its_record(flow: Pipeline, parsed: Any) -> None:
    """As the report of it would."""
    flow.run()

    document = parsed(flow.history()[-1]._repr_mimebundle_()["text/html"])

    assert "1/1 stages" in document.text
    assert document.all("img")[0]["alt"].startswith("1 stage. fit: ok")
