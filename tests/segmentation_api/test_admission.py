"""As many at once as there are places, a bounded queue, and 503 beyond it."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segmentation_api import admission
from segmentation_api.admission import Gate, Line
from segmentation_api.errors import Problem


@dataclass
class Waiter:
    """A thread that wants a place, and has `entered` once it got one."""

    entered: threading.Event
    thread: threading.Thread


def start(gate: Gate, release: threading.Event) -> Waiter:
    """A thread that asks for a place, then keeps it until `release`."""
    entered = threading.Event()

    def work() -> None:
        with gate.place():
            entered.set()
            release.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    return Waiter(entered, thread)


def hold(gate: Gate, release: threading.Event) -> threading.Thread:
    """A thread that keeps a place until `release`."""
    waiter = start(gate, release)
    if not waiter.entered.wait(0.3):
        assert gate.inside > gate.slots, "it should have got a place at once"
    return waiter.thread


def waiting(gate: Gate, release: threading.Event) -> Waiter:
    """A thread that waits for a place, then keeps it until `release`."""
    waiter = start(gate, release)
    assert not waiter.entered.wait(0.2), "all places were taken"
    return waiter


def test_only_so_many_at_once_and_the_rest_in_turn(tmp_path: Path) -> None:
    gate = Gate(tmp_path, slots=2, queue=20)
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with gate.place():
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


def test_beyond_the_queue_it_is_503_at_once(tmp_path: Path) -> None:
    gate, release = Gate(tmp_path, slots=1, queue=1), threading.Event()
    threads = [hold(gate, release), hold(gate, release)]
    start = time.perf_counter()
    with pytest.raises(Problem) as caught, gate.place():
        pass
    assert time.perf_counter() - start < 0.02
    assert (caught.value.status, caught.value.code) == (503, "too_busy")
    assert int(caught.value.headers["Retry-After"]) >= 1
    release.set()
    for thread in threads:
        thread.join(5)
    with gate.place():
        pass


def test_an_error_at_a_place_gives_it_back(tmp_path: Path) -> None:
    gate = Gate(tmp_path, slots=1, queue=0)
    for _ in range(3):
        with pytest.raises(RuntimeError), gate.place():
            raise RuntimeError
    with gate.place():
        pass


def take_and_hang(folder: Path) -> None:
    """In another process: keep the only place."""
    with Gate(folder, slots=1, queue=0).place():
        (folder / "taken").touch()
        time.sleep(30)


def test_processes_share_the_places_and_a_killed_one_gives_its_back(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=take_and_hang, args=(tmp_path,))
    process.start()
    while not (tmp_path / "taken").exists():
        time.sleep(0.01)
    gate, release = Gate(tmp_path, slots=1, queue=1), threading.Event()
    release.set()
    waiter = threading.Thread(target=lambda: gate.place().__enter__())
    waiter.start()
    waiter.join(0.2)
    assert waiter.is_alive(), "the other process has the place"
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    waiter.join(2)
    assert not waiter.is_alive()
    process.join()


def test_refusals_spread_when_clients_come_back(tmp_path: Path) -> None:
    gate = Gate(tmp_path, slots=1, queue=9)
    gate.inside, gate.seconds = 10, 1.0
    waits = set()
    for _ in range(200):
        with pytest.raises(Problem) as caught:
            gate.check_room()
        waits.add(int(caught.value.headers["Retry-After"]))
    assert min(waits) >= 10, "the queue takes ten seconds to pass"
    assert max(waits) <= 20
    assert len(waits) > 5


@pytest.mark.django_db
def test_a_full_gate_is_found_before_the_body_is_read(
    segment: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, slots=1, queue=0)
    monkeypatch.setattr("segmentation_api.views.gate", lambda: gate)
    monkeypatch.setattr("segmentation_api.views.read_body", lambda *_, **__: pytest.fail("the body was read"))
    with gate.place():
        assert segment().status_code == 503


@pytest.mark.django_db
def test_a_full_gate_is_503_with_retry_after(
    segment: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path, slots=1, queue=0)
    monkeypatch.setattr("segmentation_api.views.gate", lambda: gate)
    with gate.place():
        response = segment()
    assert (response.status_code, response.json()["type"]) == (503, "too_busy")
    assert response["Retry-After"]
    assert segment().status_code == 200


def test_the_gate_is_made_when_first_used() -> None:
    assert admission.gate() is admission.gate()


def test_a_line_is_served_in_the_order_it_was_joined() -> None:
    line, served = Line(), []

    def work(number: int) -> None:
        with line:
            served.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    with line:
        for joined, thread in enumerate(threads, start=1):
            thread.start()
            while len(line.waiting) < joined:
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert served == list(range(20))


def two_processes(folder: Path) -> tuple[Gate, Gate]:
    """The gates of two worker processes that share two places."""
    first, second = (Gate(folder, slots=2, queue=4, processes=2) for _ in range(2))
    assert (first.number, second.number) == (0, 1)
    return first, second


def test_a_process_takes_anothers_place_while_nobody_waits_there(tmp_path: Path) -> None:
    first, _ = two_processes(tmp_path)
    with first.place(), first.place():
        assert first.inside == 2


def test_a_process_has_its_own_place_back_before_the_other_takes_it_again(tmp_path: Path) -> None:
    first, second = two_processes(tmp_path)
    releases = [threading.Event() for _ in range(4)]
    own, borrowed = hold(first, releases[0]), hold(first, releases[1])
    greedy, owner = waiting(first, releases[2]), waiting(second, releases[3])
    releases[1].set()
    borrowed.join(5)
    assert owner.entered.wait(5), "the place was borrowed, and its owner waits for it"
    assert not greedy.entered.is_set()
    releases[0].set()
    assert greedy.entered.wait(5)
    for release in releases:
        release.set()
    for thread in (own, greedy.thread, owner.thread):
        thread.join(5)


def test_more_processes_than_places_all_get_their_turn(tmp_path: Path) -> None:
    gates = [Gate(tmp_path, slots=1, queue=4, processes=2) for _ in range(2)]
    release = threading.Event()
    holder, other = hold(gates[0], release), waiting(gates[1], release)
    release.set()
    assert other.entered.wait(5)
    for thread in (holder, other.thread):
        thread.join(5)


def test_there_is_one_gate_however_many_threads_ask_first() -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len({id(gate) for gate in pool.map(lambda _: admission.gate(), range(64))}) == 1
