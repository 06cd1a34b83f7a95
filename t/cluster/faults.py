#!/usr/bin/python3
"""faults: hurt a cluster while clients use it, and judge what they saw.

    faults.py [-n NODES] [-d DRIVES] [-p] [-l] [-s SEED] BINARIES ROW ...

Each row makes a cluster of NODES (3) with DRIVES (4) in the working directory,
loads it with clients on every node whose operations are recorded, does its
harm so many times, waits until all is well again, reads every key from every
node, and judges the history (t/history).  It prints one line; exit status 1
when a history is wrong.  The history and the logs of a row that went wrong
stay in the folder that it names.

    -p  nodes on ports of the loopback even where hosts are allowed
    -l  long: the counts of the full table; EC_CLUSTER_COUNT=N sets another

Rows: those below with a line of text."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
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
        self.folder = tempfile.mkdtemp(prefix=name + ".", dir=os.getcwd())
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
        self.load.stop()
        self.load.read_all()
        wrong = self.load.judge(self.folder + "/history")
        n = self.load.counts()
        self.said += ["%d done" % n["done"], "%d failed" % n["failed"],
                      "slowest %.1f s" % n["slowest"]]
        if self.load.behind:
            self.said.append("%d keys behind in lists" % self.load.behind)
        return wrong

    def close(self, keep):
        self.c.close()
        if not keep:
            shutil.rmtree(self.folder)


@row("kill-one", 4, 200)
def kill_one(r):
    """any node, kill -9 at any moment, started again"""
    r.up().start()
    slowest = 0
    for _ in range(r.count):
        r.at_work()
        r.some_time()
        n = r.node()
        r.c.kill(n)
        r.some_time()
        r.c.start(n)
        slowest = max(slowest, r.c.ready(n))
    r.said.append("back in %.1f s" % slowest)
    return r.finish()


@row("kill-all", 3, 50)
def kill_all(r):
    """all nodes at once, kill -9, started again"""
    r.up().start()
    for _ in range(r.count):
        r.at_work()
        r.some_time()
        r.c.kill(*r.c.nodes)
        r.c.start_all()
    return r.finish()


@row("drives", 4, 50)
def drives(r):
    """a drive is pulled and comes back, the nodes running"""
    r.up().start()
    for _ in range(r.count):
        r.at_work()
        d = r.c.drive(r.node(), r.random.randint(1, r.args.drives))
        os.rename(d, d + ".away")
        r.at_work(10)
        r.some_time()
        if os.path.exists(d):
            shutil.rmtree(d)
        os.rename(d + ".away", d)
    return r.finish()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", dest="nodes", type=int, default=3)
    p.add_argument("-d", dest="drives", type=int, default=4)
    p.add_argument("-p", dest="ports", action="store_true")
    p.add_argument("-l", dest="long", action="store_true")
    p.add_argument("-s", dest="seed", type=int,
                   default=time.time_ns() % 1000000)
    p.add_argument("binaries")
    p.add_argument("rows", nargs="+", choices=sorted(ROWS))
    args = p.parse_args()
    args.binaries = os.path.abspath(args.binaries)
    bad = False
    for name in args.rows:
        bad = one(args, name) or bad
    sys.exit(bad)


def one(args, name):
    function, short, full, network = ROWS[name]
    count = int(os.environ.get("EC_CLUSTER_COUNT", 0)) or (
        full if args.long else short)
    title = "%s, %d x %d drives" % (name, args.nodes, args.drives)
    began = time.monotonic()
    r = Run(args, name, count)
    if network and not r.c.net.network:
        print("%s: left out: %s" % (title, r.c.net.name))
        r.close(False)
        return False
    try:
        wrong = function(r)
    except (RuntimeError, OSError, AssertionError) as e:
        wrong = [repr(e)]
    print("%s: %d times, %s; %d wrong (seed %d, %.0f s, %s)" % (
        title, count, ", ".join(r.said), len(wrong), args.seed,
        time.monotonic() - began, r.c.net.name))
    for line in wrong[:10]:
        print("wrong:", line)
    if wrong:
        print("kept:", r.folder)
    sys.stdout.flush()
    r.close(bool(wrong))
    return bool(wrong)


main()
