from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from pypedream.cli import app
from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import FileHashes
from pypedream.files.locks import Lock, Locks, OutLock
from pypedream.store import CacheStore


@pytest.fixture
def store(folder: Path) -> CacheStore:
    """The store of the workspace here, with two values."""
    store = CacheStore(folder / ".pypedream" / "store")
    store.once("rates/2024", lambda: "eur 1.08 gbp")
    store["text"] = "x" * 20_000
    return store


def test_ls_lists_what_is_kept(invoke, store):
    """One line a value, with what one decides by."""
    lines = invoke("cache", "ls").stdout.splitlines()

    assert lines[0].split() == ["key", "stage", "serializer", "size", "created", "used", "took"]
    assert lines[1].split()[:4] == ["rates/2024", "text", "12", "B"]
    assert lines[1].endswith("<1 ms")
    assert lines[2].split()[:4] == ["text", "text", "20.0", "kB"]


def test_ls_as_json(result_of, store):
    """A program sees bytes, seconds and times in UTC."""
    first, _ = result_of("cache", "ls")

    assert (first["key"], first["serializer"], first["size_bytes"]) == ("rates/2024", "text", 12)
    assert first["created"].endswith("+00:00")
    assert first["duration_s"] >= 0


@pytest.mark.parametrize("command", ["ls", "verify", "gc", "path"])
def test_a_store_that_is_not_there_is_not_made(invoke, command):
    """Looking at it is no mistake."""
    assert invoke("cache", command, "--dry-run" if command == "gc" else "--json").exit_code == 0

    assert not Path(".pypedream").exists()


def test_a_copy_becomes_a_file_again(project, invoke):
    """By the command that the run named, given as it is; what is there is not replaced."""
    (project / "shown.txt").write_text("mine")
    (warning,) = invoke("repro").stderr.splitlines()
    command = re.search(r"cache get \S+ \S+", warning)[0].split()

    refused = invoke(*command)
    (project / "shown.txt").unlink()
    made = invoke(*command)

    assert (refused.exit_code, made.exit_code) == (2, 0)
    assert refused.stderr == "error: shown.txt is there: move it, or name another file\n"
    assert made.stdout == "made shown.txt\n"
    assert (project / "shown.txt").read_text() == "mine"


@pytest.mark.parametrize("key", ["rates/2024", "file/12", "file/\udcff"])
def test_get_takes_the_key_of_a_copy(invoke, store, key):
    """Other values are no files."""
    result = invoke("cache", "get", key, "out.txt")

    assert result.exit_code == 2
    assert "is no key of a copy of a file: it begins with file/ or folder/" in result.stderr
    assert not Path("out.txt").exists()


def test_a_copy_that_is_not_there_is_told(invoke, store):
    """Nothing is made."""
    result = invoke("cache", "get", f"file/{'0' * 64}", "out.txt")

    assert result.exit_code == 2
    assert f'store has no copy "file/{"0" * 64}"' in result.stderr
    assert not Path("out.txt").exists()


def test_a_key_that_is_no_text_is_not_there(invoke, store):
    """As of an argument that is not in UTF-8; one line says so."""
    result = invoke("cache", "path", "te\udcffxt")

    assert result.exit_code == 2
    assert result.stderr.endswith('store has no "te\\udcffxt": it is no text in UTF-8\n')


def test_rm_deletes(invoke, store):
    """Only what is named."""
    assert invoke("cache", "rm", "text", "--dry-run").stdout == "would delete text\n"
    assert "text" in store
    assert invoke("cache", "rm", "text").stdout == "deleted text\n"

    assert store.keys() == ["rates/2024"]


def test_rm_of_a_mistyped_key_deletes_nothing(invoke, store):
    """The nearest key is named."""
    result = invoke("cache", "rm", "text", "rates/2023")

    assert result.exit_code == 2
    assert 'has no "rates/2023"; did you mean "rates/2024"?' in result.stderr
    assert len(store) == 2


def test_gc_says_what_it_deletes(invoke, result_of, store):
    """And what it would."""
    text = "would delete text\nwould delete 1 value and free 20.0 kB; 1 value kept\n"
    assert invoke("cache", "gc", "--max-size", "1kB", "--dry-run").stdout == text
    assert len(store) == 2

    assert result_of("cache", "gc", "--keep-last", "0")["kept"] == 0
    assert store.keys() == []


