"""A real Ray cluster of two nodes on loopback, one of which is killed half way."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from tests.bulk.conftest import PHOTOS, Runs, results, rows, wait_for


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes of a core each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    made.shutdown()


def test_each_photo_is_one_row_though_a_node_is_killed(runs: Runs, cluster: Any) -> None:
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    out, here = runs.folder / "out", runs.folder / "here"
    with runs.start(runs.photos, out, "--engine", "ray", "--ray-address", cluster.address) as process:
        wait_for(out, PHOTOS // 2, process)
        assert process.poll() is None, process.communicate()[0]
        cluster.remove_node(node, allow_graceful=False)
        printed = process.communicate()[0]
    assert process.returncode == 0, printed
    runs.finish(runs.photos, here)
    found = rows(out)
    assert len({row["path"] for row in found}) == len(found) == PHOTOS
    assert {row["status"] for row in found} == {"ok"}
    assert found == rows(here)
    assert sorted(results(out)) == sorted(results(here))
    assert all((out / name).read_bytes() == (here / name).read_bytes() for name in results(here))


def test_options_of_the_api_reach_the_actors(runs: Runs, cluster: Any) -> None:
    """A tiny model's `faces=whole` has one face, number 1."""
    few = runs.folder / "few"
    few.mkdir()
    for photo in sorted(runs.photos.glob("000/*"))[:5]:
        shutil.copy(photo, few)
    on_ray = ("--engine", "ray", "--ray-address", cluster.address, "--output", "labels")
    for number, options in enumerate([("--face", "1"), ("--classes", "skin,hair")]):
        here, there = runs.folder / f"here-{number}", runs.folder / f"there-{number}"
        runs.finish(few, here, "--output", "labels", *options)
        runs.finish(few, there, *on_ray, *options)
        assert rows(here) == rows(there)
        assert len(rows(here)) == 5
        for file in here.glob("*.png"):
            assert (there / file.name).read_bytes() == file.read_bytes()
    with runs.start(few, runs.folder / "none", *on_ray, "--face", "2") as process:
        printed = process.communicate()[0]
    assert process.returncode == 1, printed
    assert {row["status"] for row in rows(runs.folder / "none")} == {"no_such_face"}


def test_without_a_cluster_the_command_says_so(runs: Runs) -> None:
    with runs.start(
        runs.photos, runs.folder / "out", "--engine", "ray", "--ray-address", "127.0.0.1:1"
    ) as process:
        printed = process.communicate()[0]
    assert process.returncode == 1
    assert "--ray-address 127.0.0.1:1: " in printed
    assert "Traceback" not in printed
