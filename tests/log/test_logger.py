import asyncio
import copy
import pickle
import threading

import pytest
import structlog

from pypedream import context
from pypedream.log.event_log import EventLog
from pypedream.log.logger import Logger, add_context, capture_events, extra_sinks, logger


def logged(stages):
    return [(record[4], record[5], record[7]) for record in stages.records("log")]


@pytest.fixture
def outside():
    """What the user's own structlog configuration gets."""
    before = structlog.get_config()
    with structlog.testing.capture_logs() as events:
        yield events
    assert structlog.get_config() == before


def test_event_of_a_stage(stages):
    """What a stage logs is an event of its attempt."""
    stages.run(lambda: logger.info("read", rows=52), key="load")

    [record] = stages.log.records
    assert record[2].stage == "load"
    assert record[3:] == ("log", "info", "read", None, {"rows": 52})


@pytest.mark.parametrize(
    "method, level",
    [
        ("debug", "debug"),
        ("info", "info"),
        ("msg", "info"),
        ("warning", "warning"),
        ("warn", "warning"),
        ("error", "error"),
        ("critical", "critical"),
        ("fatal", "critical"),
    ],
)
def test_levels(stages, method, level):
    """Every method of a structlog logger has its level."""
    stages.run(lambda: getattr(logger, method)("text"))

    assert logged(stages) == [(level, "text", None)]


def test_level_by_number(stages):
    """``log`` takes the level as a number."""
    stages.run(lambda: logger.log(40, "text", a=1))

    assert logged(stages) == [("error", "text", {"a": 1})]


def test_positional_arguments(stages):
    """Positional arguments go into the text, as structlog does it."""
    stages.run(lambda: logger.info("%d of %s", 3, "many", a=1))

    assert logged(stages) == [("info", "3 of many", {"a": 1})]


def test_exception(stages):
    """``exception`` has type and traceback of what is being handled."""

    def work():
        try:
            int("x")
        except ValueError:
            logger.exception("failed", a=1)

    stages.run(work)

    [(level, event, data)] = logged(stages)
    assert (level, event, data["a"]) == ("error", "failed", 1)
    assert data["exception_type"] == "ValueError"
    assert data["exception"].startswith("Traceback (most recent call last)")


@pytest.mark.parametrize("exc_info", [None, False, (None, None, None)], ids=repr)
def test_no_exception(stages, exc_info):
    """Without an exception there is nothing to tell of one."""
    stages.run(lambda: logger.info("text", exc_info=exc_info))

    assert logged(stages) == [("info", "text", None)]


def test_exception_that_is_given(stages):
    """An exception may be given."""
    stages.run(lambda: logger.info("text", exc_info=ValueError("no rows")))

    data = {"exception_type": "ValueError", "exception": "ValueError: no rows"}
    assert logged(stages) == [("info", "text", data)]


def test_bound_values(stages):
    """Bound values are part of each event; a logger never changes."""

    def work():
        one = logger.bind(a=1)
        two = one.bind(b=2)
        two.info("bound")
        two.unbind("a").info("unbound")
        two.try_unbind("a", "x").info("tried")
        two.new(c=3).info("new")
        one.info("as before")

    stages.run(work)

    assert [data for _, _, data in logged(stages)] == [
        {"a": 1, "b": 2},
        {"b": 2},
        {"b": 2},
        {"c": 3},
        {"a": 1},
    ]


def test_unbinding_what_is_not_bound():
    """To unbind a name that is not bound is an error."""
    with pytest.raises(KeyError, match="x"):
        logger.bind(a=1).unbind("x")


def test_logger_that_was_bound_before_the_run(stages, outside):
    """A logger of a module, bound when it was imported, logs to each run that it is used in."""
    bound = logger.bind(component="reader")
    stages.run(lambda: bound.info("within"))
    bound.info("outside")

    assert logged(stages) == [("info", "within", {"component": "reader"})]
    assert outside == [{"component": "reader", "event": "outside", "log_level": "info"}]


def test_method_that_is_used_after_the_run(stages, outside):
    """A method that a stage gave away logs outside when there is no run any more."""
    info = stages.run(lambda: logger.bind(a=1).info)
    info("later", b=2)

    assert logged(stages) == []
    assert outside == [{"a": 1, "b": 2, "event": "later", "log_level": "info"}]


def test_outside_a_run(stages, outside):
    """Outside a run the user's own structlog gets the event."""
    logger.info("outside", a=1)

    assert stages.log.records == []
    assert outside == [{"a": 1, "event": "outside", "log_level": "info"}]


