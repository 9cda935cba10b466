"""What a pipeline can be written as is a table that other packages add to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from xml.etree import ElementTree

import pytest

from pypedream import Pipeline, view
from pypedream.errors import ExportError, NotRegistered
from pypedream.export.exporters import BUILT_IN, exporter, exporters
from pypedream.export.mark import marked
from pypedream.export.writing import text_by

from .outlines import everything, of

PAGE = Path(__file__).parents[2] / "_docs" / "how-to" / "write-an-exporter.md"
PICTURES = ("mermaid", "graphviz", "svg")


@pytest.fixture
def flow():
    made = Pipeline("sums")
    made.stage(lambda: [1, 2], name="load")
    made.stage(lambda load: [*load], name="total")
    return made


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package, as far as its entry points go."""

    def add(name: str, value: str, text: str = "") -> None:
        package = tmp_path / f"plug_{name}"
        info = package / f"plug_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plug-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pypedream.exporters]\n{name} = {value}\n")
        (package / f"plugged_{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(package)

    yield add
    for name in [each for each in sys.modules if each.startswith("plugged_")]:
        del sys.modules[name]


def example() -> str:
    """The exporter of the page that says how to write one."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]


def test_the_example_of_the_page_is_an_exporter(install, flow, tmp_path):
    """Installed as the page says, it writes files that are known and replaced as ours are."""
    install("makefile", "plugged_makefile:Makefile", example())
    file = tmp_path / "sums.mk"

    made = exporter("makefile")
    written = text_by(made, flow, str(file))
    refused_map = everything()

    assert written.text == (
        "# sums\nload:\n\tpython -m pypedream run --only load\n"
        "total: load\n\tpython -m pypedream run --only total\n"
    )
    assert file.read_text(encoding="utf-8") == written.text
    assert text_by(made, flow, str(file)).path == str(file)
    with pytest.raises(ExportError, match=r"make cannot map: bronze\.square, half"):
        made.write(refused_map)
    assert list(exporters()) == [*BUILT_IN, "makefile"]


def test_the_page_prints_what_it_says(capsys):
    """Its examples, one after the other."""
    page = PAGE.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)

    exec(compile(code, PAGE.name, "exec"), {"__name__": "page"})

    assert capsys.readouterr().out == f"{shown}\n"


@pytest.mark.parametrize(
    "value, text, said",
    [
        ("plugged_x:x", "raise OSError('no licence')", "OSError: no licence"),
        ("plugged_x:y", "", "AttributeError: module 'plugged_x' has no attribute 'y'"),
        (
            "plugged_x:x",
            "class x:\n    write = None",
            "it has no name and no summary and no suffix",
        ),
        (
            "plugged_x:x",
            "class x:\n    name = 'y'; summary = ''; suffix = ''; write = None",
            'it calls itself "y"',
        ),
    ],
    ids=["raises", "is not there", "is none", "other name"],
)
def test_one_that_cannot_be_used_is_one_warning(install, value, text, said):
    """It keeps nobody from using the others."""
    install("x", value, text)

    with pytest.warns(UserWarning, match=re.escape(said)) as warned:
        found = exporters()

    assert list(found) == list(BUILT_IN)
    assert str(warned[0].message).startswith('the exporter "x" of plug-x cannot be used: ')
    with pytest.raises(NotRegistered, match=re.escape(said)):
        exporter("x")


def test_names_of_ours_cannot_be_taken(install):
    """An exporter of another package that bears one is not asked for."""
    install("svg", "plugged_svg:svg", "raise SystemExit('imported')")

    assert exporters() == BUILT_IN
    assert exporter("svg") is BUILT_IN["svg"]


def test_a_name_that_nothing_has_is_told_the_nearest(install):
    """Among those of other packages too."""
    install("makefile", "plugged_makefile:Makefile", example())

    with pytest.raises(NotRegistered, match='called "makfile"; did you mean "makefile"'):
        exporter("makfile")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_known_and_replaced(flow, tmp_path, name):
    """Unless somebody has changed it since."""
    file = tmp_path / f"flow{BUILT_IN[name].suffix}"
    first = text_by(BUILT_IN[name], flow, str(file)).text
    flow.stage(lambda total: total, name="more")

    second = text_by(BUILT_IN[name], flow, str(file)).text
    file.write_text(second.replace("more", "less"), encoding="utf-8")

    assert first != second
    assert second == marked(text_by(BUILT_IN[name], flow).text, file.suffix)
    with pytest.raises(ExportError, match="was not written by this export, or was changed since"):
        text_by(BUILT_IN[name], flow, str(file))
    text_by(BUILT_IN[name], flow, str(file), overwrite=True)
    assert file.read_text(encoding="utf-8") == second


def test_a_file_says_what_is_in_it(flow, tmp_path):
    """A picture does not replace a page that happens to be named."""
    with pytest.raises(ExportError, match=r'no name for what "mermaid" writes: it ends with \.mmd'):
        text_by(BUILT_IN["mermaid"], flow, str(tmp_path / "README.md"))


def test_diagrams_are_those_of_the_views(flow):
    """What an outline says is what is drawn of the pipeline itself."""
    assert text_by(BUILT_IN["mermaid"], flow).text == view.to_mermaid(flow) + "\n"
    picture = ElementTree.fromstring(text_by(BUILT_IN["svg"], flow).text)
    drawn = ElementTree.fromstring(view.to_svg(flow))
    assert [each.tag for each in picture.iter()] == [each.tag for each in drawn.iter()]


def test_graphviz_has_groups_and_what_only_waits():
    """Each name is a label, whatever is in it."""
    text = BUILT_IN["graphviz"].write(everything(group_as_task=["bronze.silver"]))
    flow = Pipeline('a "b"\\n')
    flow.stage(lambda: 1, name='c"]\\')

    assert '  subgraph cluster_0 {\n    label="bronze"\n' in text
    assert ' [label="load"]\n' in text
    assert 'label="silver", shape=box3d, style=""]' in text
    assert "[style=dashed]" in text
    flow.stage(lambda: 1, name="R&D &lt;")
    hostile = BUILT_IN["graphviz"].write(of(flow))
    assert 'label="a \\"b\\"\\\\n"' in hostile
    assert 'n0 [label="c\\"]\\\\"]' in hostile
    assert 'n1 [label="R&amp;D &amp;lt;"]' in hostile


@pytest.mark.skipif(which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_it():
    """A box for each task."""
    text = BUILT_IN["graphviz"].write(everything())

    done = subprocess.run(
        ["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True
    )

    assert done.stderr == ""
    assert sum(line.startswith("node ") for line in done.stdout.splitlines()) == 8


def test_no_view_and_no_engine_is_needed_to_know_them():
    """The names cost nothing: what writes is imported when it writes."""
    code = (
        "import sys, pypedream.export.exporters;"
        "print([each for each in sys.modules if each.startswith(('pypedream.view',"
        " 'pypedream.export.airflow', 'pypedream.engine', 'importlib.metadata'))])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PAGE.parents[2],
    )

    assert done.stdout.strip() == "[]"
