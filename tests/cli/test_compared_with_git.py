"""What metrics, parameters, plots and data were in a revision of git, and going back to one."""

from __future__ import annotations

import json
import re
import shutil

import pytest

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


@pytest.fixture
def done(project, invoke, commit):
    """A project of which a state that is up to date is in git."""
    assert invoke("repro", "-q").exit_code == 0
    commit()
    return project


def states(result) -> dict[str, str]:
    return {key: one["state"] for key, one in json.loads(result.stdout)["stages"].items()}


def test_metrics_are_shown_by_file_and_name(done, invoke):
    """Nothing of the user's is imported: the locks say which files are metrics."""
    (done / "pipeline.py").write_text("1 / 0")
    (done / "metrics.json").write_text('{"test": {"auc": 0.5, "folds": [1, 2]}, "empty": {}}')

    assert json.loads(invoke("metrics", "show", "--json").stdout) == {
        "metrics.json": {"test.auc": 0.5, "test.folds.0": 1, "test.folds.1": 2, "empty": {}}
    }
    assert "metrics.json  test.auc" in invoke("metrics").stdout


def test_a_metric_that_is_not_there_is_named(done, invoke):
    """It is no file without metrics."""
    (done / "metrics.json").unlink()

    result = invoke("metrics", "show", "--json")

    assert json.loads(result.stdout) == {}
    assert result.stderr == 'metrics.json is not there: "repro" makes it\n'


def test_metrics_are_compared_with_a_revision(done, invoke):
    """Those that are the same are left out; numbers have a change."""
    assert invoke("metrics", "diff").stdout == "the same as in HEAD\n"
    (done / "in.json").write_text("[1, 2, 3, 4]")
    invoke("repro", "-q")

    lines = invoke("metrics", "diff").stdout.splitlines()

    assert [line.split() for line in lines] == [
        ["file", "name", "HEAD", "now", "change"],
        ["metrics.json", "count", "3", "4", "+1"],
    ]


def test_a_metric_that_is_new_or_gone_has_one_side(done, invoke):
    """And no change."""
    (done / "metrics.json").write_text('{"other": 1}')

    changes = json.loads(invoke("metrics", "diff", "--json").stdout)["changes"]

    assert [(each["name"], each["old"], each["new"], each["change"]) for each in changes] == [
        ("other", None, 1, None),
        ("count", 3, None, None),
    ]


def test_a_metric_that_is_no_json_is_named(done, invoke):
    """In one line."""
    (done / "metrics.json").write_text("{")

    assert "metrics.json is no JSON" in invoke("metrics", "diff").stderr


@pytest.mark.parametrize("command", ["metrics", "params", "plots", "data"])
def test_a_revision_that_is_not_there_is_named(done, invoke, command):
    """Also one that looks like an option of git."""
    result = invoke(command, "diff", "nope")

    assert result.exit_code == 2
    assert 'git knows no revision "nope"' in result.stderr


@pytest.mark.parametrize(
    "name, fix",
    {
        "nope": "; there are HEAD, main, v1.0",
        "mian": '; did you mean "main"?',
        "v1": '; did you mean "v1.0"?',
        "haed": '; did you mean "HEAD"?',
        "": "; there are HEAD, main, v1.0",
        "main~9": ': what is known of "main" does not go back so far',
        "nope~1": "; there are HEAD, main, v1.0",
    }.items(),
)
def test_what_is_meant_by_a_revision_that_is_not_there_is_told(done, invoke, git, name, fix):
    """Branches and tags are what there is to choose from."""
    git("branch", "-M", "main")
    git("tag", "v1.0")

    result = invoke("metrics", "diff", name)

    assert result.stderr == f'error: git knows no revision "{name}"{fix}\n'


def test_without_a_commit_nothing_can_be_compared(project, invoke, git):
    """That is what is missing then, and no name of a revision."""
    git("init", "-q")
    invoke("repro", "-q")

    assert invoke("data", "diff").stderr == 'error: git knows no revision "HEAD": commit first\n'


@pytest.mark.parametrize("command", ["metrics", "params", "plots", "data"])
def test_without_a_repository_it_is_said(project, invoke, command, monkeypatch):
    """One line, and no traceback of git."""
    invoke("repro", "-q")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parents[0]))

    assert "is in no git repository" in invoke(command, "diff").stderr


