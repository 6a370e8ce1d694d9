"""As many at once as there are slots, a bounded queue, and 503 beyond it."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest

from segmentation_api.admission import Gate
from segmentation_api.errors import Problem
from segmentation_api.parsers import PhotoParser
from segmentation_api.slots import SharedSlots

fork = multiprocessing.get_context("fork")
"""As gunicorn makes its workers: what exists before is shared."""


@dataclass
class Waiter:
    """A thread that wants a slot, and has `entered` once it got one."""

    entered: threading.Event
    thread: threading.Thread


def make_gate(slots: int, *, queue: int) -> Gate:
    """A gate to slots of its own."""
    return Gate(SharedSlots(slots), queue=queue)


def start(gate: Gate, release: threading.Event) -> Waiter:
    """A thread that is in the queue, or has a slot, which it keeps until `release`."""
    entered, before = threading.Event(), gate.inside

    def work() -> None:
        with gate.slot():
            entered.set()
            release.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: gate.inside > before)
    return Waiter(entered, thread)


def hold(gate: Gate, release: threading.Event) -> threading.Thread:
    """A thread that keeps a slot until `release`."""
    waiter = start(gate, release)
    assert waiter.entered.wait(5)
    return waiter.thread


def waiting(gate: Gate, release: threading.Event) -> Waiter:
    """A thread that waits for a slot, then keeps it until `release`."""
    waiter = start(gate, release)
    assert not waiter.entered.is_set(), "all slots were taken"
    return waiter


def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    while not condition():
        time.sleep(0.001)


@contextmanager
def another_process(gate: Gate) -> Iterator[tuple[ForkProcess, Callable[[], None]]]:
    """A process that has a slot until it is released: that process, and what releases it."""
    here, there = fork.Pipe()

    def work() -> None:
        with gate.slot():
            there.send("entered")
            there.recv()

    process = fork.Process(target=work)
    process.start()
    assert here.poll(30)
    here.recv()
    yield process, lambda: here.send("go")
    here.send("go")
    process.join(30)


def test_only_so_many_at_once_and_the_rest_in_turn() -> None:
    gate = make_gate(2, queue=20)
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with gate.slot():
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.005)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert (most, running, gate.inside) == (2, 0, 0)


def test_beyond_the_queue_it_is_503_at_once() -> None:
    gate, release = make_gate(1, queue=1), threading.Event()
    threads = [hold(gate, release), waiting(gate, release).thread]
    with pytest.raises(Problem) as caught, gate.slot():
        pass
    assert all(thread.is_alive() for thread in threads), "refused while both are still inside"
    assert (caught.value.status, caught.value.code) == (503, "too_busy")
    assert int(caught.value.headers["Retry-After"]) >= 1
    release.set()
    for thread in threads:
        thread.join(5)
    with gate.slot():
        pass


def test_who_waits_too_long_is_503_and_holds_nobody_up(settings: Any) -> None:
    settings.QUEUE_TIMEOUT = 0
    gate, release = make_gate(1, queue=5), threading.Event()
    holder = hold(gate, release)
    for _ in range(3):
        with pytest.raises(Problem) as caught, gate.slot():
            pass
        assert (caught.value.status, caught.value.code) == (503, "too_busy")
    assert gate.inside == 1
    settings.QUEUE_TIMEOUT = 30
    waiters = [waiting(gate, release) for _ in range(3)]
    settings.QUEUE_TIMEOUT = 0
    with pytest.raises(Problem), gate.slot():
        pass
    release.set()
    for waiter in waiters:
        assert waiter.entered.wait(5)
        waiter.thread.join(5)
    holder.join(5)
    with gate.slot():
        assert gate.slots.stalled() >= 0


def test_an_error_in_a_slot_gives_it_back() -> None:
    gate = make_gate(1, queue=0)
    for _ in range(3):
        with pytest.raises(RuntimeError), gate.slot():
            raise RuntimeError
    with gate.slot():
        pass


def test_processes_share_the_slots_and_a_killed_one_gives_its_back() -> None:
    gate, release = make_gate(1, queue=1), threading.Event()
    with another_process(gate) as (process, _):
        waiter = waiting(gate, release)
        process.kill()
        process.join(30)
        assert not waiter.entered.is_set()
        gate.slots.give_back_all_of(process.pid or 0)  # as gunicorn's master does
        assert waiter.entered.wait(5)
    release.set()
    waiter.thread.join(5)


def test_one_process_may_have_all_slots() -> None:
    gate = make_gate(2, queue=4)
    with gate.slot(), gate.slot():
        assert gate.inside == 2


def test_more_processes_than_slots_all_get_their_turn() -> None:
    gate, release = make_gate(1, queue=4), threading.Event()
    with another_process(gate) as (_, finish):
        waiter = waiting(gate, release)
        finish()
        assert waiter.entered.wait(5)
    release.set()
    waiter.thread.join(5)
    with another_process(gate):
        pass


def test_refusals_spread_when_clients_come_back() -> None:
    gate = make_gate(1, queue=9)
    gate.inside, gate.seconds = 10, 1.0
    waits = set()
    for _ in range(200):
        with pytest.raises(Problem) as caught:
            gate.check_queue()
        waits.add(int(caught.value.headers["Retry-After"]))
    assert min(waits) >= 10, "the queue takes ten seconds to pass"
    assert max(waits) <= 20
    assert len(waits) > 5


@pytest.mark.django_db
def test_a_full_gate_is_found_before_the_body_is_read(
    segment: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = make_gate(1, queue=0)
    monkeypatch.setattr("segmentation_api.parsers.gate", gate)
    monkeypatch.setattr(PhotoParser, "read", lambda *_: pytest.fail("the body was read"))
    with gate.slot():
        assert segment().status_code == 503


@pytest.mark.django_db
def test_a_full_gate_is_503_with_retry_after(
    segment: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = make_gate(1, queue=0)
    monkeypatch.setattr("segmentation_api.views.gate", gate)
    with gate.slot():
        response = segment()
    assert (response.status_code, response.json()["type"]) == (503, "too_busy")
    assert response["Retry-After"]
    assert segment().status_code == 200


def test_slots_are_handed_on_in_the_order_they_were_asked_for() -> None:
    slots, served = SharedSlots(1), []

    def work(number: int) -> None:
        slot = slots.take()
        served.append(number)
        slots.give_back(slot)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    slot = slots.take()
    for thread in threads:
        thread.start()
        until(partial(waits_for_a_pipe, thread))
    slots.give_back(slot)
    for thread in threads:
        thread.join(5)
    assert served == list(range(20))


def waits_for_a_pipe(thread: threading.Thread) -> bool:
    """Whether a thread sleeps in the kernel until it is called or there is something to read."""
    where = Path(f"/proc/self/task/{thread.native_id}/wchan").read_text()
    return any(name in where for name in ("futex", "pipe_read", "select", "poll"))


def test_a_process_hands_its_last_slot_to_its_own_next_request() -> None:
    gate, here, there = Gate(SharedSlots(2, workers=2), queue=4), threading.Event(), threading.Event()
    with another_process(gate) as (_, finish):
        mine, waiter = hold(gate, here), waiting(gate, there)
        with contender(gate) as elsewhere:
            here.set()
            assert waiter.entered.wait(5), "though another process has waited as long"
            assert not elsewhere.poll(0.1)
            finish()
            assert elsewhere.poll(5)
        there.set()
    mine.join(5)
    waiter.thread.join(5)


def test_a_process_with_more_than_its_share_gives_a_slot_to_others() -> None:
    gate, first, rest = Gate(SharedSlots(2, workers=2), queue=4), threading.Event(), threading.Event()
    mine = [hold(gate, first), hold(gate, rest)]
    with contender(gate) as elsewhere:
        waiter = waiting(gate, rest)
        first.set()
        mine[0].join(5)
        until(lambda: waiter.entered.is_set() or elsewhere.poll(0))
        rest.set()
        assert elsewhere.poll(5)
    for thread in (mine[1], waiter.thread):
        thread.join(5)


@contextmanager
def contender(gate: Gate) -> Iterator[Connection]:
    """A process that waits for a slot and says when it got one."""
    here, there = fork.Pipe()

    def work() -> None:
        there.send("waits")
        with gate.slot():
            there.send("entered")

    process = fork.Process(target=work)
    process.start()
    assert here.poll(30)
    here.recv()
    time.sleep(0.1)  # from its word to its wait
    yield here
    process.join(30)
