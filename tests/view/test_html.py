from __future__ import annotations

import base64
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline, Secret
from pypedream.engine.history import recorded_run
from pypedream.engine.run import Run
from pypedream.log.terminal import visible
from pypedream.view import to_html
from pypedream.view.description import Description, Edge, Node
from pypedream.view.html import fragment, page_of
from pypedream.view.labels import width_of
from pypedream.view.page import Line, Page, Row, Said, Sample, Section, Trouble

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {
    *("div", "style", "pre", "b", "i", "span", "code", "img", "input", "label", "details"),
    *("summary", "table", "caption", "tr", "th", "td"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    "</pre><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'><b>",
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)',
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "&lt;b&gt;",
    "&amp;",
    "&#60;script&#62;",
    "</div></details>",
    "<details open>",
    "<style>*{display:none}</style>",
    "<base href=//evil>",
    "javascript:alert(1)",
    "{{constructor}}",
    "${7*7}",
    "`backtick`",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;file:///\x07link\x1b]8;;\x07",
    "\x00\x08\x7f\x9b",
    "abc\u202etxt.exe",
    "\u2066hidden\u2069\u200b",
    "\ud800\udfff\ufffe\uffff",
    "line\rone\x0btwo\u2028three",
]


def image_of(html: str) -> ElementTree.Element:
    """The picture in the HTML."""
    source = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', html)
    assert len(source) == 1
    return ElementTree.fromstring(base64.b64decode(source[0]))


def without_image(html: str) -> str:
    return re.sub(r'base64,[^"]*', "", html)


def rules_of(document) -> list[str]:
    """The style sheets without the width of the column of names, which is as wide as they are."""
    return [re.sub(r"--n:min\([0-9.]+em", "", style) for style in document.styles]


def heads_of(html: str) -> list[str]:
    """The line of each stage."""
    return re.findall(r"<details class=[^>]*><summary>(.*?)</summary>", html)


def page_with(text: str) -> Page:
    """A page in which everything that a user may name, give or print is *text*."""
    node = Node(text, text, state="failed", note=text, group=text, about=text, is_mapped=True)
    other = Node("other", text, state="ok", duration_s=1.0, items={text: 2})
    row = Row(text, text, text, text)
    said = Said((Line(text), Line(text, "warning"), Line(text, "error")), (Line(text),), 3, 1, 1)
    section = Section(
        node,
        chips=(text,),
        facts=(row,),
        inputs=(row,),
        outputs=(Sample(text, text, (text,), (text,), ((text,), (text,))), Sample(text, text)),
        said=said,
        took=text,
        span=(0.0, 1.0),
        where=text,
        error=text,
    )
    return Page(
        Description(text, "run", text, (node, other), (Edge(text, "other"),)),
        state="failed",
        facts=(text,),
        troubles=(Trouble(text, text, 2, (), (row,), (text,), (text,)),),
        parameters=(row,),
        sections=(section, Section(other)),
        said=said,
        notes=(row,),
        span_s=1.0,
    )


@pytest.fixture
def weather() -> Pipeline:
    """A pipeline that prints, warns, logs, maps and fails if it is told to."""
    flow = Pipeline(
        "weather", Parameters.define(year=1990, divisor=0, token=Secret("hunter2-token"))
    )

    @flow.stage
    def stations(year):
        """List the stations."""
        print("\x1b[32mreading\x1b[0m", year)
        return ["oslo", "bergen"]

    @flow.stage(over="stations")
    def length(stations, token):
        print(token.reveal())
        return len(stations)

    @flow.stage
    def total(length):
        warnings.warn("few stations", stacklevel=1)
        logging.getLogger("lab").error("one is odd")
        return sum(length)

    @flow.stage
    def mean(total, divisor):
        return total / divisor

    @flow.stage
    def report(mean):
        return str(mean)

    return flow