def test_structlog_configuration_does_not_matter(stages):
    """Within a run nothing of the global configuration counts, and nothing of it changes."""
    before = structlog.get_config()
    structlog.configure(processors=[lambda *_: pytest.fail("called")], wrapper_class=None)
    try:
        stages.run(lambda: logger.info("text"))
    finally:
        structlog.configure(**before)

    assert logged(stages) == [("info", "text", None)]


def test_context_variables_of_structlog(stages):
    """Values that were bound with ``structlog.contextvars`` are part of the event."""

    def work():
        structlog.contextvars.bind_contextvars(request="r1")
        logger.info("text")

    stages.run(work)

    assert logged(stages) == [("info", "text", {"request": "r1"})]


def test_run_without_a_stage(outside):
    """Between its stages a run logs to its own log, until that is closed."""
    log = EventLog("run-1")

    def work():
        logger.info("of the run")
        log.close()
        logger.info("of nobody")

    context.scope(LOG=log).run(work)

    assert [record[2:6] for record in log.records] == [(None, "log", "info", "of the run")]
    assert [event["event"] for event in outside] == ["of nobody"]


def test_asynchronous_methods(stages):
    """The asynchronous variants log to the stage as well."""

    async def main():
        await logger.ainfo("read", rows=52)

    stages.run(lambda: asyncio.run(main()))

    assert logged(stages) == [("info", "read", {"rows": 52})]


def test_values_are_taken_at_once(stages):
    """What is changed after logging is logged as it was, and no large object is kept alive."""

    def work():
        rows = [1, 2]
        logger.info("text", rows=rows, thing=object())
        rows.clear()

    stages.run(work)

    data = logged(stages)[0][2]
    assert data["rows"] == [1, 2]
    assert data["thing"].startswith("<object object")


def test_any_value_and_name(stages):
    """No value and no name can make logging fail."""

    class Broken:
        def __str__(self):
            raise RuntimeError("no text")

        __repr__ = __str__

    names = {"name": 1, "level": 2, "kind": 3, "stage": 4, "data": 5, "stream": 6, "_": 7}
    stages.run(lambda: [logger.info("text", **names), logger.info(Broken(), value=Broken())])

    assert logged(stages)[0][2] == names
    assert "Broken" in logged(stages)[1][1]


def test_event_that_is_not_text(stages):
    """An event may be anything; the log has its text."""
    stages.run(lambda: logger.info(ValueError("no rows")))

    assert logged(stages)[0][1] == "ValueError('no rows')"


def test_logger_is_a_plain_object():
    """It can be copied, pickled and looked at, and that does not load structlog's part of it."""
    bound = logger.bind(a=1)

    assert repr(bound) == "<pypedream logger {'a': 1}>"
    assert repr(pickle.loads(pickle.dumps(bound))) == repr(bound)
    assert repr(copy.deepcopy(bound)) == repr(bound)
    assert not hasattr(logger, "__html__")


def test_structlog_is_loaded_late(python):
    """To import and bind the logger costs nothing; the first event loads structlog."""
    result = python(
        """
from pypedream.log.logger import logger
bound = logger.bind(a=1)
print("structlog" in sys.modules)
def load():
    bound.info("text")
run(load)
print("structlog" in sys.modules)
"""
    )

    assert result.stdout == "False\nTrue\n", result.stderr


def test_add_context(stages):
    """The processor adds what is known of run, stage, item and attempt, and changes nothing."""

    def work():
        context.STAGE.get().item = "a.csv"
        return add_context(None, "info", {"event": "text", "stage": "mine"})

    assert stages.call(work) == {
        "event": "text",
        "run": "run-1",
        "stage": "mine",
        "item": "a.csv",
        "attempt": 1,
    }
    assert add_context(None, "info", {"event": "text"}) == {"event": "text"}
    assert context.scope(LOG=stages.log).run(add_context, None, "info", {}) == {"run": "run-1"}


def test_capture_events():
    """All runs that start within hand over their events; others do not."""
    with capture_events() as events:
        sinks = extra_sinks()
        with capture_events() as inner:
            assert len(extra_sinks()) == 2
        log = EventLog("run-1", sinks=sinks)
        log.add("log", "text", level="warning", data={"a": 1})
        log.close()

    assert extra_sinks() == ()
    assert [(event.run, event.event, event.level, event.data) for event in events] == [
        ("run-1", "text", "warning", {"a": 1})
    ]
    assert inner == []


def test_threads_of_a_stage(stages):
    """A thread that a stage starts logs for the stage."""

    def work():
        thread = threading.Thread(target=lambda: logger.info("text"))
        thread.start()
        thread.join()

    stages.run(work, key="load")

    assert stages.log.records[0][2].stage == "load"


def test_new_logger_has_its_values(stages):
    """A logger can be made with values."""
    stages.run(lambda: Logger({"a": 1}).info("text"))

    assert logged(stages) == [("info", "text", {"a": 1})]
