import os
from pathlib import Path

import pytest

from facslens.engines.ray import Ray

#: Other processes find the work of these tests by the name of its module.
ROOT = str(Path(__file__).parents[2])


@pytest.fixture(scope="session", autouse=True)
def found_by_name():
    """Let other processes import this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield


@pytest.fixture(scope="module")
def cluster():
    """Start two Ray nodes of one core each on this machine, and connect to them."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    from ray.cluster_utils import Cluster

    nodes = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1},
    )
    nodes.add_node(num_cpus=1)
    try:
        ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture
def engine(cluster):
    """Do pieces of work on the two nodes."""
    return Ray(cluster.address)