@pytest.fixture
def failed(weather) -> Run:
    with pytest.warns(UserWarning, match="few stations"):
        return weather.run(on_error="continue")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_users_write_stays_text(text, parsed):
    """Names, values and prints cannot become tags, attributes or escape sequences."""
    html = fragment(page_with(text), "pd-0", has_fallback=True)

    document = parsed(html)
    harmless = parsed(fragment(page_with("x"), "pd-0", has_fallback=True))
    assert [tag for tag, _ in document.elements] == [tag for tag, _ in harmless.elements]
    names = {name for _, attributes in document.elements for name in attributes}
    assert names == {name for _, attributes in harmless.elements for name in attributes}
    assert rules_of(document) == rules_of(harmless)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\u2066-\u2069]", html)
    html.encode()


@given(text=st.text(min_size=1, max_size=20))
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_is_shown_as_it_is(parsed, text):
    """A reader sees what was printed, with what cannot be printed escaped."""
    document = parsed(fragment(page_with(text), "pd-0", has_fallback=False))

    shown = "\n".join(map(visible, text.split("\n")))
    assert shown in document.text


def test_there_is_no_script_and_no_address(failed, parsed):
    """A fragment loads nothing, and does nothing by itself."""
    html = to_html(failed)

    document = parsed(html)
    assert document.tags <= ALLOWED
    assert "http" not in html
    assert "url(" not in html
    assert not [name for _, one in document.elements for name in one if name.startswith("on")]


def test_the_picture_is_an_image_with_words(failed, parsed):
    """Inline SVG would not survive a sanitizer; who cannot see the image is told what is in it."""
    html = to_html(failed)

    written = [text.text for text in image_of(html).iter(f"{SVG}text")]
    assert "stations" in written
    assert "length \N{MULTIPLICATION SIGN}2" in written
    assert str(parsed(html).all("img")[0]["alt"]).startswith("5 stages. stations: ok, ")


def test_the_header_says_how_it_went(failed, parsed):
    """Name, state, how many stages, the id."""
    text = parsed(to_html(failed)).text

    assert re.search(r"weather ✗ failed 3/5 stages · .*s · \d{4}-\d\d-\d\d .* · run 0", text)


def test_a_failure_comes_first(failed, parsed):
    """Stage, error, the user's own lines, what it was called with, and what to do."""
    html = to_html(failed)

    text = parsed(html).text
    card = text[text.index("mean failed", text.index("3/5")) : text.index(" lines")]
    assert "ZeroDivisionError: division by zero" in card
    assert "test_html.py:" in card
    assert re.search(r"> \d+ +return total / divisor\n", card)
    assert 'divisor0parameter "divisor" (default)' in card
    assert 'total10stage "total"' in card
    assert "pipeline.resume()" in card
    assert 'pipeline.last_run.failure.to_test("test_mean.py")' in card
    assert html.index("ZeroDivisionError") < html.index("<img")


