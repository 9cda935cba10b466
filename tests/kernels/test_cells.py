"""Where output goes in a kernel: to its stage, to the cell it belongs to, and nowhere else."""

from __future__ import annotations

import pytest

from tests.kernels.kernel import Kernel

TALK = """
    def talk():
        print("from a stage")
"""


def test_what_a_stage_prints_is_kept_and_leaves_the_cell_empty(kernel: Kernel):
    """Without progress nothing is shown; the run has it."""
    kernel.run(TALK)
    cell = kernel.run("run = flow_of(talk).run()")

    assert cell.text == ""
    assert kernel.value("said(run)") == [("talk", "from a stage")]


ENDINGS = {
    "an exception": ("1 / 0", "ZeroDivisionError"),
    "the stop button": ("import signal; signal.raise_signal(signal.SIGINT)", "KeyboardInterrupt"),
    "an exit": ("raise SystemExit(3)", "SystemExit"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_streams_are_given_back_whatever_happens(kernel: Kernel, ending: str):
    """The error is that of the stage, without lines of pypedream."""
    code, error = ENDINGS[ending]
    cell = kernel.run(f"""
        def broken():
            print("before")
            {code}
        flow = flow_of(broken)
        flow.run()
    """)

    assert error in cell.error + cell.text
    assert "pypedream/" not in cell.error
    assert kernel.value("said(flow.last_run)") == [("broken", "before")]


def test_runs_within_runs_are_told_apart(kernel: Kernel):
    """Each line is in the run whose stage printed it."""
    kernel.run(TALK)
    cell = kernel.run("""
        def outer():
            print("before")
            run = flow_of(talk).run()
            print("after")
            return run
        run = flow_of(outer).run()
    """)

    assert cell.text == ""
    assert kernel.value("said(run)") == [("outer", "before"), ("outer", "after")]
    assert kernel.value("said(run['outer'])") == [("talk", "from a stage")]


def test_runs_that_end_out_of_order(kernel: Kernel):
    """The first to begin is the first to end, in the background of several cells."""
    kernel.run("""
        first_may, second_may = threading.Event(), threading.Event()
        def first():
            print("one")
            first_may.wait(60)
            print("two")
        def second():
            print("three")
            second_may.wait(60)
            print("four")
        one = flow_of(first).start()
        two = flow_of(second).start()
    """)
    between = kernel.run("first_may.set(); one.wait(); print('between')")
    after = kernel.run("second_may.set(); two.wait(); print('after')")

    assert (between.text, after.text) == ("between\n", "after\n")
    assert kernel.value("said(one.run)") == [("first", "one"), ("first", "two")]
    assert kernel.value("said(two.run)") == [("second", "three"), ("second", "four")]


def test_each_cell_has_its_own_prints_while_a_run_goes_on(kernel: Kernel):
    """What the run shows is in its cell, even if it comes while another cell runs."""
    begun = kernel.run("""
        may_go_on = threading.Event()
        def slow():
            print("early")
            may_go_on.wait(60)
            print("late")
        handle = flow_of(slow, progress=True).start(capture=True)
    """)
    cells = [kernel.run(f"print('cell {number}')") for number in range(3)]
    last = kernel.run("may_go_on.set(); handle.wait(); print('last')")
    after = kernel.run("print('after')")

    assert [cell.text for cell in cells] == [f"cell {number}\n" for number in range(3)]
    assert (last.text, after.text) == ("last\n", "after\n")
    assert kernel.value("said(handle.run)") == [("slow", "early"), ("slow", "late")]
    assert "late" not in last.text + after.text
    assert begun.error == ""


def test_threads_and_pools_of_a_stage_belong_to_it(kernel: Kernel):
    """Also a pool that another cell made, and threads that threads start."""
    kernel.run("pool = ThreadPoolExecutor(2); pool.submit(print, 'of the cell').result()")
    cell = kernel.run("""
        def threads():
            worker = threading.Thread(target=print, args=("thread",))
            worker.start()
            worker.join()
            pool.submit(print, "old pool").result()
            with ThreadPoolExecutor(2) as new:
                new.submit(print, "new pool").result()
        run = flow_of(threads).run()
        print("after")
    """)

    assert cell.text == "after\n"
    texts = kernel.value("[text for _, text in said(run)]")
    assert texts == ["thread", "old pool", "new pool"]


def test_stages_in_threads_are_told_apart(kernel: Kernel):
    """Each of two stages that run side by side has its own lines."""
    cell = kernel.run("""
        meet = threading.Barrier(2)
        def left():
            for number in range(20):
                meet.wait(60)
                print("left", number)
        def right():
            for number in range(20):
                meet.wait(60)
                print("right", number)
        run = flow_of(left, right).run(executor="threads", workers=2)
    """)

    assert cell.text == ""
    lines = kernel.value("said(run)")
    for name in ("left", "right"):
        assert [text for key, text in lines if key == name] == [f"{name} {n}" for n in range(20)]


def test_workers_send_home_what_they_print(kernel: Kernel):
    """Nothing of it reaches the cell by itself."""
    kernel.run(TALK)
    cell = kernel.run("run = flow_of(talk).run(executor='processes', workers=1)")

    assert (cell.text, cell.error) == ("", "")
    assert kernel.value("said(run)") == [("talk", "from a stage")]


def test_awaited_runs_are_told_apart(kernel: Kernel):
    """Two runs on the kernel's own loop; afterwards no context of theirs is left."""
    cell = kernel.run("""
        async def ping():
            for number in range(3):
                print("ping", number)
                await asyncio.sleep(0)
        async def pong():
            for number in range(3):
                print("pong", number)
                await asyncio.to_thread(print, "aside", number)
        one, two = await asyncio.gather(flow_of(ping).arun(), flow_of(pong).arun())
        print("after", context.STAGE.get(None), context.RUN.get(None))
    """)

    assert cell.text == "after None None\n"
    assert kernel.value("said(one)") == [("ping", f"ping {n}") for n in range(3)]
    expected = [text for n in range(3) for text in (f"pong {n}", f"aside {n}")]
    assert kernel.value("[text for _, text in said(two)]") == expected
    assert kernel.value("(context.STAGE.get(None), context.RUN.get(None))") == (None, None)


def test_async_stages_of_a_run_that_blocks(kernel: Kernel):
    """The kernel's loop is running; the stages get one of their own."""
    cell = kernel.run("""
        async def nap():
            await asyncio.sleep(0)
            print("slept")
        run = flow_of(nap).run()
    """)

    assert (cell.text, cell.error) == ("", "")
    assert kernel.value("said(run)") == [("nap", "slept")]


def test_redirection_inside_and_around(kernel: Kernel):
    """Within a stage it is the user's; around a run it has what the cell would have."""
    cell = kernel.run("""
        mine, around = io.StringIO(), io.StringIO()
        def talk():
            with contextlib.redirect_stdout(mine):
                print("mine")
            print("from a stage")
        with contextlib.redirect_stdout(around):
            print("around")
            run = flow_of(talk).run()
    """)

    assert cell.text == ""
    assert kernel.value("mine.getvalue(), around.getvalue()") == ("mine\n", "around\n")
    assert kernel.value("said(run)") == [("talk", "from a stage")]


def test_capture_magic_around_a_run(kernel: Kernel):
    """Prints of the cell are in the magic's, those of stages in the log."""
    kernel.run(TALK)
    cell = kernel.run("""
        %%capture taken
        print("around")
        run = flow_of(talk).run()
    """)

    assert cell.text == ""
    assert kernel.value("taken.stdout") == "around\n"
    assert kernel.value("said(run)") == [("talk", "from a stage")]


def test_capture_magic_in_another_cell_leaves_nothing(kernel: Kernel):
    """It takes what it can get, as documented, and gives all back in its end."""
    kernel.run("""
        may_end = threading.Event()
        def slow():
            may_end.wait(60)
            print("late")
        handle = flow_of(slow).start()
    """)
    kernel.run("""
        %%capture taken
        may_end.set()
        handle.wait()
    """)
    after = kernel.run("print('after')")

    assert after.text == "after\n"
    assert kernel.value("'late' in taken.stdout or said(handle.run) == [('slow', 'late')]")
    kernel.run(TALK)
    assert kernel.run("flow_of(talk).run(); print(1)").text == "1\n"


def test_bars_are_one_line(kernel: Kernel):
    """What is drawn over and over, on either stream, ends as what it was last."""
    cell = kernel.run("""
        import tqdm
        def bars():
            for _ in tqdm.tqdm(range(50), mininterval=0, ncols=60):
                pass
            for number in range(50):
                print("\\rrow", number, end="")
            print()
        run = flow_of(bars).run()
    """)

    assert (cell.text, cell.error) == ("", "")
    bar, row = kernel.value("[text for _, text in said(run)]")
    assert bar.startswith("100%")
    assert row == "row 49"


def test_what_no_router_can_see_goes_to_the_cell(kernel: Kernel):
    """C code writes to the descriptor; a kernel sends that to the running cell."""
    cell = kernel.run("""
        import os
        def outside():
            os.write(1, b"bare\\n")
        run = flow_of(outside).run()
    """)
    kernel.wait_for(lambda: "bare" in cell.text, "what was written to the descriptor")

    assert kernel.value("said(run)") == []


def test_handlers_that_were_there_before(kernel: Kernel):
    """A handler writes once, to the stream it holds; the record is in the log as well."""
    cell = kernel.run("""
        own = logging.getLogger("own")
        handler = logging.StreamHandler()
        own.addHandler(handler)
        def talk():
            own.warning("odd")
        run = flow_of(talk).run()
        own.removeHandler(handler)
        logs = [one.event for one in run.events if one.kind == "log"]
    """)

    assert cell.streams["stderr"] == "odd\n"
    assert kernel.value("logs") == ["odd"]


def test_a_sink_that_prints(kernel: Kernel):
    """It prints to the cell and cannot come back into the log."""
    kernel.run(TALK)
    cell = kernel.run("""
        def show(event):
            if event.kind == "print":
                print("seen:", event.event)
        run = flow_of(talk).run(sinks=[show])
    """)

    assert "seen: from a stage\n" in cell.text
    assert kernel.value("said(run)") == [("talk", "from a stage")]


def test_the_stop_button(kernel: Kernel):
    """A stage that waits is stopped, and the last lines say how to go on."""
    cell = kernel.begin("""
        import time
        def wait():
            print("begun", file=STREAMS[0], flush=True)
            while True:
                time.sleep(0.05)
        flow_of(wait).run()
    """)
    kernel.wait_for(lambda: "begun" in cell.text, "the stage to begin")
    kernel.interrupt()
    kernel.wait_for(lambda: cell.is_idle, "the cell to end")

    assert "KeyboardInterrupt" in cell.error
    assert "pypedream/" not in cell.error


def test_the_stop_button_while_a_run_is_awaited(kernel: Kernel):
    """It is heard at once, and cancels the run."""
    cell = kernel.begin("""
        async def wait():
            print("begun", file=STREAMS[0], flush=True)
            await asyncio.sleep(600)
        flow = flow_of(wait)
        await flow.arun()
    """)
    kernel.wait_for(lambda: "begun" in cell.text, "the stage to begin")
    kernel.interrupt()
    kernel.wait_for(lambda: cell.is_idle, "the cell to end")

    assert "CancelledError" in cell.error
    assert "was cancelled; to go on: flow.resume()" in cell.error
    assert "asyncio" not in cell.error
    assert kernel.value("flow.last_run.state") == "cancelled"


def test_the_stop_button_while_a_run_is_waited_for(kernel: Kernel):
    """The run goes on, and the last line says so."""
    cell = kernel.begin("""
        let_go = threading.Event()
        def wait():
            print("begun", file=STREAMS[0], flush=True)
            let_go.wait()
        going = flow_of(wait).start()
        going.wait()
    """)
    kernel.wait_for(lambda: "begun" in cell.text, "the stage to begin")
    kernel.interrupt()
    kernel.wait_for(lambda: cell.is_idle, "the cell to end")

    assert "KeyboardInterrupt" in cell.error
    assert "goes on; to end it: cancel()" in cell.error
    assert "threading.py" not in cell.error
    assert kernel.run("let_go.set(); going.wait()").error == ""


def test_a_stage_may_ask(kernel: Kernel):
    """The question is asked under the cell; the answer is the stage's."""
    cell = kernel.begin("""
        from getpass import getpass
        def ask():
            print("before")
            return input("Which? "), getpass("Secret? ")
        run = flow_of(ask).run()
    """)
    asked = kernel.answer(cell, "this", "that")

    assert asked == ["Which? ", "Secret? "]
    assert kernel.value("run['ask']") == ("this", "that")
    assert kernel.value("said(run)") == [("ask", "before")]


def test_a_debugger_in_a_stage(kernel: Kernel):
    """With ``capture=False`` it talks to the cell, as it would without pypedream.

    ``breakpoint()`` is no use here: in a kernel it is the debugger of JupyterLab that answers it,
    and only if it is open.
    """
    cell = kernel.begin("""
        def broken(size=3):
            import pdb; pdb.set_trace()
            return size
        run = flow_of(broken).run(capture=False)
    """)
    asked = kernel.answer(cell, "p size + 1", "c")

    assert asked == ["ipdb> ", "ipdb> "]
    assert "4\n" in cell.text
    assert kernel.value("run['broken']") == 3


def test_rich_and_frames_are_displayed(kernel: Kernel):
    """What libraries send past ``print`` is with the stage, too."""
    cell = kernel.run("""
        import pandas, rich
        from IPython.display import display
        def show():
            rich.print("[red]warm[/red] text")
            display(pandas.DataFrame({"a": [1, 2]}))
            display("plain")
        run = flow_of(show).run()
    """)

    assert (cell.text, cell.error, cell.displays) == ("", "", [])
    shown = kernel.value(
        "[one.event for one in run.events if one.stage and one.kind not in "
        "('stage.start', 'stage.end')]"
    )
    assert [word in shown[0] for word in ("warm", "text")] == [True, True]
    assert "plain" in shown[2]


def test_the_output_of_a_handler_made_in_a_stage(kernel: Kernel):
    """It holds the router, and is right during the run and after it."""
    kernel.run("""
        late = logging.getLogger("late")
        def configure():
            late.addHandler(logging.StreamHandler())
            late.warning("inside")
        run = flow_of(configure).run()
    """)
    cell = kernel.run("late.warning('outside'); late.handlers.clear()")

    assert cell.text == "outside\n"
    assert "inside" in str(kernel.value("[one.event for one in run.events]"))


def test_forked_children_print_to_the_cell(kernel: Kernel):
    """A copy of the process has no way to the run: its lines are the cell's, once."""
    cell = kernel.run("""
        import multiprocessing
        def spread():
            print("before")
            child = multiprocessing.get_context("fork").Process(target=print, args=("child",))
            child.start()
            child.join()
        run = flow_of(spread).run()
    """)
    kernel.wait_for(lambda: "child" in cell.text, "what the child printed")

    assert cell.text == "child\n"
    assert kernel.value("said(run)") == [("spread", "before")]
