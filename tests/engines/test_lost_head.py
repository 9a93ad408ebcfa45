"""The head of a cluster is killed while pieces of work are done; in processes of their own."""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("ray", reason="the extra ray is not installed")

DRIVER = """
    import sys, time
    from facslens.engines import ray as engine
    from facslens.errors import FacslensError

    engine.LOOK = 0.5

    def slow(item, seen):
        time.sleep(0.1)
        return item

    try:
        for done in engine.Ray(sys.argv[1]).map(slow, range(2000)):
            print(done, flush=True)
    except FacslensError as error:
        print(error, flush=True)
        sys.exit(3)
"""
CLUSTER = f"""
    import os, subprocess, sys

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={{"num_cpus": 1}})
    driver = [sys.executable, "-c", {textwrap.dedent(DRIVER)!r}, nodes.address]
    with subprocess.Popen(driver, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        nodes.head_node.kill_gcs_server(check_alive=False)
        said = child.stdout.read()
    print(child.returncode, said.splitlines()[-1])
    nodes.shutdown()
"""


def test_a_lost_head_ends_the_work_with_a_sentence():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CLUSTER)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "3 the head of the Ray cluster does not answer any more" in done.stdout, done.stderr