def test_what_to_type_next_names_the_pipeline_as_cells_do():
    """So it can be copied; other values of the user's are not asked what they are."""
    pytest.importorskip("IPython")
    cells = """
        class Odd:
            @property
            def __class__(self):
                raise RuntimeError("was asked")
        odd = Odd()
        from pypedream import Pipeline
        other, my_flow = Pipeline("other"), Pipeline("flow")
        my_flow.stage(name="half")(lambda: 1 / 0)
        my_flow.run(on_error="continue")
        page = my_flow.last_run._repr_mimebundle_()["text/html"]
        print([line in page for line in ("my_flow.resume()", "my_flow.last_run.failure.replay()")])
    """
    code = f"""
        from IPython.core.interactiveshell import InteractiveShell
        InteractiveShell.instance(colors="nocolor").run_cell({dedent(cells)!r})
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "[True, True]"


def test_of_many_failures_the_first_is_open(parsed):
    """The others have a line each, and what is not there is counted where they stand."""
    flow = Pipeline("flow", Parameters.define(number=list(range(9))))

    @flow.stage(over="number")
    def half(number):
        if number:
            raise ValueError(f"no half of {number}")

    html = to_html(flow.run(on_error="continue"))

    document = parsed(html)
    assert [one["class"] for one in document.all("div", "e")] == ["e"]
    assert ["open" in one for one in document.all("details", "e")] == [False] * 4
    assert "<b>half[5] failed</b> <span class=d>ValueError: no half of 5</span></summary>" in html
    assert "3 more calls failed" in document.text
    assert document.text.count("pipeline.resume()") == 1
    assert html.index("3 more calls") < html.index("<img")


def test_the_failed_stage_is_open_and_no_other(failed, parsed):
    """Whoever opens the page sees what to look at."""
    folds = parsed(to_html(failed)).all("details")

    assert ["open" in one for one in folds] == [False, False, False, True, False, False]


def test_a_stage_says_what_it_was_called_with_and_gave(failed, parsed):
    """Each argument with its value and its source."""
    text = parsed(to_html(failed)).text

    assert 'called withyear1990parameter "year" (default)' in text
    assert "gave ['oslo', 'bergen']" in text
    assert 'each item of stage "stations"' in text
    assert "items: 2 ok" in text
    assert 'needs "mean", which failed' in text


def test_a_line_of_a_stage_says_what_it_gave_and_whether_it_warned(failed, parsed):
    """The result of each stage can be read without opening it; so can what it complained of."""
    stations, length, total, mean, report = heads_of(to_html(failed))

    assert re.fullmatch(r"✓ ok stations \['oslo', 'bergen'\] <?\d.*s", parsed(stations).text)
    assert "✓ ok length [4, 6] " in parsed(length).text
    assert "✓ ok total 1 warning 1 error 10 " in parsed(total).text
    assert "✗ failed mean ZeroDivisionError: division by zero " in parsed(mean).text
    assert '⊘ blocked report needs "mean", which failed ' in parsed(report).text


def test_a_stage_that_gives_nothing_says_what_it_is_for(parsed):
    """None is no news; what it is for is said within in any case."""
    flow = Pipeline("flow")

    @flow.stage
    def publish():
        """Write the tables."""

    @flow.stage
    def count():
        """Count them."""
        return 3

    html = to_html(flow.run())

    assert ["Write the tables." in head for head in heads_of(html)] == [True, False]
    assert "Count them." in html


def test_the_result_of_a_stage_is_not_shown_if_it_is_a_secret(parsed):
    """By its name, also where there are several."""
    flow = Pipeline("flow", Parameters.define(token=Secret("s3cret-s3cret")))
    flow.stage("join")(lambda token: "x" * 150 + token.reveal())

    [head] = heads_of(to_html(flow.run()))

    assert "s3cret" not in head
    assert "<code>'xxx" in head


@pytest.mark.parametrize("label", ["fit", "a_name_of_a_stage_that_is_long", "読み込み"])
def test_the_column_of_names_is_as_wide_as_the_longest(label):
    """What is said of a stage has the room that is left."""
    nodes = (Node("a", label, state="ok"), Node("b", "b", state="interrupted"))
    page = Page(Description("flow", "run", "flow", nodes), sections=tuple(map(Section, nodes)))

    html = fragment(page, "pd-0", has_fallback=False)

    [(names, states)] = re.findall(r"div\.pd-0\{--n:min\((.*)em,34cqw\);--c:(\d+)px\}", html)
    assert width_of(label) < float(names) < 1.3 * width_of(label)
    assert 12 * width_of("■ interrupted") < int(states) < 150


def test_there_is_no_axis_without_a_bar(tmp_path, parsed):
    """Of a run in which nothing had to be called there is nothing to see in time."""
    flow = Pipeline("flow", workspace=tmp_path, cache="cached")
    flow.stage("one")(lambda: 1)

    shown = [len(parsed(to_html(flow.run())).all("div", "ax")) for _ in range(2)]

    assert shown == [1, 0]


def test_a_bar_at_the_end_can_be_seen():
    """However short the last stage is, its bar begins within the line."""
    node = Node("a", "a", state="ok", duration_s=0.0)
    page = Page(
        Description("flow", "run", "flow", (node,)),
        sections=(Section(node, span=(10.0, 10.0)),),
        span_s=10.0,
    )

    assert "left:98.5%;width:1.5%" in fragment(page, "pd-0", has_fallback=False)


def test_lines_bear_their_level_and_no_colour(failed, parsed, monkeypatch):
    """What was printed is shown without SGR codes; warnings and errors can be filtered."""
    monkeypatch.chdir(Path(__file__).parent)

    html = to_html(failed)

    document = parsed(html)
    assert "reading 1990\n" in document.text
    assert "<span class=w>UserWarning: few stations (test_html.py:" in html
    assert "<span class=r>error: one is odd\n</span>" in html
    assert [one["id"] for one in document.all("input")] == [
        one["for"] for one in document.all("label")
    ]


def test_secrets_are_nowhere(failed):
    """Neither as a value, nor printed, nor in the picture."""
    html = to_html(failed)

    picture = ElementTree.tostring(image_of(html), encoding="unicode")
    assert "hunter2" not in html + picture
    assert "***" in html


def test_a_secret_is_hidden_before_anything_is_cut(parsed):
    """The part of a long value that is shown may end within a secret."""
    flow = Pipeline("flow", Parameters.define(token=Secret("s3cret-" * 4)))
    flow.stage("long")(lambda token: "x" * 70 + token.reveal() + "y" * 500)

    assert "s3cret" not in to_html(flow.run())


def test_two_renderings_do_not_share_a_name(failed, parsed):
    """The buttons of one cell do not choose in another; the styles neither."""
    first, second = parsed(to_html(failed)), parsed(to_html(failed))

    ids = [{one["id"] for one in each.all("input")} for each in (first, second)]
    names = [{one["name"] for one in each.all("input")} for each in (first, second)]
    assert ids[0].isdisjoint(ids[1])
    assert len(names[0]) == len(names[1]) == 1
    assert names[0] != names[1]
    scopes = [each.all("div")[0]["class"] for each in (first, second)]
    assert scopes[0] != scopes[1]


def test_every_rule_is_for_the_fragment_alone(failed, parsed):
    """Nothing is set on the page around it."""
    document = parsed(to_html(failed))

    scope = f"div.{str(document.all('div')[0]['class']).split()[0]}"
    rules = re.sub(r"@container[^{]*\{((?:[^{}]*\{[^}]*\})*)\}", r"\1", document.styles[0])
    selectors = [each.strip() for each in re.findall(r"([^{}]+)\{", rules)]
    assert selectors
    for selector in selectors:
        parts = re.split(r",(?![^(]*\))", selector)
        assert all(part.strip().startswith(scope) for part in parts), selector


def sanitized(html: str) -> str:
    """What is left in a notebook that is not trusted: no style sheet, no class, no id."""
    html = re.sub("<style>.*?</style>", "", html, flags=re.DOTALL)
    return re.sub(r""" (class|id|name|for)=("[^"]*"|[^ >]*)""", "", html)


