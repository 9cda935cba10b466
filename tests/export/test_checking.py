"""Any change of a DAG file is found: by its bytes, and by what Airflow reads in it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import evolve

from pypedream.errors import ExportError
from pypedream.export.airflow.checking import checked, command_in, seen_by, unlike
from pypedream.export.airflow.dag_file import dag_text
from pypedream.export.airflow.expected import expected
from pypedream.export.airflow.exporting import Prepared
from pypedream.export.mark import marked
from pypedream.export.outline import NO_DEFAULT, Param

from .outlines import everything

CACHE = Path(__file__).parents[2] / ".pytest_cache"
PYTHONS = sorted(str(each) for each in CACHE.glob("airflow-*/bin/python"))

# What no reader of the tasks could tell; the others change what Airflow does.
UNSEEN = [
    ("def stage(name, upstream)", "def stage(name, upstream, more=1)"),
    ('"fingerprint": "abc"', '"fingerprint": "abd"'),
    ('"secrets": {"token": "CO2_TOKEN"}', '"secrets": {}'),
    ("map_chunk=2)", "map_chunk=3)"),
    ("from __future__ import annotations\n", "from __future__ import annotations\n\n"),
]
EDITS = [
    ('task_id="total"', 'task_id="totals"'),
    ("retries=3", "retries=4"),
    ("timedelta(seconds=0.5)", "timedelta(seconds=5)"),
    ("timedelta(seconds=60)", "timedelta(minutes=60)"),
    ("        retry_exponential_backoff=True,\n", ""),
    ('pool="gpu_0"', 'pool="other"'),
    ("priority_weight=3", "priority_weight=2"),
    ("max_active_tis_per_dagrun=4", "max_active_tis_per_dagrun=5"),
    ('trigger_rule="none_failed"', 'trigger_rule="all_done"'),
    (', trigger_rule="none_failed"', ""),
    ("bronze__silver__fine >> total", "bronze__load >> total"),
    ("    bronze__silver__fine >> total\n", ""),
    ('{"maybe": maybe}', "{}"),
    ('{"maybe": maybe}', '{"perhaps": maybe}'),
    ('half__items["shape"]', "half__items"),
    ('name="bronze.square"', 'name="square"'),
    ('TaskGroup("silver")', 'TaskGroup("gold")'),
    ("Param(3", "Param(4"),
    ("minimum=0", "minimum=1"),
    ('        "model.depth": Param("a", type="string", enum=["a", "b"]),\n', ""),
    ("catchup=False", "catchup=True"),
    ('schedule="@daily"', "schedule=None"),
    ('tags=["pypedream"]', 'tags=["mine"]'),
    ('dag_id="my_pipeline_u"', 'dag_id="mine"'),
    ('dag_display_name="my pipeline ü"', 'dag_display_name="mine"'),
    ("description='About it", "description='About this"),
    ('task_display_name="the last one"', 'task_display_name="last"'),
    ("doc_md='Load", "doc_md='Read"),
    ("item=bronze__square__items", "item=bronze__load"),
    (
        'task_display_name="the last one",\n',
        'task_display_name="the last one",\n        retries=1,\n',
    ),
]


@pytest.fixture(scope="module")
def made():
    outline = everything(schedule="@daily", map_chunk=2)
    # A required parameter is no option of what has a schedule.
    params = {
        name: Param(name, each.schema, {})
        if each.default is NO_DEFAULT and not each.is_secret
        else each
        for name, each in outline.params.items()
    }
    outline = evolve(outline, params=params)
    return Prepared(marked(dag_text(outline)), outline)


def edited(made, edit):
    was, now = edit
    assert was in made.text, was
    return made.text.replace(was, now, 1)


def test_what_was_not_changed_is_up_to_date(made, tmp_path):
    """Without Airflow it says that nothing else was looked at."""
    file = tmp_path / "dag.py"
    file.write_text(made.text, encoding="utf-8")

    found = checked(str(file), made)

    assert found.are_good
    assert str(found).splitlines()[0] == f"{file} is up to date"


@pytest.mark.parametrize("edit", [*EDITS, *UNSEEN], ids=lambda edit: edit[0].strip())
def test_each_change_of_the_text_is_found(made, tmp_path, edit):
    """Byte by byte, whatever it means."""
    file = tmp_path / "dag.py"
    file.write_text(edited(made, edit), encoding="utf-8")

    found = checked(str(file), made)

    assert not found.are_good
    assert any(line[:1] in "+-" for line in found.difference)


def test_other_ends_of_lines_are_a_change(made, tmp_path):
    """Even where no line differs; and so is a last line that says something else."""
    file = tmp_path / "dag.py"
    said = ("only the last line, or the ends of lines, differ",)

    other = made.text[:-2] + ("1" if made.text[-2] == "0" else "0") + "\n"
    for text in (made.text.replace("\n", "\r\n"), made.text.rstrip("\n"), other):
        file.write_bytes(text.encode())
        assert checked(str(file), made).difference == said


def test_a_long_difference_is_cut(made, tmp_path):
    """The first lines are enough to know what happened."""
    file = tmp_path / "dag.py"
    file.write_text("x = 1\n", encoding="utf-8")

    *_, last = checked(str(file), made).difference

    assert last.startswith("... and ")


def test_a_file_says_how_it_was_exported(made, tmp_path):
    """As the arguments of the command; what is no DAG file says nothing."""
    file = tmp_path / "dag.py"
    file.write_text(made.text, encoding="utf-8")
    broken = tmp_path / "broken.py"
    broken.write_text("def (", encoding="utf-8")

    assert command_in(str(file)) == ["flows:flow", "--out", "dags/x.py"]
    with pytest.raises(ExportError, match="is no Python file"):
        command_in(str(broken))
    with pytest.raises(ExportError, match=r"cannot read .*: No such file or directory"):
        command_in(str(tmp_path / "nothing.py"))
    broken.write_bytes(b"\xff")
    with pytest.raises(ExportError, match=r"cannot read .*: it is no text in UTF-8"):
        checked(str(broken), made)


def test_an_interpreter_without_airflow_is_told(tmp_path):
    """In a line, with what it said last."""
    file = tmp_path / "dag.py"
    file.write_text("", encoding="utf-8")

    with pytest.raises(ExportError, match="for what Airflow reads"):
        seen_by(str(tmp_path / "python"), str(file))
    if find_spec("airflow") is None:
        with pytest.raises(ExportError, match="ModuleNotFoundError: No module named 'airflow'"):
            seen_by(sys.executable, str(file))


@pytest.mark.airflow
@pytest.mark.parametrize("python", PYTHONS, ids=lambda each: Path(each).parents[1].name)
def test_airflow_reads_what_the_outline_says(made, tmp_path, python):
    """And something else after each edit that changes what it does; nothing is left behind."""
    texts = [made.text, *(edited(made, edit) for edit in EDITS)]
    files = [tmp_path / f"dag_{number}.py" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")

    found = seen_by(python, *map(str, files))

    unedited, *others = [
        [*each["errors"], *unlike(expected(made.outline), each["dags"])] for each in found
    ]
    assert unedited == []
    unnoticed = [edit for edit, differences in zip(EDITS, others, strict=True) if not differences]
    assert unnoticed == []
    assert sorted(tmp_path.iterdir()) == sorted(files)
