#!/usr/bin/python3
"""silent: clients that open connections and say nothing, or half of a head.

usage: silent.py PORT PID COUNT KIB

Between them another client asks for something and must be answered; the memory
of the server (PID) stays below KIB."""

import resource
import socket
import sys

HALF = b"PUT /box/x HTTP/1.1\r\nHost: h\r\nX-"


def ask(port):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(b"GET /ec/health/live HTTP/1.1\r\nHost: h\r\n"
                  b"Connection: close\r\n\r\n")
        return s.recv(64)


def memory(pid):
    with open("/proc/%s/status" % pid) as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("VmRSS"))


def main():
    port, pid, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard - 64)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 64, hard))
    silent = []
    for i in range(count):
        s = socket.create_connection(("127.0.0.1", port), timeout=60)
        silent.append(s)
        if i % 2:
            try:
                s.sendall(HALF)
            except OSError:
                pass    # ended already, for others
        if i % 500 == 499:
            answer = ask(port)
            if not answer.startswith(b"HTTP/1.1 200"):
                sys.exit("behind %d silent ones: %r" % (i + 1, answer))
    if memory(pid) > int(sys.argv[4]):
        sys.exit("%d KiB" % memory(pid))
    print("# %d silent connections, %d KiB" % (count, memory(pid)))


main()
