#!/usr/bin/python3
"""faults: hurt a cluster while clients use it, and judge what they saw.

    faults.py [-n NODES] [-d DRIVES] [-p] [-l] [-s SEED] BINARIES [ROW ...]

Each row makes a cluster of NODES (3) with DRIVES (4), loads it with clients on
every node whose operations are recorded, does its harm so many times, waits
until all is well again, reads every key from every node, and judges the
history (t/history).  It prints one line; exit status 1 when a history is wrong.
The history and the logs of a row that went wrong stay in the folder that it
names, below $DIR, or else in memory.

    -p  nodes on ports of the loopback even where hosts are allowed
    -l  long: the counts of the full table; EC_CLUSTER_COUNT=N sets another

Rows (default: all): those below with a line of text."""

import argparse
import os
import shutil
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
import load
import silence
import soak
from table import ROWS, Run, row

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


@row("pairs", 40, 10000)
def pairs(r):
    """two nodes write one key at one moment: one of them wins"""
    r.up().stop()
    nodes = list(r.c.nodes)
    clients = [load.Client(r.c, n, r.load.more) for n in nodes * 2]
    begin, end = threading.Barrier(2), threading.Barrier(2)
    status = [0, 0]

    def write(who, i, body, new):
        begin.wait(60)
        status[who] = clients[i % len(nodes) + who].put(
            "pair%d" % (i // 2), body, new)
        end.wait(60)

    made = 0
    for i in range(r.count):
        new = i % 2 == 0
        bodies = [b"%032x" % r.random.getrandbits(128) * r.random.choice(
            (1, 1, 1, 20000)) for _ in range(2)]
        other = threading.Thread(target=write, args=(1, i, bodies[1], new))
        other.start()
        write(0, i, bodies[0], new)
        other.join()
        made += sorted(status) == [200, 412]
        for c in clients[:len(nodes)]:
            c.get("pair%d" % (i // 2))
    r.said.append("%d of %d made by exactly one" % (
        made, (r.count + 1) // 2))
    r.load.keys = 0
    return r.finish()


@row("down", 1, 20)
def down(r):
    """a node misses overwrites and deletes, comes back, another one goes"""
    r.up(keys=24).stop()
    keys = ["k%d" % k for k in range(r.load.keys)]
    for i in range(r.count):
        n = r.node()
        m = r.random.choice(r.others(n))
        c = load.Client(r.c, m, r.load.more)

        def change(every):
            for at, key in enumerate(keys):
                if at % 3 == every:
                    load.until(lambda: c.delete(key) in (200, 204), 60,
                               "no delete without node %d" % n)
                else:
                    body = b"%032x" % r.random.getrandbits(128)
                    body *= 1 if at % 2 else 9000
                    load.until(lambda: c.put(key, body + os.urandom(8).hex(
                        ).encode()) == 200, 60, "no put without %d" % n)

        change(i % 3)
        r.c.kill(n)
        change((i + 1) % 3)
        r.c.start(n)
        r.c.ready(n)
        back = load.Client(r.c, n, r.load.more)
        for key in keys:
            back.get(key)
        back.list()
        if r.args.nodes > 2:    # what it missed is healed: it is needed now
            r.c.whole(n)
            gone = r.random.choice([x for x in r.others(n) if x != m])
            r.c.kill(gone)
        for key in keys:
            load.until(lambda: back.get(key)[0] in (200, 404), 60,
                       "%s cannot be read on node %d, which came back" % (
                           key, n))
        if r.args.nodes > 2:
            r.c.start(gone)
            r.c.ready(gone)
        c.close()
        back.close()
    return r.finish()


STEPS = [("put", 100), ("put", 300000), ("delete", 0), ("put", 300000),
         ("put", 100), ("delete", 0)]


@row("coordinator", 12, 100000)
def coordinator(r):
    """the node that takes a write is killed at its Nth call, each N"""
    r.up(keys=1).stop()
    armed = r.folder + "/armed"
    near, far = r.c.nodes[0], r.c.nodes[-1]
    points = r.undecided = 0
    for kind in ("io", "send"):
        for what, size in STEPS:
            n, met = 0, True
            while met and points < r.count * (kind == "io" or 2):
                # The short form looks at the first calls and some later ones.
                n += 1 if r.args.long else 1 + n // 2
                met = at_call(r, near, far, armed, "kill@%s:%d" % (kind, n),
                              what, size)
                points += met
    r.said.append("%d calls, %d times undecided until it came back" % (
        points, r.undecided))
    r.c.kill(near)
    r.c.preload(near, None)
    r.c.start(near)
    r.c.ready(near)
    return r.finish()


def at_call(r, near, far, armed, fault, what, size):
    """False: it did its work without that call."""
    r.c.kill(near)
    r.c.preload(near, "fault.so", EC_FAULT=fault, EC_FAULT_WHEN=armed,
                **({"EC_FAULT_PATH": r.folder} if "io" in fault else {}))
    r.c.start(near)
    r.c.ready(near)
    c = load.Client(r.c, near, r.load.more, timeout=60)
    body = b"%032x" % r.random.getrandbits(128)
    load.until(lambda: c.get("k0")[0] in (200, 404), 60,
               "not to be read before " + fault)
    open(armed, "w").close()
    if what == "put":
        status = c.put("k0", body + body[:1] * size)
    else:
        status = c.delete("k0")
    os.unlink(armed)
    c.close()
    if status == 0:
        r.c.process[near].wait(60)
    met = not r.c.alive(near)
    if far != near:
        c = load.Client(r.c, far, r.load.more)
        r.undecided += c.get("k0")[0] not in (200, 404)
        c.close()
    return met


@row("clocks", 4, 60)
def clocks(r):
    """one clock an hour ahead, one an hour behind, nodes killed"""
    ahead = {n: s for n, s in zip(r.c.nodes, (3600, -3600))}
    for n, s in ahead.items():
        r.c.preload(n, "clock.so", EC_CLOCK_AHEAD=str(s))
    r.c.start_all()
    c = load.Client(r.c, 1)
    c.ahead_s = ahead[1]
    c.make_bucket()
    r.load = load.Load(r.c, r.args.seed)
    r.load.ahead_s = ahead
    r.load.start()
    for _ in range(r.count):
        r.at_work(100)
        n = r.node()
        r.c.kill(n)
        r.some_time()
        if r.random.random() < 0.5:     # somebody sets it right
            r.c.preload(n, None)
            r.load.ahead_s[n] = 0
        r.c.start(n)
        r.c.ready(n)
    return r.finish()


@row("restart", 1, 10)
def restart(r):
    """every node in turn ends and starts; clients try again elsewhere"""
    r.up().start()
    for _ in range(r.count):
        for n in r.c.nodes:
            r.at_work(50)
            r.c.stop(n)
            r.c.start(n)
            r.c.ready(n)
            for m in r.c.nodes:     # each sees all others again
                load.until(lambda: r.c.health(
                    m, "cluster?maintenance=true") == 200, 60,
                    "node %d does not see all others" % m)
    worst = max(w.worst for w in r.load.workers)
    r.said.append("%d failures in a row at most" % worst)
    wrong = r.finish()
    if worst > 4:
        wrong.append("a client that tried five times in a row failed")
    return wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", dest="nodes", type=int, default=3)
    p.add_argument("-d", dest="drives", type=int, default=4)
    p.add_argument("-p", dest="ports", action="store_true")
    p.add_argument("-l", dest="long", action="store_true")
    p.add_argument("-s", dest="seed", type=int,
                   default=time.time_ns() % 1000000)
    p.add_argument("binaries")
    p.add_argument("rows", nargs="*", default=list(ROWS))
    args = p.parse_args()
    for name in args.rows:
        if name not in ROWS:
            p.error("rows: " + ", ".join(ROWS))
    args.binaries = os.path.abspath(args.binaries)
    bad = False
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in args.rows:
        bad = one(args, name) or bad
    sys.exit(bad)


def verdict(r, wrong):
    """"0 lost, 0 wrong bytes, 0 resurrected", and what else there is."""
    kinds = getattr(getattr(r, "load", None), "kinds", None)
    if kinds is None:
        return "not judged"
    said = ["%d %s" % (n, kind) for kind, n in kinds.items()]
    more = len(wrong) - sum(kinds.values())
    return ", ".join(said + ["%d more wrong" % more] * (more > 0))


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
    wrong = ["broken off"]
    try:
        wrong = function(r)
    except (RuntimeError, OSError, AssertionError) as e:
        wrong = [repr(e)]
    finally:
        r.close(bool(wrong))
    print("%s: %d times: %s; %s (seed %d, %.0f s, %s)" % (
        title, count, verdict(r, wrong), ", ".join(r.said), args.seed,
        time.monotonic() - began, r.c.net.name))
    for line in wrong[:10]:
        print("wrong:", line)
    if wrong:
        print("kept:", r.folder)
    sys.stdout.flush()
    return bool(wrong)


main()
