import logging
import sys
import warnings

import pytest


@pytest.fixture(autouse=True)
def always():
    """Show each warning; pytest would raise it, and Python show each place once."""
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        yield


def warn(text="careful"):
    warnings.warn(text, stacklevel=1)


def line_of_warn():
    return warn.__code__.co_firstlineno + 1


def warned(stages):
    return [(record[4], record[5], record[7]) for record in stages.records("warning")]


def test_warning_becomes_an_event(stages, capsys):
    """Text, category and place of a warning are the event's; nothing is printed."""
    stages.run(warn)

    data = {"category": "UserWarning", "file": __file__, "line": line_of_warn()}
    assert warned(stages) == [("warning", "careful", data)]
    assert capsys.readouterr().err == ""


def test_outside_a_stage(python, tmp_path):
    """Other code's warnings appear as ever."""
    result = python("""
import warnings
with capturing():
    warnings.warn("careful", stacklevel=1)
log.close()
""")

    assert "UserWarning: careful" in result.stderr
    assert not (tmp_path / "log.jsonl").exists()


def test_warning_as_an_error(stages):
    """A filter that makes errors of warnings still does."""

    def work():
        warnings.simplefilter("error")
        warn()

    with pytest.raises(UserWarning, match="careful"):
        stages.run(work)
    assert warned(stages) == []


def test_ignored_warning(stages):
    """A warning that is filtered out is none."""

    def work():
        warnings.simplefilter("ignore")
        warn()

    stages.run(work)

    assert warned(stages) == []


def test_recording_within_a_stage(stages):
    """A stage that collects warnings gets them, and the log has none."""

    def work():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn()
        return caught

    assert [str(each.message) for each in stages.run(work)] == ["careful"]
    assert warned(stages) == []


def test_recording_round_a_run(stages):
    """Who collects warnings round a run, as ``pytest.warns`` does, gets those of its stages."""
    with pytest.warns(UserWarning, match="careful"):
        stages.run(warn)

    assert [event for _, event, _ in warned(stages)] == ["careful"]


def test_warnings_of_logging(stages, capsys):
    """With ``logging.captureWarnings`` a warning is a record of logging, once."""
    logger = logging.getLogger("py.warnings")
    handler = logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    logging.captureWarnings(True)
    try:
        stages.run(warn)
    finally:
        logging.captureWarnings(False)
        logger.removeHandler(handler)

    [record] = stages.records("log", "warning")
    assert record[3] == "log"
    assert record[7] == {"logger": "py.warnings", "shown": True}
    assert "UserWarning: careful" in capsys.readouterr().err


def test_warnings_of_logging_from_within(stages):
    """A stage may send warnings to logging; it does so after the run as well."""
    before = warnings.showwarning
    try:
        stages.run(lambda: [logging.captureWarnings(True), warn()])
        during = warnings.showwarning
    finally:
        logging.captureWarnings(False)
        warnings.showwarning = before

    [record] = stages.records("log")
    assert record[7]["logger"] == "py.warnings"
    assert during is not before


def test_users_own_way_of_showing(stages, capsys, monkeypatch):
    """A function that the user put in for showing warnings is called, and shows them once."""

    def show(message, category, filename, lineno, file=None, line=None):
        print("mine:", message)

    monkeypatch.setattr(warnings, "showwarning", show)
    stages.run(warn)

    assert capsys.readouterr().out == "mine: careful\n"
    assert warned(stages)[0][2]["shown"] is True
    assert stages.lines() == []
    assert warnings.showwarning is show
