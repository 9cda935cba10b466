from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline
from pypedream.log.terminal import visible
from pypedream.view import to_svg
from pypedream.view.chips import chip_of, draw_chip
from pypedream.view.description import Description, Edge, Node
from pypedream.view.layout import Box

SVG = "{http://www.w3.org/2000/svg}"
names = st.text(min_size=1, max_size=12)


def drawn(subject: object, **options: object) -> ElementTree.Element:
    return ElementTree.fromstring(to_svg(subject, **options))  # type: ignore[arg-type]


def boxes(picture: ElementTree.Element) -> list[ElementTree.Element]:
    return [group for group in picture.iter(f"{SVG}g") if group.find(f"{SVG}rect") is not None]


def written(picture: ElementTree.Element) -> list[str | None]:
    return [text.text for text in picture.iter(f"{SVG}text")]


def stages(*keys: str, subject: str = "pipeline", **more: object) -> Description:
    nodes = tuple(Node(key, key, **more) for key in keys)  # type: ignore[arg-type]
    return Description("flow", subject, "flow", nodes)


def chain(*keys: str) -> Description:
    description = stages(*keys)
    edges = tuple(Edge(*pair) for pair in pairwise(keys))
    return Description("flow", "pipeline", "flow", description.nodes, edges)


@given(st.lists(names, unique=True, max_size=8), st.booleans())
@example(['<script>alert("x")</script>', "</text>", '"]', "]]>", "&amp;"], True)
@example(["two\nlines", "\u202etxt", "\x00", "\x1b[2J", "\ud800", "\ufffe", "a\u0301"], False)
@settings(deadline=None)
def test_any_name_gives_one_box_in_well_formed_xml(keys: list[str], has_edges: bool) -> None:
    """Whatever stages are called, the picture holds what we put there and nothing more."""
    picture = drawn(chain(*keys) if has_edges else stages(*keys))

    tags = {element.tag.removeprefix(SVG) for element in picture.iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "rect", "text"}
    assert len(boxes(picture)) == max(len(keys), 1)
    titles = [box.findtext(f"{SVG}title") for box in boxes(picture)]
    assert all("\u202e" not in str(title) and "\x1b" not in str(title) for title in titles)


@given(names)
@settings(deadline=None)
def test_nothing_is_loaded_and_nothing_runs(name: str) -> None:
    """No script, no link, no style sheet, no id, and no address but the name of SVG itself."""
    text = to_svg(chain(name, f"{name}2"))

    attributes = {key for element in ElementTree.fromstring(text).iter() for key in element.attrib}
    assert not {key for key in attributes if key.startswith("on") or "href" in key or key == "id"}
    assert "url(" not in re.sub(
        r"<title>.*?</title>|<desc>.*?</desc>|<text.*?</text>", "", text, flags=re.DOTALL
    )


def test_the_only_address_is_that_of_svg() -> None:
    """A picture that is opened without a network is complete."""
    assert re.findall(r"https?://[^\"]*", to_svg(chain("a", "b"))) == ["http://www.w3.org/2000/svg"]


def test_the_description_lists_all_states() -> None:
    """Whoever cannot see the picture can have it read out."""
    nodes = (
        Node("load", "load", state="ok", duration_s=0.5),
        Node("fit", "fit", state="failed", duration_s=1.0, note="ValueError: no"),
    )

    picture = drawn(Description("flow", "run", "flow: failed in 1.50 s", nodes))

    assert picture.findtext(f"{SVG}title") == "flow: failed in 1.50 s"
    assert picture.findtext(f"{SVG}desc") == (
        "2 stages. load: ok, 0.50 s; fit: failed, 1.00 s: ValueError: no"
    )


@pytest.mark.parametrize("state", ["ok", "failed", "skipped", "pending", "running", "timeout"])
def test_a_state_has_a_sign(state: str) -> None:
    """A state is told by more than its colour."""
    with_state = boxes(drawn(stages("a", subject="run", state=state)))[0]
    without = boxes(drawn(stages("a")))[0]

    assert with_state.find(f"{SVG}path") is not None
    assert without.find(f"{SVG}path") is None


def test_the_state_does_not_move_anything() -> None:
    """The picture of a run keeps still while the run goes on."""
    before = drawn(stages("load", "fit", subject="run", state="pending"))
    after = drawn(stages("load", "fit", subject="run", state="ok", duration_s=12.3))

    places = [
        [(rect.get("x"), rect.get("width")) for rect in picture.iter(f"{SVG}rect")]
        for picture in (before, after)
    ]
    assert places[0] == places[1]