def test_without_styles_everything_can_be_read(failed, parsed):
    """All stages with their states, the failure and the image are still there."""
    html = sanitized(to_html(failed))

    document = parsed(html)
    for key in ("stations", "length", "total", "mean", "report"):
        assert key in document.text
    assert "mean failed: ZeroDivisionError: division by zero" in document.text
    assert document.texts[0].startswith("weather: failed in ")
    assert len(document.all("img")) == 1


def test_without_styles_there_is_no_axis(failed, parsed):
    """Its times stand above bars, which are made of styles."""
    [axis] = parsed(to_html(failed)).all("div", "ax")

    assert axis["style"] == "display:none"


def test_without_styles_no_inline_style_needs_a_variable(failed):
    """A sanitizer drops inline styles with var(), so there is none."""
    assert not re.search('style="[^"]*var', to_html(failed))


def test_a_plan_gives_its_reasons(weather, parsed):
    """Each decision with why, what is taken from earlier, and notes."""
    text = parsed(to_html(weather.plan(until="total", given={"stations": ["x"]}, divisor=2))).text

    assert "2 of 5 stages will run" in text
    assert "↺ reuse stations given" in text
    assert "▸ run length needed by total" in text
    assert "- skip mean not selected (until=total)" in text


def test_a_plan_says_what_it_expects_and_overlooks(tmp_path, parsed):
    """The time that is expected from earlier runs, and what a fingerprint does not hold."""
    flow = Pipeline("timed", workspace=tmp_path, cache="cached")

    @flow.stage
    def load():
        with open(__file__) as file:
            return file.read(10)

    flow.run()

    text = parsed(to_html(flow.plan())).text
    again = parsed(to_html(flow.plan(cache="force"))).text

    assert "↺ reuse load" in text
    assert 'not seenstage "load" ' in text
    assert re.search(r"1 of 1 stage will run · about <?\d+ ms", again)


