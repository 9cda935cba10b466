from __future__ import annotations

import os
import pickle
import shutil
import stat
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from pypedream.errors import StepError, StoreError
from pypedream.steps import Chain, Step
from pypedream.steps.cache import Reference

NOBODY = 65534


class Join(Step):
    word: str = "a"

    def _run(self, value: str) -> str:
        if value == "bad":
            raise ValueError("a bad word")
        return value + self.word


@pytest.fixture
def step(tmp_path):
    return Join(infra={"folder": tmp_path / "kept"})


def test_a_handle_says_what_is_kept(step):
    """Of one input; looking writes nothing."""
    handle = step.lookup("x")
    assert (handle.status, handle.cached(), handle.job()) == (None, False, None)
    assert not step.infra.folder.exists()
    with pytest.raises(StepError, match=r"no result is kept for this input in .*kept"):
        handle.result()

    step.run("x")

    assert (handle.status, handle.cached(), handle.result()) == ("success", True, "xa")
    assert step.lookup("y").status is None


def test_an_error_is_kept_and_raised(step):
    """It counts as cached."""
    with pytest.raises(ValueError, match="a bad word"):
        step.run("bad")

    assert (step.lookup("bad").status, step.lookup("bad").cached()) == ("error", True)
    with pytest.raises(ValueError, match="a bad word"):
        step.lookup("bad").result()


def test_a_handle_says_that_somebody_is_at_work(step, tmp_path):
    """For as long as that lasts."""
    begun, end = threading.Event(), threading.Event()

    class Waits(Step):
        def _run(self, value):
            begun.set()
            end.wait(20)
            return value

    waits = Waits(infra={"folder": tmp_path})
    thread = threading.Thread(target=waits.run, args=(1,))
    thread.start()
    begun.wait(20)
    during = waits.lookup(1).status, waits.lookup(1).cached(), waits.lookup(2).status
    end.set()
    thread.join()

    assert during == ("running", False, None)
    assert waits.lookup(1).status == "success"


def test_what_is_cleared_is_computed_again(tmp_path):
    """Of a chain its steps as well, unless the user says otherwise; of one input."""
    chain = Chain(steps=[Join(infra={}), Join(word="b")], infra={"folder": tmp_path})
    list(chain.run_many(["x", "y"]))

    chain.lookup("x").clear_cache(recursive=False)
    assert (chain.lookup("x").cached(), chain[0].lookup("x").cached()) == (False, True)
    chain.lookup("x").clear_cache()

    assert chain[0].lookup("x").cached() is False
    assert chain.lookup("y").cached() is True


def test_the_mapping_of_a_step_has_its_results_alone(step):
    """By the uid of each input."""
    list(step.run_many(["x", "y"]))
    step.clone(word="other").run("x")

    kept = step.lookup("x").cache_dict

    assert (len(kept), repr(kept)) == (2, f"<CacheDict {kept._start} in {kept._cache.location}>")
    assert sorted(kept.values()) == ["xa", "ya"]
    assert kept[step.lookup("x").uid] == "xa"
    assert "0" * 64 not in kept
    with pytest.raises(KeyError):
        kept["0" * 64]


def test_beside_the_results_is_what_the_step_was(tmp_path):
    """Whole, and what its identity is made of."""
    chain = Chain(steps=[Join(), Join(word="b", infra={})], infra={"folder": tmp_path})
    chain.run("x")

    folder = chain.lookup("x").paths.step_folder
    config = yaml.safe_load((folder / "config.yaml").read_text())
    uid = yaml.safe_load((folder / "uid.yaml").read_text())

    assert folder.name.startswith("Join+Join-")
    assert Chain(steps=config).run("y") == "yab"
    assert [step["word"] for step in uid["steps"]] == ["a", "b"]
    assert uid["identity"].startswith(folder.name.partition("-")[2])
    assert uid["steps"][0]["type"] == f"{Join.__module__}.Join"


def test_a_very_long_chain_writes_each_step_once(tmp_path):
    """What it says of others is where they are."""
    steps = [Join(infra={}) for _ in range(130)]
    chain = Chain(steps=steps, infra={"folder": tmp_path})
    chain.run("x")

    folder = chain.lookup("x").paths.step_folder
    text = (folder / "config.yaml").read_text()

    assert folder.name.startswith("130-steps-to-Join-")
    assert text.startswith("# after 129-steps-to-Join-")
    assert len(yaml.safe_load(text)) == 1


def test_nobody_else_may_write_what_is_kept(step):
    """Whatever the umask allows, results may be read by running code."""
    step.run("x")

    for path in (step.infra.folder, *step.infra.folder.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o022, path


@pytest.fixture
def protected(step):
    """The folder of a step with a result, which may be read and not written."""
    step.run("x")
    with TemporaryDirectory() as temporary, ExitStack() as later:
        folder = Path(temporary, "kept")
        shutil.copytree(step.infra.folder, folder)  # nobody has it open
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
            later.callback(path.chmod, 0o755)
        Path(temporary).chmod(0o755)
        if getattr(os, "geteuid", lambda: None)() == 0:  # who may write everything
            later.callback(os.seteuid, 0)
            os.seteuid(NOBODY)
        yield folder


def test_a_folder_that_may_not_be_written_is_read_by_a_mode_of_its_own(protected):
    """Which is said to who has another; lookups and later steps read it as well."""
    said = r'nothing may be written to .*kept, the folder of an infra: say infra=.*"read-only"'
    for ask in (Step.run, lambda step, value: step.lookup(value).status):
        with pytest.raises(StoreError, match=said):
            ask(Join(infra={"folder": protected}), "x")

    step = Join(infra={"folder": protected, "mode": "read-only"})
    handle = step.lookup("x")
    later = Reference(str(protected), handle._key, readonly=True)

    assert (step.run("x"), handle.status, handle.result()) == ("xa", "success", "xa")
    assert len(handle.cache_dict) == 1
    assert pickle.loads(pickle.dumps(later)).read() == "xa"
    with pytest.raises(StoreError, match=said):
        handle.clear_cache()


def test_a_chain_that_keeps_nothing_at_its_end_has_an_empty_handle(tmp_path):
    """Clearing it clears what its steps keep."""
    chain = Chain(steps=[Join(infra={"folder": tmp_path}), Join()])
    chain.run("x")

    assert chain.lookup("x").status is None
    with pytest.raises(StepError, match="this step keeps nothing: give it infra="):
        _ = chain.lookup("x").paths
    chain.lookup("x").clear_cache()

    assert chain[0].lookup("x").cached() is False
