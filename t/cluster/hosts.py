"""hosts: where the nodes of a test live.

Hosts of their own, each a network namespace with an address, joined by
switch.c, which delays and drops their packets; or, where that is not allowed,
ports of the loopback, without faults of the network."""

import ctypes
import os
import socket
import subprocess

CLONE_NEWNET = 0x40000000


class Ports:
    """Nodes on ports of the loopback."""
    network = False

    def __init__(self, nodes, why):
        self.name = "loopback ports (%s)" % why
        self.socks = [socket.socket() for _ in range(nodes)]
        for s in self.socks:
            s.bind(("127.0.0.1", 0))
        self.address = {n: "127.0.0.1:%d" % s.getsockname()[1]
                        for n, s in enumerate(self.socks, 1)}
        for s in self.socks:
            s.close()

    def command(self, node, argv):
        return argv

    def close(self):
        pass


class Hosts:
    """Node n on host n; this process becomes a client on a host behind."""
    network = True

    def __init__(self, switch, nodes):
        self.nodes, self.clients = nodes, nodes + 1
        self.name = "%d network namespaces" % (nodes + 1)
        self.process = subprocess.Popen(
            [switch, str(nodes + 1)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise OSError(self.process.communicate()[1].strip())
        self.address = {n: "10.77.0.%d:9000" % n for n in range(1, nodes + 1)}
        self.space = {n: self.ask("enter %d" % n)[-1]
                      for n in range(1, nodes + 2)}
        fd = os.open(self.space[self.clients], os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
            raise OSError("setns: " + os.strerror(ctypes.get_errno()))
        os.close(fd)

    def ask(self, line):
        """The lines of the answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        out = []
        while True:
            out.append(self.process.stdout.readline().strip())
            if out[-1] in ("", "bad"):
                raise OSError("switch: " + line)
            if out[-1] == "ok" or line.startswith("enter"):
                return out

    def command(self, node, argv):
        return ["nsenter", "--net=" + self.space[node], *argv]

    def delay(self, a, b, ms):
        self.ask("delay %d %d %d" % (a, b, ms * 1000))

    def drop(self, a, b):
        self.ask("drop %d %d" % (a, b))

    def apart(self, some, others):
        """No packet goes between the two groups."""
        for a in some:
            for b in others:
                self.drop(a, b)
                self.drop(b, a)

    def together(self):
        self.ask("pass 0 0")

    def connections(self):
        """How many were opened, among nodes only."""
        rows = [list(map(int, line.split()))
                for line in self.ask("count")[:-1]]
        return sum(r[4] for r in rows if max(r[:2]) <= self.nodes)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()


def make(switch, nodes, ports=False):
    """What is allowed here; with ${ports} the loopback in any case."""
    if ports:
        return Ports(nodes, "asked for")
    try:
        return Hosts(switch, nodes)
    except OSError as e:
        return Ports(nodes, str(e))