def test_a_pipeline_shows_its_stages_and_parameters(weather, parsed):
    """Docstring and place of each stage; parameters with who set them."""
    text = parsed(to_html(weather)).text

    assert "weather 5 stages" in text
    assert re.search(r"stations List the stations\. .*test_html\.py:\d+", text)
    assert "year1990default" in text
    assert "token***default" in text


def test_a_pipeline_and_a_plan_say_what_is_annotated(parsed):
    """The types of arguments beside where they come from, and that of the result."""
    flow = Pipeline("flow", Parameters.define(numbers=[1, 2]))

    @flow.stage(over="numbers")
    def half(numbers: int) -> float:
        return numbers / 2

    @flow.stage
    def total(half: list[float], bare=1) -> dict[str, float]: ...

    @flow.stage
    def last(total: NotThere, half): ...  # noqa: F821

    for subject in (flow, flow.plan()):
        text = parsed(to_html(subject)).text
        assert "givesfloatfor each item" in text
        assert 'each item of parameter "numbers" (default)int' in text
        assert 'halfstage "half"list[float]' in text
        assert "givesdict[str, float]" in text
        assert 'totalstage "total"' in text
        assert "NotThere" not in text


def test_a_pipeline_with_mistakes_can_be_shown(parsed):
    """That is how one finds them."""
    flow = Pipeline("broken")
    flow.stage("total")(lambda lod: lod)

    text = parsed(to_html(flow)).text

    assert 'nothing gives its argument "lod" a value' in text


def test_an_empty_pipeline_can_be_shown(parsed):
    """It says that there is nothing."""
    assert "0 stages" in parsed(to_html(Pipeline("empty"))).text


def test_nothing_else_can_be_shown():
    """A clear line says what can."""
    with pytest.raises(TypeError, match="a Pipeline, a Plan, a Run or Runs can be shown, not int"):
        to_html(3)  # type: ignore[arg-type]


def test_a_recorded_run_is_shown_without_its_code(tmp_path, parsed):
    """The page of a record tells what that of the run itself told."""
    flow = Pipeline("weather", Parameters.define(divisor=0, key=1), workspace=tmp_path)
    flow.stage("load")(lambda key: 10)
    flow.stage("mean")(lambda load, divisor: load / divisor)
    flow.stage("report")(lambda mean: mean)
    with pytest.raises(ZeroDivisionError):
        flow.run(key=2)

    html = to_html(recorded_run(tmp_path))

    text = parsed(html).text
    assert "mean failed" in text
    assert "ZeroDivisionError: division by zero" in text
    assert re.search(r"test_html\.py:\d+ in <lambda>", text)
    assert 'divisor0parameter "divisor"' in text
    assert "python -m pypedream resume " in text
    assert "key2set for this run" in text
    assert '⊘ blocked report needs "mean", which failed' in text
    assert len(list(image_of(html).iter(f"{SVG}rect"))) == 3


