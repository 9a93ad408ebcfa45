import os

import pytest

from facslens.engines.ray import Ray


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
