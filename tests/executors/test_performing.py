from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterator
from threading import Lock, Thread
from typing import Any

import pytest

from pypedream import context, logger
from pypedream.errors import UnpicklableValue
from pypedream.executors.jobs import Job, Kit, Reply
from pypedream.executors.packing import pack_parameters
from tests.executors.stages import add


def reply_of_calls(kit: Kit, keys: list[Any], calls: list[tuple[Any, ...]]) -> Reply:
    """What comes back from elsewhere, if the functions can be found there."""
    return Job(kit.pack(), keys, calls)()


def talk(item: int) -> None:
    print("plain", item)
    logging.getLogger("lib").warning("logged %s", item)
    logger.info("structured", rows=item)
    warnings.warn(f"careful {item}", stacklevel=1)
    thread = Thread(target=print, args=("threaded", item))
    thread.start()
    thread.join()


def assign() -> None:
    variables = context.VARIABLES.get()
    variables["rows"] = 52
    variables["seen"].append("a")


def read() -> tuple[Any, ...]:
    attempt = context.STAGE.get()
    assert attempt is not None
    rate = context.PARAMETERS.get()["rate"]
    return rate, attempt.stage, attempt.number, attempt.item, attempt.log.run


def count_to(last: int) -> Iterator[int]:
    yield from range(last)


def fail_at(item: int) -> int:
    if item == 2:
        raise ValueError("two is too many")
    return item


def only_by_position(first: int, /, second: int) -> tuple[int, int]:
    return first, second


def refuse(text: str) -> None:
    raise OSError(text)


class Unloadable:
    """Can be sent, and not be made again where it arrives."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse, ("not here",)


def test_a_job_makes_its_calls_in_order() -> None:
    """Each call has its own values, and those that all have in common."""
    reply = reply_of_calls(Kit(add, {"b": 10}, ("a",)), ["x", "y"], [(1,), (2,)])

    assert reply.values == [11, 12]
    assert reply.error is None
    assert reply.started_ns <= reply.ended_ns[0] <= reply.ended_ns[1]


def test_arguments_by_position_only_are_given_so() -> None:
    """The order is that of the function, whoever brings the values."""
    kit = Kit(only_by_position, {"second": 2}, ("first",), ("first",))

    assert reply_of_calls(kit, [None], [(1,)]).values == [(1, 2)]


def test_what_a_generator_yields_is_collected() -> None:
    """A generator function gives a list."""
    kit = Kit(count_to, {"last": 3})

    assert reply_of_calls(kit, [None], [()]).values == [[0, 1, 2]]


def test_a_function_finds_its_context() -> None:
    """Parameters, the stage, the number of the attempt, the item and the run are there."""
    kit = Kit(read, run="r1", stage="read", number=3, parameters={"rate": 0.5})

    assert reply_of_calls(kit, ["k"], [()]).values == [(0.5, "read", 3, "k", "r1")]


def test_an_error_ends_the_job() -> None:
    """The values before it are there, and no call is made after it."""
    reply = reply_of_calls(Kit(fail_at, names=("item",)), [1, 2, 3], [(1,), (2,), (3,)])

    assert reply.values == [1]
    assert reply.error is not None
    assert str(reply.error.error()) == "two is too many"
    assert len(reply.ended_ns) == 1


def test_all_that_is_said_comes_with_the_key_of_its_item() -> None:
    """Prints, logging, structured events, warnings and threads belong to the item."""
    kit = Kit(talk, names=("item",), stage="talk")

    with pytest.warns(UserWarning, match="careful"):
        reply = reply_of_calls(kit, ["a", "b"], [(1,), (2,)])

    said = [(key, kind, level, event) for _, key, kind, level, event, _, _ in reply.rows]
    assert said == [
        row
        for key, item in (("a", 1), ("b", 2))
        for row in (
            (key, "print", "info", f"plain {item}"),
            (key, "log", "warning", f"logged {item}"),
            (key, "log", "info", "structured"),
            (key, "warning", "warning", f"careful {item}"),
            (key, "print", "info", f"threaded {item}"),
        )
    ]


def test_nothing_is_captured_if_that_is_so_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """With capture=False what is printed goes where it goes there."""
    reply = reply_of_calls(Kit(print, {"end": "here\n"}, capture=False), [None], [()])

    assert capsys.readouterr().out == "here\n"
    assert reply.rows == []


def test_variables_that_were_set_or_changed_come_back() -> None:
    """Those that stayed as they were do not."""
    kit = Kit(assign, variables={"rows": 1, "seen": [], "other": {}})

    reply = reply_of_calls(kit, [None], [()])

    assert reply.variables == {"rows": 52, "seen": ["a"]}


def test_a_value_that_cannot_be_sent_is_the_error_of_its_call() -> None:
    """The values before it arrive; the line says the stage and the type."""
    reply = reply_of_calls(Kit(fail_at, names=("item",), stage="load"), [0, 1], [(0,), (1,)])
    reply.values[1] = {"lock": Lock()}

    arrived: Reply = pickle.loads(pickle.dumps(reply))

    assert arrived.values == [0]
    assert arrived.error is not None
    error = arrived.error.error()
    assert isinstance(error, UnpicklableValue)
    assert str(error).startswith("stage \"load\": its result['lock'] is of type _thread.lock")
    assert len(arrived.ended_ns) == 2


def test_a_variable_that_cannot_be_sent_is_an_error() -> None:
    """It is not lost without a word."""
    reply = reply_of_calls(Kit(add, {"a": 1}, stage="load"), [None], [()])
    reply.variables["lock"] = Lock()

    arrived: Reply = pickle.loads(pickle.dumps(reply))

    assert arrived.values == []
    assert arrived.error is not None
    assert 'the variable "lock" is of type _thread.lock' in str(arrived.error.error())


def test_parameters_are_unpacked_when_a_stage_looks_at_them() -> None:
    """There may be a million items among them, and most stages do not look by themselves."""
    parameters = pack_parameters({"rate": Unloadable()}, "a test")

    reply = Job(Kit(fail_at, {}, ("item",), parameters=parameters).pack(), [0], [(7,)])()
    looking = Job(Kit(read, parameters=parameters).pack())()

    assert reply.values == [7]
    assert looking.error is not None
    assert looking.error.said == "not here"
