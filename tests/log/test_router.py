import copy
import io
import sys
import threading

import pytest

from pypedream.log.buffer import RoutedBytes
from pypedream.log.output import suspended
from pypedream.log.router import Nowhere, Router


@pytest.fixture
def under():
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


@pytest.fixture
def router(under):
    return Router(under, "stdout")


def written(under):
    return under.buffer.getvalue().decode()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_outside_a_stage_text_passes_through(router, under):
    """Without a stage the stream beneath gets the text, and nobody else."""
    assert router.write("a\n") == 2

    assert written(under) == "a\n"


def test_in_a_stage_text_is_recorded(router, under, stages):
    """In a stage the log gets the text, and the stream beneath does not."""
    assert stages.call(router.write, "größe\n") == 6

    assert stages.lines() == ["größe"]
    assert written(under) == ""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_print_of_several_values_is_one_record(under, stages, stream):
    """What one print writes in pieces is one line of its stream."""
    router = Router(under, stream)
    stages.call(lambda: print("row", 1, "x", sep="|", file=router))

    assert stages.lines(stream) == ["row|1|x"]


def test_unfinished_line_is_recorded_at_the_end(router, stages):
    """``print(end="")`` as the last one of a stage is not lost."""
    stages.call(lambda: print("no newline", end="", file=router))

    assert stages.lines() == ["no newline"]


def test_writelines(router, stages):
    """Lines are written as they are, without newlines between them."""
    stages.call(router.writelines, ["a\n", "b", "c\n"])

    assert stages.lines() == ["a", "bc"]


@pytest.mark.parametrize("value", [b"x", 1, ["\n"]], ids=repr)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_only_text_can_be_written(under, stages, stream, value):
    """Anything else is the error that a text stream raises."""
    router = Router(under, stream)
    expected = f"must be str, not {type(value).__name__}"

    with pytest.raises(TypeError, match=expected):
        router.write(value)
    with pytest.raises(TypeError, match=expected):
        stages.call(router.write, value)


def test_isatty(stages):
    """A captured stage is not on a terminal, and everybody else is if there is one."""
    router = Router(Terminal(), "stdout")

    def ask_suspended():
        with suspended():
            return router.isatty()

    assert router.isatty() is True
    assert stages.call(router.isatty) is False
    assert stages.call(ask_suspended) is True


def test_close_does_not_close(router, under):
    """The stream beneath belongs to the process, whoever closes."""
    router.close()
    with router as stream:
        stream.write("a\n")
    router.buffer.close()

    assert not under.closed
    assert not router.closed
    assert written(under) == "a\n"


@pytest.mark.parametrize("name", ["encoding", "errors", "line_buffering", "newlines", "closed"])
def test_questions_are_answered_by_the_stream_beneath(router, under, name):
    """What the router does not do itself is done beneath."""
    assert getattr(router, name) == getattr(under, name)


def test_methods_of_a_notebook_stream_are_there(stages):
    """Jupyter tells its stream to which cell output belongs; the router hands it on."""

    class OutStream(io.StringIO):
        parent = None

        def set_parent(self, parent):
            self.parent = parent

    under = OutStream()
    stages.call(Router(under, "stdout").set_parent, "cell 2")

    assert under.parent == "cell 2"


def test_missing_attribute(router):
    """What the stream beneath does not have the router has not either."""
    with pytest.raises(AttributeError, match="set_parent"):
        router.set_parent  # noqa: B018


def test_reconfigure(router, under):
    """The stream beneath can be told another encoding."""
    router.reconfigure(errors="replace")

    assert under.errors == "replace"


def test_is_an_instance_of_what_is_beneath(router):
    """Code that asks for a text stream, or for the very class, finds one."""
    assert isinstance(router, io.TextIOBase)
    assert isinstance(router, io.TextIOWrapper)
    assert isinstance(router, Router)
    assert router.is_pypedream_router


def test_can_be_copied(router, under):
    """A copy of the router is a router; nothing recurses."""
    copy.copy(router).write("a\n")

    assert written(under) == "a\n"


def test_no_stream_beneath(stages):
    """A process without standard output can run stages that print."""
    router = Router(None, "stdout")
    stages.call(router.write, "in a stage\n")

    assert router.write("outside\n") == 8
    assert stages.lines() == ["in a stage"]
    assert isinstance(router.target, Nowhere)
    assert not stages.call(router.isatty)
    with pytest.raises(io.UnsupportedOperation, match="fileno"):
        router.fileno()


