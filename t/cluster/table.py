"""table: the rows of faults.py, and what they have in common."""

import os
import random
import shutil
import tempfile
import time

import cluster
import load

ROWS = {}


def row(name, short, full, network=False):
    """A row of the table: how often in short and in full; with ${network} it
    needs hosts of its own."""
    def add(function):
        ROWS[name] = function, short, full, network
        return function
    return add


class Run:
    def __init__(self, args, name, count):
        self.args, self.count = args, count
        self.random = random.Random("%s %d" % (name, args.seed))
        self.folder = tempfile.mkdtemp(
            prefix="ec-%s." % name, dir=os.environ.get("DIR") or (
                "/dev/shm" if os.path.isdir("/dev/shm") else None))
        self.c = cluster.Cluster(args.binaries, self.folder, args.nodes,
                                 args.drives, args.ports)
        self.said = []      # of the row, beside the counts of all

    def up(self, **kw):
        """The cluster, a bucket in it, and clients at work."""
        self.c.start_all()
        load.Client(self.c, 1).make_bucket()
        self.load = load.Load(self.c, self.args.seed, **kw)
        return self.load

    def some_time(self):
        time.sleep(self.random.uniform(0, 0.4))

    def node(self):
        return self.random.choice(list(self.c.nodes))

    def others(self, n):
        return [m for m in self.c.nodes if m != n]

    def at_work(self, n=20):
        if not self.load.progress(n):
            raise RuntimeError("clients get nothing done in 60 s: %s" % [
                self.c.log(m)[-300:] for m in self.c.nodes])

    def finish(self):
        """Wait until all is healed, read all from every node, and judge."""
        self.load.stop()
        healed = self.c.whole(self.node())
        self.load.read_all()
        wrong = self.load.judge(self.folder + "/history")
        self.said += ["%d done" % self.load.done(),
                      "%d failed" % self.load.failed(),
                      "slowest %.1f s" % self.load.slowest(),
                      "healed in %.1f s" % healed]
        return wrong

    def close(self, keep):
        self.c.close()
        if not keep:
            shutil.rmtree(self.folder)
