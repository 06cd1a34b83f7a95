"""silence: rows of faults.py with nodes and drives that do not answer."""

import os
import signal
import threading
import time

import load
from table import row


@row("partition", 5, 100, network=True)
def partition(r):
    """a node, the clients' node from few or most, the clients; one way"""
    r.up(timeout=10).start()
    net, nodes = r.c.net, list(r.c.nodes)
    for i in range(r.count):
        r.at_work()
        n = r.node()
        others = r.others(n)
        r.load.nodes = others
        if i % 5 == 0:
            net.apart([n], others)
        elif i % 5 == 1:        # the clients' node from a minority
            net.apart([n], others[:(len(nodes) - 1) // 2])
            r.load.nodes = [n]
        elif i % 5 == 2:        # ... and from a majority
            net.apart([n], others)
            r.load.nodes = [n]
        elif i % 5 == 3:
            net.apart([net.clients], [n])
        else:
            for m in others:
                net.drop(n, m)
        r.load.progress(10, 2)
        r.load.nodes = nodes
        time.sleep(r.random.uniform(0, 2))
        net.together()
    return r.finish()


class Watch(threading.Thread):
    """When a node sees another one's drives go out of use, and come back."""

    def __init__(self, cluster, observer, node):
        super().__init__(daemon=True)
        self.client = load.Client(cluster, observer, timeout=10)
        self.node, self.drives = node, cluster.drives
        self.began, self.out = time.monotonic(), None
        self.ending = threading.Event()

    def online(self):
        try:
            return self.client.online()[self.node]
        except (OSError, load.NotSent):
            return None

    def run(self):
        while self.out is None and not self.ending.is_set():
            if self.online() == 0:
                self.out = time.monotonic() - self.began
            time.sleep(0.05)

    def end(self):
        """How long until all were out; None: they were not."""
        self.ending.set()
        self.join()
        return self.out

    def back(self):
        """Wait until all are in use; how long that was."""
        began = time.monotonic()
        load.until(lambda: self.online() == self.drives, 60,
                   "node %d is not taken back" % self.node)
        self.client.close()
        return time.monotonic() - began


def hush(r, how, n, others):
    """Make node ${n} silent in one of the ways."""
    if how == "stopped":
        r.c.signal(n, signal.SIGSTOP)
    elif how == "cut off":
        r.c.net.apart([n], others)
    elif how == "mute":
        for m in others:
            r.c.net.drop(n, m)
    elif how == "deaf":
        for m in others:
            r.c.net.drop(m, n)


def flap(r, n, others):
    for _ in range(3):
        r.c.net.apart([n], others)
        time.sleep(0.5)
        r.c.net.together()
        time.sleep(0.5)


GOAL_S = 3      # judged in the long form: the short one runs beside others
HOW = ("stopped", "cut off", "mute", "deaf", "flapping")


@row("silent", 5, 50, network=True)
def silent(r):
    """a node stops, is cut off, one way, flaps: out within 3 s, and back"""
    r.up().start()
    first = worst = back = 0
    out = dict.fromkeys(HOW[:4], 0)
    for i in range(r.count):
        how, n = HOW[i % 5], r.node()
        others = r.others(n)
        r.load.nodes = others
        r.at_work(40)
        r.load.slowest()
        watch = Watch(r.c, others[0], n)
        watch.start()
        if how == "flapping":
            flap(r, n, others)
        else:
            hush(r, how, n, others)
            time.sleep(3)
        first = max(first, r.load.slowest())
        r.at_work(100)
        worst = max(worst, r.load.slowest())
        if how != "flapping":
            load.until(lambda: watch.out is not None, 60,
                       "node %d is %s and stays in use" % (n, how))
            out[how] = max(out[how], watch.out)
        watch.end()
        if how == "stopped":
            r.c.signal(n, signal.SIGCONT)
        r.c.net.together()
        back = max(back, watch.back())
        r.load.nodes = list(r.c.nodes)
        r.c.ready(n)
    r.said += ["out after " + ", ".join("%.1f s (%s)" % (s, how)
                                        for how, s in out.items()) +
               ", goal %d s" % GOAL_S,
               "back after %.1f s" % back,
               "a client waits %.1f s in the first 3 s, then %.1f s" % (
                   first, worst)]
    wrong = r.finish()
    if first > 10 or worst > 5:
        wrong.append("clients waited too long")
    if r.args.long and max(out.values()) > GOAL_S:
        wrong.append("it was in use for too long")
    return wrong


@row("slow-drive", 3, 30)
def slow_drive(r):
    """every call to one drive takes 200 ms more, for a while"""
    armed = r.folder + "/slow"
    for n in r.c.nodes:
        r.c.preload(n, "fault.so", EC_FAULT="delay@io:1+:200",
                    EC_FAULT_PATH=r.c.drive(n, 1) + "/",
                    EC_FAULT_WHEN="%s%d" % (armed, n))
    r.up().start()
    before = slow = 0
    for _ in range(r.count):
        r.load.slowest()
        r.at_work(100)
        before = max(before, r.load.slowest())
        n = r.node()
        open("%s%d" % (armed, n), "w").close()
        r.at_work(100)
        slow = max(slow, r.load.slowest())
        os.unlink("%s%d" % (armed, n))
    r.said.append("a client waits %.1f s beside it, %.1f s without" % (
        slow, before))
    wrong = r.finish()
    if slow > before + 5:
        wrong.append("clients waited too long")
    return wrong


@row("stalled", 8, 50)
def stalled(r):
    """readers of large objects on every node that stop in mid-stream"""
    r.up().start()
    load.Client(r.c, 1, r.load.more).put("stalled", bytes(32 << 20), False)
    r.load.slowest()
    r.at_work(200)
    before = r.load.slowest()
    readers = [load.Client(r.c, n) for n in r.c.nodes for _ in range(r.count)]
    answers = [c.begin("GET", load.path("stalled")) for c in readers]
    wrong = ["a reader: %d" % a.status for a in answers if a.status != 200]
    r.load.slowest()
    r.at_work(400)
    beside = r.load.slowest()
    r.said.append("a client waits %.1f s beside %d of them, %.1f s without" % (
        beside, len(readers), before))
    for c in readers:
        c.close()
    wrong += r.finish()
    if beside > before + 5:
        wrong.append("clients waited too long")
    return wrong