def test_parameters_of_stages_are_compared_with_a_revision(project, write, invoke, commit):
    """What they were is in the locks, what they are is what the next run would use."""
    path = project / "pipeline.py"
    text = path.read_text().replace('Pipeline("files")', 'Pipeline("files", P.define(most=5))')
    text = text.replace("import Pipeline", "import Parameters as P, Pipeline")
    path.write_text(text.replace("def count(", "def count(most, "))
    invoke("repro", "-q")
    commit()

    assert invoke("params", "diff").stdout == "the same as in HEAD\n"
    lines = invoke("params", "diff", "-p", "most=7").stdout.splitlines()

    assert lines[1].split() == ["count", "most", "5", "7"]
    assert "most" in invoke("params").stdout
    assert "most" in invoke("params", "show", "pipeline.py").stdout


@pytest.fixture
def drawn(project, write, invoke, commit):
    """A project with a picture whose first version is in git and in the store."""
    write(
        "pipeline.py",
        """
        from typing import Annotated
        from pypedream import Pipeline
        from pypedream.files import Dep, Plot
        from pypedream.formats import Bytes, Text

        def draw(
            dot: Annotated[bytes, Dep("dot.bin", Bytes())],
        ) -> Annotated[bytes, Plot("plots/a <b>.png", Bytes())]:
            return dot

        flow = Pipeline("drawn")
        flow.register(draw)
        """,
    )
    (project / "dot.bin").write_bytes(DOT)
    result = invoke("repro", "-q")
    if "Figure" in result.stderr:
        pytest.skip("only figures may be plots")
    assert result.exit_code == 0, result.stderr
    commit()
    return project


def test_plots_are_on_one_page(drawn, invoke):
    """It loads nothing, and what stands in a name is only text."""
    result = invoke("plots", "show", "--json")

    page = (drawn / ".pypedream" / "plots.html").read_text()
    assert json.loads(result.stdout)["plots"] == ["plots/a <b>.png"]
    assert page.count("<img src=") == 1
    assert "a &lt;b&gt;.png" in page
    assert not re.search(r"https?://|<script", page)


@pytest.mark.parametrize("command", ["metrics", "plots", "checkout", "gc"])
def test_where_no_stage_has_a_lock_it_is_said_which_has_one(invoke, flow, command):
    """To give "repro" again would not help."""
    invoke("repro", "-q")

    told = invoke(command).stderr

    assert re.fullmatch(r'error: no stage has a lock in .*: "repro" writes one for each .*\n', told)


@pytest.mark.parametrize("command", ["show", "diff"])
def test_where_there_are_no_plots_no_page_is_written(done, invoke, command):
    """As metrics have it, it is said, and no mistake."""
    told, document = invoke("plots", command), invoke("plots", command, "--json").stdout

    assert (told.exit_code, told.stdout) == (0, "there are none\n")
    assert json.loads(document) == {"file": None, "plots": [], "changed": [], "mistakes": []}
    assert not (done / ".pypedream" / "plots.html").exists()


def test_plots_are_beside_what_they_were(drawn, invoke):
    """What they were comes from the store; those that are the same are shown once."""
    assert json.loads(invoke("plots", "diff", "--json").stdout)["changed"] == []
    (drawn / "dot.bin").write_bytes(DOT + b"\\0")
    invoke("repro", "-q")

    result = invoke("plots", "diff", "--json", "--out", "both.html")

    assert json.loads(result.stdout)["changed"] == ["plots/a <b>.png"]
    assert (drawn / "both.html").read_text().count("<img src=") == 2


FITTED = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import JSONL, Dep, Plot
from pypedream.formats import JSON

def fitted(
    rate: Annotated[int, Dep("in.json", JSON())],
) -> Annotated[list[dict], Plot("out/loss.jsonl", JSONL(), x="step", y="loss")]:
    return [{"step": step, "loss": rate / (step + 1), "size": step} for step in range(5)]

