import threading

from pypedream.log.lock import ForkLock, free_all


def test_one_thread_at_a_time():
    """While one thread holds the lock another waits; its own thread may take it again."""
    lock, order = ForkLock(), []

    def other():
        with lock:
            order.append("other")

    with lock, lock:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()

    assert order == ["first", "other"]


def test_free_in_a_child():
    """In a child process the lock is free, though its holder does not exist there."""
    lock, over = ForkLock(), threading.Event()
    taken = threading.Event()

    def holder():
        try:
            with lock:
                taken.set()
                over.wait(10)
        except RuntimeError:  # the lock it took is not there any more
            pass

    thread = threading.Thread(target=holder)
    thread.start()
    taken.wait(10)
    free_all()
    with lock:
        is_free = True
    over.set()
    thread.join()

    assert is_free