@pytest.mark.parametrize("share, end", [(0.0, 22), (0.5, 52), (1.0, 82)])
def test_how_far_a_stage_is_can_be_seen(share: float, end: int) -> None:
    """A line at the foot of its box is as long as what is done."""
    node = Node("a", "a", state="running", share=share)
    chip = evolve(chip_of(node, "run"), width=84.0)

    drawn = draw_chip(chip, Box(10, 0, 84, 32))

    assert re.findall(r"M22,27H(\d+)", drawn) == ["82", str(end)]


def test_a_long_name_is_shortened_and_told_in_full() -> None:
    """The box shows both ends, its title the whole name."""
    name = "a_name_that_goes_on_and_on_and_never_seems_to_end"

    picture = drawn(stages(name))

    assert re.fullmatch("a_name_.+….+_to_end", str(written(picture)[0]))
    assert boxes(picture)[0].findtext(f"{SVG}title") == name


def test_parameters_are_shown_on_demand() -> None:
    """A picture of stages alone is the usual one."""
    flow = Pipeline("flow", Parameters.define(year=1990))
    flow.stage("load")(lambda year: None)

    assert written(drawn(flow)) == ["load"]
    assert written(drawn(flow, parameters=True)) == ["year = 1990", "load"]


def size(picture: ElementTree.Element) -> tuple[float, float]:
    return float(picture.attrib["width"]), float(picture.attrib["height"])


def test_a_wide_picture_is_turned() -> None:
    """Many stages side by side stand below each other instead, so that they can be read."""
    keys = [f"station_{number}" for number in range(12)]
    edges = tuple(Edge("load", key) for key in keys)
    fan = Description("flow", "pipeline", "flow", stages("load", *keys).nodes, edges)

    width, height = size(drawn(fan))

    assert width < height
    assert size(drawn(fan, direction="down"))[0] > 960


@pytest.mark.parametrize("direction", ["down", "right"])
def test_the_direction_can_be_chosen(direction: str) -> None:
    """Down is for pages, right for slides."""
    width, height = size(drawn(chain("a", "b", "c", "d"), direction=direction))

    assert (width > height) == (direction == "right")


def test_an_edge_says_what_it_carries() -> None:
    """Its title has both ends and the arguments."""
    edges = (Edge("load", "fit", arguments=("rows", "names")), Edge("fit", "plot", "order"))
    nodes = stages("load", "fit", "plot").nodes

    titles = [
        title.text
        for title in drawn(Description("f", "pipeline", "f", nodes, edges)).iter(f"{SVG}title")
    ]

    assert titles[1:3] == ["load -> fit: rows, names", "fit -> plot: order"]


def test_what_is_not_a_value_is_drawn_in_dashes() -> None:
    """Order and conditions look different from values."""
    edges = (Edge("a", "b"), Edge("b", "c", "order"), Edge("c", "d", "condition"))
    picture = drawn(Description("f", "pipeline", "f", stages("a", "b", "c", "d").nodes, edges))

    dashes = [path.get("stroke-dasharray") for path in picture.iter(f"{SVG}path")]
    assert dashes[::2] == [None, "6 4", "1.5 4"]


def test_what_edges_have_in_common_is_drawn_once() -> None:
    """Lines on top of each other would look bolder than others."""
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("c", "d"), Edge("a", "c"), Edge("a", "d")]
    description = Description("f", "pipeline", "f", stages("a", "b", "c", "d").nodes, tuple(edges))

    text = to_svg(description)

    pieces = re.findall(r"[LC][-\d., ]+", " ".join(re.findall(r'<path d="([^"]+)"/>', text)))
    assert len(pieces) == len(set(pieces))


def test_a_stage_that_reads_itself_has_a_loop() -> None:
    """The mistake can be seen, within the picture."""
    picture = drawn(Description("f", "pipeline", "f", stages("a").nodes, (Edge("a", "a"),)))

    assert size(picture)[0] > size(drawn(stages("a")))[0]
    assert len(list(picture.iter(f"{SVG}path"))) == 2


def test_a_pipeline_without_stages_says_so() -> None:
    """An empty picture would look like a failure."""
    assert written(drawn(Pipeline("flow"))) == ["no stages"]


def test_a_run_can_be_drawn() -> None:
    """The picture of a run shows what became of its stages."""

    def load(): ...

    def fit(load):
        raise ValueError

    flow = Pipeline("flow", stages={"load": load, "fit": fit}, progress=False)

    picture = drawn(flow.run(on_error="continue"))

    assert [box.findtext(f"{SVG}title", "").split(",")[0] for box in boxes(picture)] == [
        "load: ok",
        "fit: failed",
    ]


def test_the_same_pipeline_gives_the_same_picture() -> None:
    """A picture under version control changes only with the pipeline."""
    assert to_svg(chain("a", "b", "c")) == to_svg(chain("a", "b", "c"))


def test_escapes_are_shown_as_text() -> None:
    """A newline in a name is seen as its escape."""
    assert written(drawn(stages("two\nlines"))) == [visible("two\nlines")] == ["two\\nlines"]
