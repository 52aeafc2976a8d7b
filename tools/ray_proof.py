"""tools/test_ray's proof: kills a worker and the driver of a Ray job, and compares its rows with the program's."""

import argparse
import os
import pathlib
import subprocess
import sys
import time

from proof_pictures import make_pictures
from proof_rows import EXAMPLES, Work, committed, compare, programs_rows, table_of

WORKERS = 3
CORES = 3  # logical ones of each node: Ray hangs where its own operators find no slot


def hold_cluster(workers, cores):
    """A cluster in this process. Prints its address; each line of standard input kills a worker; the end ends it."""
    from ray.cluster_utils import Cluster
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores, "object_store_memory": 150 << 20,
                                                            "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=cores, object_store_memory=150 << 20) for _ in range(workers)]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()


class RayCluster:
    def __init__(self, workers, cores):
        self._holder = subprocess.Popen([sys.executable, __file__, "--hold", str(workers), str(cores)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._address = self._holder.stdout.readline().strip()

    def kill_worker(self):
        self._holder.stdin.write("kill\n")
        self._holder.stdin.flush()
        self._holder.stdout.readline()

    def drive(self, pictures, out):
        """The example, as a user starts it."""
        log = open(f"{out}.log", "ab")
        return subprocess.Popen([sys.executable, EXAMPLES / "ray_folder.py", pictures, out], stdout=log, stderr=log,
                                env={**os.environ, "RAY_ADDRESS": self._address})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._holder.stdin.close()
        self._holder.wait(60)


def wait_for_files(out, count, driver):
    while len(committed(out)) < count and driver.poll() is None:
        time.sleep(0.05)
    return len(committed(out))


def prove(work, count):
    pictures, out = work / "pictures", work / "rows"
    make_pictures(pictures, count)
    expected = programs_rows(pictures, work / "batch")
    with RayCluster(WORKERS, CORES) as cluster:
        begin = time.monotonic()
        driver = cluster.drive(pictures, out)
        files = wait_for_files(out, 2, driver)
        print(f"a head and {WORKERS} workers; worker killed with {files} files written, {time.monotonic() - begin:.0f} s")
        cluster.kill_worker()
        files = wait_for_files(out, files + 4, driver)
        driver.kill()
        driver.wait()
        done = len(table_of(out))
        print(f"driver killed (SIGKILL) with {done} of {count} rows written, {time.monotonic() - begin:.0f} s")
        for rerun in ("the same command again", "and once more, when all is done"):
            driver = cluster.drive(pictures, out)
            if driver.wait(900) != 0:
                print(pathlib.Path(f"{out}.log").read_text()[-3000:])
                return 1
            print(f"{rerun}: {len(table_of(out)) - done} rows written, {time.monotonic() - begin:.0f} s")
            done = len(table_of(out))
    return compare(table_of(out), expected)


def measure(work, count):
    """Pictures a second, without what a start costs: the time of some pictures less that of a quarter of them."""
    samples = sorted((EXAMPLES.parent.parent / "samples").glob("*.jpg"))
    counts = [count // 4, count]
    for n in counts:
        (work / f"{n}").mkdir()
        for i in range(n):
            (work / f"{n}/{i}.jpg").write_bytes(samples[i % len(samples)].read_bytes())
    cores = len(os.sched_getaffinity(0))

    def rate(run):
        seconds = []
        for n in counts:
            begin = time.monotonic()
            run(n)
            seconds.append(time.monotonic() - begin)
        return (counts[1] - counts[0]) / (seconds[1] - seconds[0])

    def program(*arguments):
        return lambda n: subprocess.run([sys.executable, "-m", "fovea", *(str(a).format(n=n) for a in arguments)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with RayCluster(0, cores + 2) as cluster:  # the example leaves two for Ray's own operators
        ray = rate(lambda n: cluster.drive(work / f"{n}", work / f"ray{n}").wait())
    batch = rate(program("batch", work / "{n}", "-o", work / "batch{n}"))
    classify = rate(program("classify", work / "{n}", "-f", "jsonl"))
    print(f"{count} photographs on one node of {cores} cores, pictures/s: Ray {ray:.0f}, `fovea batch` {batch:.0f}, "
          f"`fovea classify` {classify:.0f}: Ray has {ray / batch:.0%} of batch, {ray / classify:.0%} of classify")


def main():
    if sys.argv[1:2] == ["--hold"]:
        return hold_cluster(int(sys.argv[2]), int(sys.argv[3]))
    parser = argparse.ArgumentParser(prog="tools/test_ray")
    parser.add_argument("--pictures", type=int, default=2000, help="of the proof; every 50th is broken")
    parser.add_argument("--throughput", type=int, default=0, help="measure with so many photographs, too")
    args = parser.parse_args()
    with Work() as work:
        if args.pictures and prove(work, args.pictures):
            return 1
        if args.throughput:
            measure(work, args.throughput)
    return 0


if __name__ == "__main__":
    sys.exit(main())