flow = Pipeline("fitted")
flow.register(fitted)
"""


@pytest.fixture
def fitted(project, write, invoke, commit):
    """A project with a table that is a plot; its first version is in git and in the store."""
    write("pipeline.py", FITTED)
    write("in.json", "2")
    assert invoke("repro", "-q").exit_code == 0
    commit()
    return project


def test_a_table_is_drawn_by_the_columns_that_are_named(fitted, invoke):
    """The lock says which, so nothing of the user's is imported."""
    (fitted / "pipeline.py").write_text("1 / 0")

    assert invoke("plots", "show", "--no-open").exit_code == 0

    page = (fitted / ".pypedream" / "plots.html").read_text()
    assert page.count("<svg ") == 1
    assert "loss by step, 5 rows: lowest 0.4 at step 4, highest 2 at step 0" in page


def test_other_axes_of_a_plot_are_no_reason_to_run(fitted, write, invoke):
    """They are in the lock after the next run, which calls nothing."""
    write("pipeline.py", FITTED.replace('y="loss"', 'y="size", template="scatter"'))

    assert states(invoke("repro", "--json")) == {"fitted": "reused"}

    invoke("plots", "show", "--no-open")
    assert "size by step" in (fitted / ".pypedream" / "plots.html").read_text()


def test_a_table_and_what_it_was_are_one_chart(fitted, write, invoke):
    """The page loads nothing."""
    write("in.json", "3")
    invoke("repro", "-q")

    result = invoke("plots", "diff", "--json", "--out", "both.html")

    page = (fitted / "both.html").read_text()
    assert json.loads(result.stdout)["changed"] == ["out/loss.jsonl"]
    assert page.count("<svg ") == 1
    assert "loss by step, 10 rows: lowest 0.4 at step 4, highest 3 at step 0" in page
    assert not re.search(r"(src|href)=\W?https?://|<script", page)


def test_a_table_without_the_column_is_named(fitted, write, invoke):
    """On the page and in the terminal, with the nearest name; other plots are there anyway."""
    write("pipeline.py", FITTED.replace('y="loss"', 'y="los"'))
    invoke("repro", "-q")

    result = invoke("plots", "show", "--no-open")

    said = 'out/loss.jsonl has no column "los"; did you mean "loss"?'
    assert said in (fitted / ".pypedream" / "plots.html").read_text()
    assert result.stderr == f"not drawn: {said}\n"


def test_data_that_changed_is_listed(done, invoke):
    """Inputs and outputs, with their sizes."""
    assert invoke("data", "diff").stdout == "the same as in HEAD\n"
    (done / "in.json").write_text("[1, 2, 3, 4]")
    (done / "shown.txt").unlink()

    lines = invoke("data", "diff").stdout.splitlines()

    assert [line.split()[:3] for line in lines] == [
        ["state", "file", "kind"],
        ["modified", "in.json", "dep"],
        ["deleted", "shown.txt", "out"],
    ]


TABLE = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import Dep, Out
from pypedream.formats import Text

def copied(
    table: Annotated[str, Dep("in.csv", Text())],
) -> Annotated[str, Out("out/table.csv", Text())]:
    return table