@pytest.mark.parametrize(
    "options, message",
    [
        (("--max-size", "big"), '"big" is no size: write 500MB or 10GB'),
        (("--max-age", "10"), '"10" is no time: write 12h, 30d or 8w'),
    ],
    ids=["size", "time"],
)
def test_a_limit_that_is_none(invoke, store, options, message):
    """The text shows how to write one."""
    result = invoke("cache", "gc", *options)

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("age, kept", [("1h", 2), ("30d", 2), ("0s", 0)])
def test_gc_by_age(result_of, store, age, kept):
    """What was used since stays."""
    assert result_of("cache", "gc", "--max-age", age)["kept"] == kept


def test_gc_keeps_what_a_lock_names(invoke, result_of, store, tmp_path):
    """It is counted, and a lock that cannot be read keeps everything."""
    (tmp_path / "x").write_text("kept")
    digest = FileHashes(tmp_path / "none", tmp_path).digest("x")
    FileBlobs(store).keep(tmp_path / "x", digest)
    locks = Locks(Path(store.location).parent)
    locks.write(Lock("stage", "0", outs={"x": OutLock(digest.sha256, digest.size)}))

    assert result_of("cache", "gc", "--keep-last", "0")["kept"] == 1
    assert store.keys() == [f"file/{digest.sha256}"]

    locks.path("stage").write_text("{")
    refused = invoke("cache", "gc", "--keep-last", "0")
    assert refused.exit_code == 2
    assert "stage.json is damaged in line 1: take it from git, or delete it" in refused.stderr
    assert len(store) == 1


def test_verify_ends_with_one_if_something_is_damaged(invoke, store):
    """It names what is; nothing is changed."""
    assert invoke("cache", "verify").stdout.startswith("2 of 2 values ok in ")
    Path(store.path("text")).unlink()

    result = invoke("cache", "verify")

    assert result.exit_code == 1
    assert result.stdout.startswith("missing text: missing\n1 of 2 values ok in ")
    assert len(store) == 2


def test_path_names_the_store_and_what_is_in_it(invoke, result_of, store):
    """For other programs to look at."""
    assert invoke("cache", "path").stdout == f"{store.location}\n"
    assert result_of("cache", "path", "text")["path"] == store.path("text")
    wrong = invoke("cache", "path", "tex")

    assert wrong.exit_code == 2
    assert 'has no "tex"; did you mean "text"?' in wrong.stderr


def test_another_workspace_is_named(invoke, store, folder):
    """As for all commands that read records."""
    elsewhere = invoke("cache", "ls", "--workspace", str(folder / "other"))

    assert elsewhere.stdout.startswith("nothing is kept in ")


def test_without_a_subcommand_there_is_help(invoke):
    """Each is there with a line that is not cut off."""
    result = invoke("cache")

    assert result.exit_code == 0
    assert "  verify  Compare everything with its digest.\n" in result.stdout
    assert "..." not in result.stdout.split("Commands:")[1]


def test_a_mistyped_subcommand(invoke):
    """The nearest one is named."""
    assert 'no command "cache verfy"; did you mean "verify"?' in invoke("cache", "verfy").stderr


def test_a_hostile_key_cannot_reach_the_terminal(invoke, store):
    """Somebody else's key is only text."""
    store["\u202e\x9b2J"] = 1

    text = invoke("cache", "ls").stdout

    assert "\\u202e" in text
    assert "\x9b" not in text


def test_the_options_of_each_subcommand_are_documented():
    """The page of the command line has them all."""
    page = Path(__file__).parents[2] / "_docs" / "reference" / "command-line.md"
    section = page.read_text(encoding="utf-8").split("\n## cache\n")[1].split("\n## ")[0]
    context = click.Context(app)
    group = app.get_command(context, "cache")
    for name in group.list_commands(context):
        assert f"`cache {name}" in section
        for parameter in group.get_command(context, name).params:
            if isinstance(parameter, click.Option):
                assert f"`{parameter.opts[0]}" in section