def test_a_recorded_run_has_the_edges_of_stages_that_were_not_called(tmp_path):
    """What was blocked stands below all that it waits for, not only below what failed."""
    flow = Pipeline("flow", workspace=tmp_path)
    flow.stage("load")(lambda: 10)
    flow.stage("fail")(lambda load: load / 0)
    flow.stage("report", after="other")(lambda load, fail: fail)
    flow.stage("other")(lambda: 1)
    flow.run(on_error="continue")

    page = page_of(recorded_run(tmp_path))

    edges = {(edge.source, edge.target): edge.kind for edge in page.description.edges}
    assert edges == {
        ("load", "fail"): "value",
        ("load", "report"): "value",
        ("fail", "report"): "value",
        ("other", "report"): "value",
    }


def test_a_damaged_record_is_shown_as_far_as_it_goes(tmp_path, parsed):
    """What cannot be read is named."""
    flow = Pipeline("flow", workspace=tmp_path)
    flow.stage("load")(lambda: print("here"))
    run = flow.run()
    journal = Path(tmp_path, "runs", run.id, "journal.jsonl")
    journal.write_bytes(journal.read_bytes() + b"{torn\n")

    text = parsed(to_html(recorded_run(tmp_path))).text

    assert "1 line of the record cannot be read" in text
    assert "here" in text


def twenty_lines() -> Run:
    flow = Pipeline("sizes", Parameters.define(year=1990))

    def talk(name: str, lines: int, value: object) -> object:
        for number in range(lines):
            print(name, "has read row", number)
        return value

    flow.stage("load")(lambda year: talk("load", 5, list(range(20))))
    flow.stage("clean")(lambda load: talk("clean", 5, load))
    flow.stage("mean")(lambda clean: talk("mean", 4, 3.5))
    flow.stage("spread")(lambda clean: talk("spread", 4, 19))
    flow.stage("plot")(lambda mean, spread: talk("plot", 1, "plot.png"))
    flow.stage("report")(lambda plot: talk("report", 1, "report.txt"))
    return flow.run()


def test_a_usual_run_is_small():
    """Six stages and twenty lines are eleven kilobytes beside the picture."""
    html = to_html(twenty_lines())

    assert len(without_image(html).encode()) <= 11_000


def test_a_flood_of_lines_is_cut_in_the_middle(parsed):
    """Twenty thousand prints add less than a hundred kilobytes, and say how many are left out."""
    flow = Pipeline("flood")
    flow.stage("talk")(
        lambda: [print("a line of some forty letters, number", n) for n in range(20_000)]
    )

    html = to_html(flow.run())

    assert len(html.encode()) < 100_000
    text = parsed(html).text
    assert "number 0\n" in text
    assert "… 19,500 lines left out …" in text
    assert "number 19999\n" in text


@pytest.mark.parametrize("count, is_long", [(30, False), (31, True)])
def test_many_lines_of_a_stage_have_a_place_of_their_own(parsed, count, is_long):
    """A page is not as long as what was printed; of a long text the last lines are in sight."""
    flow = Pipeline("flow")
    flow.stage("talk")(lambda: [print("line", number) for number in range(count)])

    document = parsed(to_html(flow.run()))

    assert len(document.all("pre", "lo")) == is_long
    assert f"line {count - 1}\n" in document.text


def test_very_many_stages_are_folded(parsed):
    """A thousand stages are a few bundles, each with its stages inside."""
    flow = Pipeline("big")
    for number in range(1000):
        flow.stage((lambda: 1), name=f"s{number:03}")

    document = parsed(to_html(flow.run()))

    assert "s000 … s999 (1000)" in document.text
    assert len(document.all("details")) == 1001
