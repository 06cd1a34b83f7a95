#!/usr/bin/python3
"""speed: what a request costs a cluster in round trips, and what the nodes
between cost in throughput.

    speed.py BINARIES [trips | rates]

Round trips: 3 nodes x 4 drives in memory, the client beside the first node,
every packet between nodes 5 ms under way; the median time of a request divided
by that of a handshake of TCP over the same way, which is a round trip of the
network alone, 10 ms and what the switch is late.  What it takes without the
delay, in turns with it, is the machine's own part, and printed beside.
Connections: what the nodes opened to each other during these requests: one
for each that is under way at a time, and those are kept.
Throughput: 16 MiB objects by four clients, 3 nodes x 4 drives on ports of the
loopback, of what one node with 12 drives does; the median of five turns, in
each of which one follows the other.  Exit status 1 when a goal is missed: PUT
2.2 and GET 1.2 round trips, 24 connections, throughput 0.55."""

import os
import socket
import statistics
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import cluster
import load

DELAY_MS, REQUESTS, TURNS, CONNECTIONS = 5, 60, 6, 24
GOALS = {"PUT": 2.2, "GET": 1.2}
MIB16 = bytes(16 << 20)


def make(binaries, folder, nodes, drives, ports):
    c = cluster.Cluster(binaries, folder, nodes, drives, ports)
    c.start_all()
    load.Client(c, 1).make_bucket()
    return c


def took(call):
    began = time.monotonic()
    if call() not in (200, (200, 4096)):
        raise RuntimeError("a request failed")
    return time.monotonic() - began


def delay(c, ms):
    for n in c.nodes:
        for m in c.nodes:
            if m != n:
                c.net.delay(n, m, ms)


def handshake(c):
    """The median time to open a connection, the client as far as a node."""
    host, port = c.net.address[1].split(":")
    times = []
    for ms in (DELAY_MS, 0):
        for a, b in ((1, c.net.clients), (c.net.clients, 1)):
            c.net.delay(a, b, ms)
        for _ in range(40 if ms else 0):
            began = time.monotonic()
            socket.create_connection((host, int(port))).close()
            times.append(time.monotonic() - began)
    return statistics.median(times) * 1000


def round_trips(c):
    client = load.Client(c, 1)

    def put(i):
        return client.request("PUT", load.path("r%d" % i),
                              b"%4d" % i * 1024)[0]

    def get(i):
        status, _, data = client.request("GET", load.path("r%d" % i))
        return status, len(data)

    for i in range(20):     # connections and estimates are there
        took(lambda: put(i))
        took(lambda: get(i))
    before, missed = c.net.connections(), False
    times = {(name, ms): [] for name in GOALS for ms in (0, DELAY_MS)}
    for _ in range(TURNS):
        for ms in (0, DELAY_MS):
            delay(c, ms)
            for name, call in (("PUT", put), ("GET", get)):
                for i in range(3):      # what is usual is learnt anew
                    took(lambda: call(i))
                times[name, ms] += [took(lambda: call(i))
                                    for i in range(REQUESTS // TURNS)]
    trip = handshake(c)
    print("a round trip of the network: %.2f ms" % trip)
    for name, goal in GOALS.items():
        near, far = (statistics.median(times[name, ms]) * 1000
                     for ms in (0, DELAY_MS))
        trips = far / trip
        print("%s of 4 KiB: %.2f round trips (goal %.1f), %.2f of them the "
              "machine's own" % (name, trips, goal, near / trip))
        missed = missed or trips > goal
    during = c.net.connections() - before
    print("connections opened by nodes to each other: %d before, %d during "
          "%d requests (goal %d)" % (before, during,
                                     4 * (REQUESTS + 3 * TURNS), CONNECTIONS))
    return missed or during > CONNECTIONS


def turn(c, method):
    """MiB/s of four clients, spread over the nodes."""
    def work(n):
        client = load.Client(c, c.nodes[n % len(c.nodes)])
        for j in range(2):
            status = client.request(
                method, load.path("big%d.%d" % (n, j)),
                MIB16 if method == "PUT" else b"")[0]
            if status != 200:
                failed.append(status)
        client.close()

    failed = []
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise RuntimeError("%s: %s" % (method, failed))
    return 4 * 2 * 16 / (time.monotonic() - began)


def throughput(one, three):
    missed = False
    for method in ("PUT", "GET"):
        pairs = [(turn(one, method), turn(three, method))
                 for _ in range(5)]
        ratio = statistics.median(b / a for a, b in pairs)
        print("%s of 16 MiB: %.2f of one node (goal 0.55), %.0f and %.0f "
              "MiB/s" % (method, ratio,
                         statistics.median(b for _, b in pairs),
                         statistics.median(a for a, _ in pairs)))
        missed = missed or ratio < 0.55
    return missed


def main():
    binaries, missed = os.path.abspath(sys.argv[1]), False
    only = sys.argv[2] if len(sys.argv) > 2 else None
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=base, prefix="ec-speed.") as folder:
        made = []
        try:
            if only != "trips":
                made.append(make(binaries, folder + "/one", 1, 12, True))
                made.append(make(binaries, folder + "/three", 3, 4, True))
                missed = throughput(*made)
            if only != "rates":
                made.append(make(binaries, folder + "/far", 3, 4, False))
                if made[-1].net.network:
                    missed = round_trips(made[-1]) or missed
                else:
                    print("round trips: left out: " + made[-1].net.name)
        finally:
            for c in made:
                c.close()
    sys.exit(missed)


main()
