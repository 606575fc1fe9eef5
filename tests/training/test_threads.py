"""The limits on the libraries' threads, which all of a process share."""

from __future__ import annotations

import threading

from builders import make_experiment
from threadpoolctl import threadpool_info, threadpool_limits

from isolet_nn.training.threads import limited_threads


def most_threads() -> int:
    """Of the libraries of linear algebra."""
    return max(int(info["num_threads"]) for info in threadpool_info() if info["user_api"] == "blas")


def test_a_training_keeps_its_limit_when_one_in_another_thread_ends() -> None:
    experiment = make_experiment()
    begun, ended = threading.Event(), threading.Event()

    def train() -> None:
        with limited_threads(experiment):
            begun.set()
            assert ended.wait(60)

    with threadpool_limits(2):
        before = most_threads()
        other = threading.Thread(target=train)
        other.start()
        assert begun.wait(60)
        with limited_threads(experiment):
            ended.set()
            other.join()
            assert most_threads() == 1
        assert most_threads() == before
    assert not other.is_alive()


def test_the_training_that_began_first_may_end_first() -> None:
    experiment = make_experiment()
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()
    seen: list[int] = []

    def train() -> None:
        with limited_threads(experiment):
            begun.set()
            assert may_end.wait(60)
            seen.append(most_threads())
        ended.set()

    with threadpool_limits(2):
        before = most_threads()
        with limited_threads(experiment):
            other = threading.Thread(target=train)
            other.start()
            assert begun.wait(60)
        may_end.set()
        assert ended.wait(60)
        other.join()
        assert most_threads() == before
    assert seen == [1]


def test_of_limits_within_each_other_the_inner_one_holds() -> None:
    with threadpool_limits(3):
        before = most_threads()
        with limited_threads(make_experiment()):
            with limited_threads(make_experiment(backend="torch", training__threads=2)):
                assert most_threads() == min(2, before)
            assert most_threads() == 1
        assert most_threads() == before


def test_a_training_in_a_thread_has_its_limit_where_another_thread_was_first_to_set_one() -> None:
    seen: list[int] = []

    def train() -> None:
        with limited_threads(make_experiment()):
            seen.append(most_threads())

    with threadpool_limits(2):
        before = most_threads()
        other = threading.Thread(target=train)
        other.start()
        other.join()
        assert most_threads() == before
    assert seen == [1]