flow = Pipeline("table")
flow.register(copied)
"""


def test_rows_of_tables_are_compared(project, write, invoke, commit):
    """By what is in them, or by a key; what the table was is in the store."""
    write("pipeline.py", TABLE)
    write("in.csv", "id;price\n1;2.5\n2;3.5\n3;4\n")
    invoke("repro", "-q")
    commit()
    write("in.csv", "id;price;note\n1;2.5;\n2;9;\n4;4;new\n")
    invoke("repro", "-q")

    found = json.loads(invoke("data", "diff", "--key", "id", "--json").stdout)["changes"]
    rows = {each["path"]: each["rows"] for each in found}

    assert rows["out/table.csv"] == rows["in.csv"]
    assert rows["in.csv"]["columns_added"] == ["note"]
    assert [row["id"] for row in rows["in.csv"]["added"]] == ["4"]
    assert [row["id"] for row in rows["in.csv"]["removed"]] == ["3"]
    assert [new["price"] for _, new in rows["in.csv"]["changed"]] == ["2.5", "9"]
    text = invoke("data", "diff", "--rows").stdout
    assert "out/table.csv: 3 rows added, 3 removed, 0 changed" in text
    assert 'no column "nr"' in invoke("data", "diff", "--key", "nr").stderr


def test_a_key_counts_where_a_table_has_it(project, write, invoke, commit):
    """Other tables are compared as without; it is an error if none has it."""
    write("pipeline.py", TABLE.replace("return table", 'return table.replace("id", "nr")'))
    write("in.csv", "id;price\n1;2\n")
    invoke("repro", "-q")
    commit()
    write("in.csv", "id;price\n1;3\n")
    invoke("repro", "-q")

    lines = invoke("data", "diff", "--key", "id").stdout.splitlines()

    assert "in.csv: 0 rows added, 0 removed, 1 changed" in lines
    assert "out/table.csv: 1 row added, 1 removed, 0 changed" in lines
    wrong = invoke("data", "diff", "--key", "price2")
    assert wrong.exit_code == 2
    assert 'in.csv has no column "price2" in each row; did you mean "price"?' in wrong.stderr


def test_a_checkout_of_an_old_revision_calls_nothing(done, invoke, git, commit):
    """Git brings back inputs, code and locks, and checkout the outputs."""
    (done / "in.json").write_text("[7]")
    text = (done / "pipeline.py").read_text()
    (done / "pipeline.py").write_text(text.replace('", "', '" & "'))
    invoke("repro", "-q")
    commit()
    assert (done / "shown.txt").read_text() == "7"
    git("checkout", "-q", "HEAD~1")

    result = invoke("checkout")

    assert result.exit_code == 0, result.stderr
    assert (done / "shown.txt").read_text() == "1, 2, 3"
    assert json.loads((done / "out" / "rows.json").read_text()) == [1, 2, 3]
    assert states(invoke("repro", "--json")) == {"count": "reused", "shown": "reused"}
    assert invoke("verify").exit_code == 0


def test_a_clone_without_the_store_says_what_changed_since_the_lock(
    done, invoke, git, tmp_path, monkeypatch
):
    """No run is recorded there, and the locks are enough."""
    clone = tmp_path / "clone"
    git("clone", "-q", ".", str(clone))
    monkeypatch.chdir(clone)
    (clone / "in.json").write_text("[7]")

    lines = invoke("status", "--explain").stdout.splitlines()

    assert any(re.match(r'    file "in.json": \w{10} -> \w{10}$', line) for line in lines), lines


@pytest.fixture
def clone(done, invoke, git, commit, tmp_path, monkeypatch):
    """A clone without the store and without the input, which is in no git."""
    git("rm", "-q", "--cached", "in.json")
    with (done / ".gitignore").open("a") as file:
        file.write("in.json\n")
    commit()
    made = tmp_path / "clone"
    git("clone", "-q", ".", str(made))
    monkeypatch.chdir(made)
    return made


def test_what_is_missing_may_count_as_the_locks_say(clone, invoke):
    """Then a clone without data is up to date, and stays without."""
    assert 'there is no file "in.json"' in invoke("repro").stderr

    assert states(invoke("repro", "--allow-missing", "--json")) == {
        "count": "reused",
        "shown": "reused",
    }

    assert not (clone / "shown.txt").exists()
    assert "0 of 2 stages will run" in invoke("repro", "--allow-missing", "--dry-run").stdout


def test_a_stage_that_has_to_run_needs_its_files(clone, invoke):
    """What is missing and wanted is said before anything is called; other changes count."""
    text = (clone / "pipeline.py").read_text()
    (clone / "pipeline.py").write_text(text.replace("sorted(numbers)", "sorted(numbers)[::-1]"))

    result = invoke("repro", "--allow-missing")

    assert result.exit_code == 2
    assert 'there is no file "in.json"' in result.stderr


def test_a_file_that_is_there_counts_as_it_is(clone, invoke):
    """Only what is missing is taken on trust."""
    (clone / "in.json").write_text("[7]")

    assert states(invoke("repro", "--allow-missing", "--json")) == {"count": "ok", "shown": "ok"}
    assert (clone / "shown.txt").read_text() == "7"


def test_copies_that_are_there_come_back_all_the_same(done, invoke):
    """Where the store has an output it is made again, though it may be missing."""
    (done / "shown.txt").unlink()

    invoke("repro", "--allow-missing", "-q")

    assert (done / "shown.txt").read_text() == "1, 2, 3"
