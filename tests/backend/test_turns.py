"""Which connection gets the next thread, and how many threads work at once."""

import threading
from types import SimpleNamespace

import pytest

from backend.server import turns as server_turns
from backend.server.turns import BUSY, Turns


def test_a_new_connection_need_not_wait_for_those_that_ask_again_and_again() -> None:
    free, answered = threading.Event(), list[str]()

    def answer(conn: SimpleNamespace) -> str:
        assert free.wait(10)
        answered.append(conn.name)
        return str(conn.name)

    greedy, new = SimpleNamespace(name="greedy"), SimpleNamespace(name="new")
    with Turns(1) as turns:
        asked = [turns.submit(answer, greedy) for _ in range(3)] + [turns.submit(answer, new)]
        free.set()
    assert answered == ["greedy", "new", "greedy", "greedy"]
    assert [future.result() for future in asked] == ["greedy", "greedy", "greedy", "new"]


def test_what_goes_wrong_in_a_thread_is_told() -> None:
    def fail(_: object) -> None:
        raise OSError("gone")

    with Turns(1) as turns, pytest.raises(OSError, match="gone"):
        turns.submit(fail, SimpleNamespace()).result()


def test_more_threads_begin_only_when_those_at_work_do_not_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    free, begun = threading.Event(), threading.Semaphore(0)

    def answer(_: object) -> None:
        begun.release()
        assert free.wait(10)

    monkeypatch.setattr(server_turns, "BUSY_SECONDS", 60)
    with Turns(20) as turns:
        asked = [turns.submit(answer, SimpleNamespace()) for _ in range(30)]
        for _ in range(BUSY):
            assert begun.acquire(timeout=10)
        turns.start()
        assert not begun.acquire(timeout=0.1)
        monkeypatch.setattr(server_turns, "BUSY_SECONDS", 0)
        for _ in range(5):
            turns.start()
        for _ in range(20 - BUSY):
            assert begun.acquire(timeout=10)
        assert not begun.acquire(timeout=0.1), "there are no more threads"
        free.set()
        assert [future.result(10) for future in asked] == [None] * 30


def test_quick_requests_take_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_turns, "BUSY_SECONDS", 60)
    names = set[int]()
    with Turns(64) as turns:
        asked = [
            turns.submit(lambda _: names.add(threading.get_ident()), SimpleNamespace()) for _ in range(500)
        ]
        assert [future.result(10) for future in asked] == [None] * 500
    assert len(names) <= BUSY
