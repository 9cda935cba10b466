import io
import logging
import sys

import pytest

from pypedream.log.capture import capturing


class Unconfigured(list):
    """Handlers without those that pytest adds for each test."""

    def append(self, handler):
        if type(handler).__module__ != "_pytest.logging":
            super().append(handler)


@pytest.fixture
def root(monkeypatch):
    """The root logger as it is in a program that never configured logging."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", Unconfigured())
    root.setLevel(logging.WARNING)
    yield root
    root.setLevel(logging.WARNING)


@pytest.fixture
def logger(root):
    """A logger of its own for one test."""
    logger = logging.getLogger("tests.library")
    yield logger
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def logged(stages):
    return [(record[4], record[5], record[7]) for record in stages.records("log")]


def test_record_becomes_an_event(logger, stages, capsys):
    """Level, text, name and extra fields of a record are the event's; nothing else is written."""
    stages.run(lambda: logger.warning("%d rows are odd", 3, extra={"column": "co2"}))

    data = {"logger": "tests.library", "column": "co2"}
    assert logged(stages) == [("warning", "3 rows are odd", data)]
    assert capsys.readouterr().err == ""


def test_info_is_recorded_where_nobody_configured_logging(root, logger, stages):
    """Without any configuration INFO is what a log is expected to hold, and DEBUG is not."""

    def work():
        logger.debug("too much")
        logger.info("from a library")
        logging.info("from the module")
        logging.info("and again")

    stages.run(work)

    assert [event for _, event, _ in logged(stages)] == [
        "from a library",
        "from the module",
        "and again",
    ]
    assert root.level == logging.WARNING
    assert root.handlers == []


def test_configured_level_counts(root, logger, stages):
    """Who set a level gets what he asked for."""
    root.setLevel(logging.ERROR)
    stages.run(lambda: [logger.warning("no"), logger.error("yes")])

    assert [event for _, event, _ in logged(stages)] == ["yes"]
    assert root.level == logging.ERROR


@pytest.mark.parametrize(
    "number, level",
    [(5, "debug"), (10, "debug"), (25, "info"), (30, "warning"), (45, "error"), (60, "critical")],
)
def test_levels(logger, stages, number, level):
    """Levels have the five names of the log, whatever they are called elsewhere."""
    logger.setLevel(1)
    stages.run(logger.log, number, "text")

    assert logged(stages)[0][0] == level


def test_exception(logger, stages):
    """A logged exception has its type and traceback in the data."""

    def work():
        try:
            int("x")
        except ValueError:
            logger.exception("failed", stack_info=True)

    stages.run(work)

    [(level, event, data)] = logged(stages)
    assert (level, event, data["exception_type"]) == ("error", "failed", "ValueError")
    assert data["exception"].startswith("Traceback")
    assert data["exception"].endswith("invalid literal for int() with base 10: 'x'")
    assert data["stack"].startswith("Stack (most recent call last)")


def test_logger_that_does_not_propagate(logger, stages):
    """A logger that keeps its records from the root logger is recorded as well."""
    logger.propagate = False
    stages.run(logger.warning, "quiet")

    assert logged(stages) == [("warning", "quiet", {"logger": "tests.library"})]


def test_null_handler_of_a_library(logger, stages):
    """The handler that libraries add for doing nothing does not count as one."""
    logger.addHandler(logging.NullHandler())
    stages.run(logger.warning, "text")

    assert logged(stages) == [("warning", "text", {"logger": "tests.library"})]


@pytest.mark.parametrize("made", ["before", "inside"])
def test_handler_of_the_user(root, stages, capsys, made):
    """A user's handler writes each record once, to the real stream; the event says it was shown."""

    def add():
        root.addHandler(logging.StreamHandler(sys.stderr))

    def work():
        if made == "inside":
            add()
        logging.getLogger("x").warning("text")
        print("and a print", file=sys.stderr)

    if made == "before":
        add()
    stages.run(work)

    assert capsys.readouterr().err == "text\n"
    assert logged(stages) == [("warning", "text", {"logger": "x", "shown": True})]
    assert stages.lines("stderr") == ["and a print"]


def test_handler_made_inside_works_afterwards(root, stages, capsys):
    """A handler that a stage made writes to the real stream when the run is over, and once."""
    stages.run(lambda: root.addHandler(logging.StreamHandler()))
    logging.getLogger("x").warning("later")

    assert capsys.readouterr().err == "later\n"