def test_bytes_in_a_stage_are_decoded(router, under, stages):
    """Bytes are part of what a stage prints, also when a character comes in two parts."""

    def work():
        assert isinstance(router.buffer, RoutedBytes)
        assert router.buffer is router.buffer
        text = "gr\u00f6\u00dfe\n".encode()
        assert router.buffer.write(text[:3]) == 3
        router.buffer.writelines([memoryview(text)[3:], b"\xff\n"])

    stages.call(work)

    assert stages.lines() == ["größe", "\\xff"]
    assert written(under) == ""


def test_bytes_outside_go_straight_through(router, under):
    """Without a stage the stream of bytes beneath gets them as they are."""
    router.buffer.write(b"\xff\n")
    router.buffer.flush()

    assert under.buffer.getvalue() == b"\xff\n"


def test_bytes_where_the_stream_beneath_takes_none(stages):
    """Over a stream without a buffer a stage has one, and code outside has none, as before."""
    router = Router(io.StringIO(), "stdout")
    stages.call(lambda: router.buffer.write(b"bytes\n"))

    assert stages.lines() == ["bytes"]
    with pytest.raises(AttributeError, match="buffer"):
        router.buffer  # noqa: B018


def test_bytes_must_be_bytes(router, stages):
    """Text is not written as bytes."""
    with pytest.raises(TypeError, match="bytes-like"):
        stages.call(lambda: router.buffer.write("text"))


def test_wrapping_the_buffer(router, stages):
    """``io.TextIOWrapper(sys.stdout.buffer)`` and ``detach()`` work, and nothing gets closed."""

    def work():
        for raw in (router.buffer, router.detach()):
            io.TextIOWrapper(raw, encoding="utf-8", line_buffering=True).write("größe\n")

    stages.call(work)

    assert stages.lines() == ["größe", "größe"]
    assert not router.closed


def test_threads_do_not_mix(router, stages):
    """Lines that threads of one attempt write in pieces at the same time stay whole."""
    interval = sys.getswitchinterval()
    barrier = threading.Barrier(4)

    def shout(name):
        barrier.wait()
        for number in range(500):
            print(name, number, "end", file=router)

    def work():
        from pypedream import context

        threads = [threading.Thread(target=context.wrap(shout), args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    sys.setswitchinterval(1e-6)
    try:
        stages.call(work)
    finally:
        sys.setswitchinterval(interval)

    for name in "abcd":
        lines = [line for line in stages.lines() if line.startswith(name)]
        assert lines == [f"{name} {number} end" for number in range(500)]
    assert len(stages.lines()) == 2000


def test_thread_number_that_is_used_again(router, stages):
    """What a thread left unfinished is not glued to what the next thread of its number prints."""
    from pypedream import context

    def work():
        for text in ("first", "second"):
            thread = threading.Thread(target=context.wrap(router.write), args=(text,))
            thread.start()
            thread.join()

    stages.call(work)

    assert sorted(stages.lines()) == ["first", "second"]


def test_flush_shows_a_prompt(router, under, stages):
    """A partial line that is flushed appears at once; the line is recorded when it ends."""

    def work():
        router.write("Name? ")
        router.flush()
        assert written(under) == "Name? "
        router.write("Ada\n")

    stages.call(work)

    assert written(under) == "Name? Ada\n"
    assert [(record[5], record[7]) for record in stages.records("print")] == [
        ("Name? Ada", {"shown": True})
    ]


def test_flush_before_anything_is_printed(router, stages):
    """A flush in a stage that printed nothing is no event."""
    stages.call(router.flush)

    assert stages.log.records == []


def test_suspended_text_goes_to_the_stream_beneath(router, under, stages):
    """For a while a stage's text is not captured, and the stage is still the stage."""
    from pypedream.context import STAGE

    def work():
        router.write("before\n")
        with suspended() as output:
            print("real", STAGE.get().stage, file=router)
            router.flush()
            assert output.is_used
        router.write("after\n")

    stages.call(work)

    assert written(under) == "real load\n"
    assert stages.lines() == ["before", "after"]


def test_retired_router_writes_to_an_open_stream(router, under, capsys):
    """A reference that somebody kept finds the console when the stream beneath is closed."""
    router.retire(lambda: False)
    under.close()
    router.write("still here\n")

    assert capsys.readouterr().out == "still here\n"
