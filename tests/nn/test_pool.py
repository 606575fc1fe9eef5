"""The pool of threads: every task once, no waiting for busy helpers, errors where they belong."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolet_nn.nn.pool import Pool


@settings(max_examples=25)
@given(threads=st.integers(1, 4), n_tasks=st.integers(0, 20))
def test_every_task_is_carried_out_once_before_run_returns(threads: int, n_tasks: int) -> None:
    done: list[int] = []
    Pool(threads).run([lambda n=n: done.append(n) for n in range(n_tasks)])  # type: ignore[misc]
    assert Counter(done) == Counter(range(n_tasks))


def test_two_threads_are_at_work_at_once() -> None:
    barrier = threading.Barrier(2, timeout=60)
    Pool(2).run([barrier.wait, barrier.wait])


def test_whoever_calls_does_everything_while_the_helpers_are_busy() -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()
    n_helpers = 3

    def occupy() -> None:
        begun.release()
        assert may_end.wait(60)

    busy = threading.Thread(target=Pool(n_helpers + 1).run, args=([occupy] * (n_helpers + 1),))
    busy.start()
    for _ in range(n_helpers + 1):
        assert begun.acquire(timeout=60)
    workers: list[threading.Thread] = []
    Pool(2).run([lambda: workers.append(threading.current_thread())] * 5)
    may_end.set()
    busy.join()
    assert workers == [threading.current_thread()] * 5


@pytest.mark.parametrize("threads", [1, 3])
def test_what_a_task_raises_is_raised_where_the_pool_was_called(threads: int) -> None:
    def fail() -> None:
        raise ValueError("wrong")

    pool = Pool(threads)
    with pytest.raises(ValueError, match="wrong"):
        pool.run([fail] * 3)
    done: list[int] = []
    pool.run([lambda: done.append(1)] * 3)
    assert done == [1, 1, 1]


def test_helpers_do_not_warn_of_overflows_which_the_loss_shows() -> None:
    huge = np.full(4, 1e300)
    barrier = threading.Barrier(2, timeout=60)

    def overflow() -> None:
        barrier.wait()
        huge * huge

    with np.errstate(over="ignore"):
        Pool(2).run([overflow, overflow])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_helpers_of_its_own() -> None:
    script = (
        "import os, threading\n"
        "from isolet_nn.nn.pool import Pool\n"
        "def run_two():\n"
        "    Pool(2).run([threading.Barrier(2, timeout=30).wait] * 2)\n"
        "run_two()\n"
        "child = os.fork()\n"
        "run_two()\n"
        "if child:\n"
        "    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False)
    assert ended.returncode == 0
