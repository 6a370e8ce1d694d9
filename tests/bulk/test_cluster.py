"""A real Ray cluster of two nodes on loopback, one of which is killed half way."""

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


def test_without_a_cluster_the_command_says_so(runs: Runs) -> None:
    with runs.start(
        runs.photos, runs.folder / "out", "--engine", "ray", "--ray-address", "127.0.0.1:1"
    ) as process:
        printed = process.communicate()[0]
    assert process.returncode == 1
    assert "--ray-address 127.0.0.1:1: " in printed
    assert "Traceback" not in printed