def test_handler_that_does_not_show(root, stages):
    """A user's handler for a file leaves the showing to our console."""
    kept = io.StringIO()
    root.addHandler(logging.StreamHandler(kept))
    stages.run(logging.getLogger("x").warning, "text")

    assert kept.getvalue() == "text\n"
    assert logged(stages) == [("warning", "text", {"logger": "x"})]


def test_basic_config_in_a_stage(root, stages, capsys):
    """``basicConfig`` works in a stage; its level is the user's from then on."""

    def work():
        logging.basicConfig(level=logging.ERROR, format="mine: %(message)s")
        logging.warning("no")
        logging.error("yes")

    stages.run(work)

    assert capsys.readouterr().err == "mine: yes\n"
    assert [event for _, event, _ in logged(stages)] == ["yes"]
    assert root.level == logging.ERROR


def test_basic_config_without_a_level(root, stages, capsys):
    """A handler does not get records that are there only because of the run."""

    def work():
        logging.basicConfig(format="mine: %(message)s")
        logging.info("for the log")
        logging.warning("for both")

    stages.run(work)

    assert capsys.readouterr().err == "mine: for both\n"
    assert [event for _, event, _ in logged(stages)] == ["for the log", "for both"]
    assert root.level == logging.WARNING


def test_handler_that_prints(root, stages, capsys):
    """What a user's handler prints is his output, and no event; nothing recurses."""

    class Printing(logging.Handler):
        def emit(self, record):
            print("handled", record.getMessage())
            logging.getLogger("inner").warning("from the handler")

        def filter(self, record):
            return record.name != "inner"

    root.addHandler(Printing())
    stages.run(logging.getLogger("x").warning, "text")

    assert capsys.readouterr().out == "handled text\n"
    assert logged(stages) == [("warning", "text", {"logger": "x", "shown": True})]
    assert stages.lines() == []


def test_handler_that_raises(root, stages):
    """An error of a user's handler is the user's; the record is not lost."""

    class Failing(logging.Handler):
        def handle(self, record):
            raise OSError("disk full")

    root.addHandler(Failing())

    with pytest.raises(OSError, match="disk full"):
        stages.run(logging.getLogger("x").warning, "text")
    assert [event for _, event, _ in logged(stages)] == ["text"]


def test_wrong_format(logger, stages):
    """A record whose text cannot be made does not fail the stage, and is not lost."""
    stages.run(logger.warning, "%d rows", "many")

    [(_, event, _)] = logged(stages)
    assert event == '%d rows ["many"] (TypeError)'


def test_values_are_taken_at_once(logger, stages):
    """What is changed after logging is logged as it was."""

    def work():
        rows = [1, 2]
        logger.warning("rows", extra={"rows": rows})
        rows.clear()

    stages.run(work)

    assert logged(stages)[0][2]["rows"] == [1, 2]


def test_structlog_over_the_standard_library(logger, stages):
    """A record that structlog made to be rendered by a handler gives its parts to the event."""
    stages.run(logger.warning, {"event": "read", "rows": 52})

    assert logged(stages) == [("warning", "read", {"logger": "tests.library", "rows": 52})]


def test_outside_a_stage(logger, stages, capsys):
    """Other code logs as if there were no run: warnings by the last resort, INFO nowhere."""
    with capturing():
        logger.info("no")
        logger.warning("yes")

    assert logged(stages) == []
    assert "yes" in capsys.readouterr().err


def test_handler_outside_a_stage_gets_what_it_would(logger, capsys):
    """The lowered level of the root logger brings nothing to handlers of other code."""
    logger.addHandler(logging.StreamHandler(sys.stderr))
    with capturing():
        logger.info("no")
        logger.warning("yes")

    assert capsys.readouterr().err == "yes\n"


def test_caplog(stages, caplog):
    """The fixture of pytest sees the records of stages."""
    stages.run(logging.getLogger("x").warning, "text")

    assert caplog.messages == ["text"]
    assert logged(stages) == [("warning", "text", {"logger": "x"})]


def test_thread_outside_is_not_disturbed(root, logger, capsys):
    """Runs that overlap restore the level once the last is over."""
    first, second = capturing(), capturing()
    first.__enter__()
    second.__enter__()
    assert root.level == logging.INFO
    first.__exit__(None, None, None)
    assert root.level == logging.INFO
    second.__exit__(None, None, None)

    assert root.level == logging.WARNING
    assert type(root.level) is int
