"""Copies of outputs in other stores, and what of the own store may go: push, fetch, pull, gc."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def done(project, invoke, tmp_path):
    """A project that is up to date and has a remote."""
    (project / "pyproject.toml").write_text(f'[tool.pypedream]\nremote = "{tmp_path}/far"\n')
    assert invoke("repro", "-q").exit_code == 0
    return project


def lose_the_store(project) -> None:
    shutil.rmtree(project / ".pypedream" / "store")


def test_what_was_pushed_can_be_pulled(done, invoke):
    """On another machine the locks come by git, and the outputs from the remote."""
    assert invoke("push").stdout == "pushed 2 files\n"
    assert invoke("push").stdout == "pushed 0 files\n"
    lose_the_store(done)
    (done / "shown.txt").unlink()
    (done / "out" / "rows.json").unlink()

    result = invoke("pull", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["fetched"] == {"copied": 2, "missing": []}
    assert (done / "shown.txt").read_text() == "1, 2, 3"
    assert json.loads(invoke("repro", "--json").stdout)["stages"]["count"]["state"] == "reused"


def test_fetch_touches_no_file(done, invoke):
    """It fills the store; a stage may be named."""
    invoke("push")
    lose_the_store(done)
    (done / "shown.txt").unlink()

    assert invoke("fetch", "--stage", "shown").stdout == "fetched 1 file\n"

    assert not (done / "shown.txt").exists()
    assert invoke("checkout", "shown").exit_code == 0
    assert (done / "shown.txt").read_text() == "1, 2, 3"


def test_what_nobody_has_is_named(done, invoke):
    """And the exit code says so."""
    lose_the_store(done)
    result = invoke("push")

    assert result.exit_code == 1
    assert "no copy: out/rows.json" in result.stderr
    assert "no copy: shown.txt" in result.stderr


def test_damage_in_the_remote_does_not_come_here(done, invoke, tmp_path):
    """What is copied is compared with its digest."""
    text = (done / "pipeline.py").read_text()
    (done / "pipeline.py").write_text(text.replace("map(str, rows))", "map(str, rows)) * 9999"))
    invoke("repro", "-q")
    invoke("push")
    blobs = [path for path in (tmp_path / "far").rglob("*") if path.is_file()]
    (large,) = [path for path in blobs if path.read_bytes().startswith(b"1, 2, 3")]
    large.chmod(0o600)
    large.write_bytes(large.read_bytes()[:-1] + b"!")
    lose_the_store(done)

    with pytest.warns(UserWarning, match="file/"):
        result = invoke("fetch")

    assert result.exit_code == 1
    assert "no copy: shown.txt" in result.stderr


def test_a_remote_is_named_by_its_name_or_its_place(done, invoke, tmp_path):
    """A name that is not there is a mistake, and the nearest one is said."""
    (done / "pyproject.toml").write_text(
        f'[tool.pypedream.remotes]\nbackup = "{tmp_path}/b"\nother = {{ url = "{tmp_path}/o" }}\n'
    )

    assert "no remote: name a folder" in invoke("push").stderr
    assert invoke("push", "backup").stdout == "pushed 2 files\n"
    assert invoke("push", "other").stdout == "pushed 2 files\n"
    assert invoke("push", f"{tmp_path}/c").stdout == "pushed 2 files\n"
    assert 'no remote "backp"; did you mean "backup"?' in invoke("push", "backp").stderr


@pytest.mark.parametrize(
    "settings",
    [
        'remote = "../near/far"',
        'remotes = { far = "../near/far" }',
        'remotes.far.url = "../near/far"',
    ],
    ids=["usual", "by name", "with options"],
)
def test_the_settings_name_a_folder_from_where_they_are(done, invoke, monkeypatch, settings):
    """Wherever the command is given; what it names itself is seen from here."""
    (done / "pyproject.toml").write_text(f"[tool.pypedream]\n{settings}\n")
    (done / "deep").mkdir()
    monkeypatch.chdir(done / "deep")

    assert invoke("push").stdout == "pushed 2 files\n"
    assert (done.parent / "near" / "far").is_dir()
    assert invoke("push", "./far").stdout == "pushed 2 files\n"
    assert (done / "deep" / "far").is_dir()


@pytest.mark.parametrize("command", ["fetch", "pull"])
def test_nothing_comes_from_a_folder_that_is_not_there(done, invoke, command, tmp_path):
    """As where its name was mistyped: it is not taken for one that is empty."""
    result = invoke(command, f"{tmp_path}/fra")

    assert result.exit_code == 2
    assert f'there is no folder {tmp_path}/fra: name another remote, or "push"' in result.stderr
    assert not (tmp_path / "fra").exists()


def test_gc_deletes_what_no_lock_names(done, invoke):
    """What the locks here name stays, so that nothing has to be called again."""
    (done / "in.json").write_text("[7]")
    invoke("repro", "-q")

    dry = json.loads(invoke("gc", "--here", "--dry-run", "--json").stdout)
    pruned = json.loads(invoke("gc", "--here", "--json").stdout)

    assert dry["keys"] == pruned["keys"]
    assert sum(key.startswith("file/") for key in pruned["keys"]) == 3
    (done / "shown.txt").unlink()
    assert invoke("checkout").exit_code == 0
    states = json.loads(invoke("repro", "--json").stdout)["stages"]
    assert {one["state"] for one in states.values()} == {"reused"}


def test_gc_keeps_what_other_branches_name(done, invoke, commit, git):
    """And with their history what any commit named."""
    commit()
    git("branch", "other")
    (done / "in.json").write_text("[7]")
    invoke("repro", "-q")
    commit()

    assert json.loads(invoke("gc", "--json").stdout)["keys"] == []
    git("branch", "-D", "other")
    assert json.loads(invoke("gc", "--history", "--dry-run", "--json").stdout)["keys"] == []
    assert len(json.loads(invoke("gc", "--json").stdout)["keys"]) >= 2


def test_gc_asks_git_unless_it_is_told_not_to(done, invoke, monkeypatch):
    """Without a repository nobody knows which other locks there are."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(done.parent))

    result = invoke("gc")

    assert result.exit_code == 2
    assert "or let only the locks here count: --here" in result.stderr
    assert "exclude each other" in invoke("gc", "--here", "--history").stderr


@pytest.mark.parametrize("command", [("status",), ("status", "--explain"), ("repro", "--dry-run")])
def test_in_a_fresh_clone_it_is_said_that_pull_brings_the_outputs(done, invoke, command):
    """Once, and only where there is a remote and something to be brought."""
    line = '  to call less: pull brings what the remote has, such as "out/rows.json"'
    assert line not in invoke(*command).stdout.splitlines()
    invoke("push")
    lose_the_store(done)
    (done / "metrics.json").unlink()
    from_git = invoke(*command).stdout.splitlines()
    (done / "out" / "rows.json").unlink()
    (done / "shown.txt").unlink()

    with_remote = invoke(*command).stdout.splitlines()
    (done / "pyproject.toml").write_text("")
    without = invoke(*command).stdout.splitlines()

    assert with_remote.count(line) == 1
    assert [each for each in with_remote if each != line] == without
    assert not [each for each in from_git if "pull" in each]
