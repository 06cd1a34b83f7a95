"""speed: how fast a scan and a heal are, and what a heal does to clients.

Drives are folders of one file system, 8+4 on twelve.  Rates are by processor
second of the tool, its threads on one processor together with those of the
drives: that is the rate of one core which has nothing else to do.  Beside each
is what the machine does for the bare bytes: reading the shard files (cat), and
writing as many to one file, flushed (dd).

usage: speed.py BIN [--small N] [--large N] [ROW ...]
"""
import argparse
import io
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time

from faults import Store

MIB = 1 << 20


class Cost:
    """Seconds and processor seconds of what is run within."""

    def __enter__(self):
        self.began, self.cpu_began = time.monotonic(), self.used()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.cpu = self.used() - self.cpu_began

    @staticmethod
    def used():
        u = resource.getrusage(resource.RUSAGE_CHILDREN)
        return u.ru_utime + u.ru_stime


def fill(store, count, size, name):
    """So many objects of random bytes, as an archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for i in range(count):
            info = tarfile.TarInfo("%s%07d" % (name, i))
            info.size = size
            tar.addfile(info, io.BytesIO(os.urandom(size)))
    store.tool("ec-put", "--parity", str(store.parity), "--extract",
               "bucket/", data=out.getvalue())


def one_core(store, *argv):
    """The tool on one processor; it must succeed."""
    with Cost() as cost:
        done = subprocess.run(
            ["taskset", "-c", "0", "%s/%s" % (store.bin, argv[0]),
             *argv[1:]], env=store.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %d: %s" % (argv, done.returncode,
                                           done.stderr.decode()))
    return cost


def raw_read(paths):
    with Cost() as cost:
        subprocess.run(["xargs", "-0", "taskset", "-c", "0", "cat"],
                       input="\0".join(paths).encode(),
                       stdout=subprocess.DEVNULL, check=True)
    return cost


def raw_write(store, size):
    path = store.dir + "/raw"
    with Cost() as cost:
        subprocess.run(["taskset", "-c", "0", "dd", "if=/dev/urandom",
                        "of=" + path, "bs=1M", "conv=fdatasync",
                        "count=%d" % max(1, size // MIB)],
                       stderr=subprocess.DEVNULL, check=True)
    os.unlink(path)
    return cost


def row(name, amount, unit, cost, beside=""):
    print("%-28s%12.0f %-12s%8.2f s CPU%8.2f s  %s" % (
        name, amount / cost.cpu, unit + "/s", cost.cpu, cost.seconds,
        beside), flush=True)


def scans(args, base):
    store = Store(args.bin, 12, base, 4)
    try:
        fill(store, args.small, 4096, "small")
        fill(store, args.large, 16 * MIB, "large")
        start = one_core(store, "ec-heal", "status")
        cost = one_core(store, "ec-scan")
        cost.cpu -= min(start.cpu, cost.cpu / 2)
        row("scan", args.small + args.large, "versions", cost)
        paths = [p for i in range(12) for p in store.shards(i)]
        size = sum(os.path.getsize(p) for p in paths)
        raw = raw_read(paths)
        cost = one_core(store, "ec-scan", "--deep", "--bucket",
                        "bucket/large")
        cost.cpu -= min(start.cpu, cost.cpu / 2)
        row("scan --deep, cached", size / MIB, "MiB", cost,
            "cat: %.0f MiB/s" % (size / MIB / raw.cpu))
    finally:
        store.close()


def heals(args, base):
    for name, count, size in (("heal, 16 MiB", args.large, 16 * MIB),
                              ("heal, 4 KiB", args.small, 4096)):
        store = Store(args.bin, 12, base, 4)
        try:
            fill(store, count, size, "o")
            store.replace(2)
            cost = one_core(store, "ec-heal")
            if not store.whole():
                raise RuntimeError("not whole")
            restored = sum(os.path.getsize(p) for p in store.shards(2))
            if restored > 0:
                raw = raw_write(store, restored)
                row(name, restored / MIB, "MiB", cost, "dd: %.0f MiB/s" % (
                    restored / MIB / raw.cpu))
            else:
                row(name, count, "objects", cost)
        finally:
            store.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def p99(store, url, keys, size, seconds):
    path = store.dir + "/load.json"
    subprocess.run(
        [store.bin + "/t/bench/load/ec-load", "--json", path, "-w", "get",
         "-s", str(size), "-k", str(keys), "-c", "8", "-t", str(seconds),
         "-r", "1", url], env=store.env, stdout=subprocess.DEVNULL,
        check=True)
    with open(path, encoding="ascii") as f:
        return json.loads(f.readlines()[-1])["p99_us"]


def clients(args, base):
    store = Store(args.bin, 12, base, 4)
    store.env.update(EC_ROOT_USER="bench", EC_ROOT_PASSWORD="bench-bench",
                     EC_LOG="error")
    fill(store, args.small, 4096, "small")
    fill(store, args.large, 16 * MIB, "large")
    port = free_port()
    url = "http://127.0.0.1:%d" % port
    server = subprocess.Popen(
        [store.bin + "/ec-s3d", "--address", "127.0.0.1:%d" % port,
         store.env["EC_VOLUMES"]], env=store.env, stderr=subprocess.DEVNULL)
    try:
        ready = url + "/ec/health/ready"
        while subprocess.run(["curl", "-fs", "-o", "/dev/null", ready],
                             check=False).returncode != 0:
            time.sleep(0.1)
        for size, keys in ((4096, 2000), (MIB, 100)):
            rest, heal = [], []
            for _ in range(args.rounds):
                rest.append(p99(store, url, keys, size, 3))
                shutil.rmtree(store.drive(2))
                os.mkdir(store.drive(2))
                while not os.path.exists(
                        store.drive(2) + "/.ec/format.json"):
                    time.sleep(0.05)
                heal.append(p99(store, url, keys, size, 3))
                done = subprocess.run(
                    [store.bin + "/ec-heal", "--wait"], env=store.env,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    check=False)
                if done.returncode != 0:
                    raise RuntimeError("not whole")
            ratio = sorted(h / r for h, r in zip(heal, rest))
            print("GET %-8dp99 %8.2f ms, during a heal %8.2f ms%8.2f x" % (
                size, sorted(rest)[len(rest) // 2] / 1000,
                sorted(heal)[len(heal) // 2] / 1000,
                ratio[len(ratio) // 2]), flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        store.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("bin")
    p.add_argument("--small", type=int, default=10000)
    p.add_argument("--large", type=int, default=16)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("rows", nargs="*", default=["scans", "heals", "clients"])
    args = p.parse_intermixed_args()
    base = os.environ.get("TMPDIR", "/tmp")
    for name in args.rows:
        {"scans": scans, "heals": heals, "clients": clients}[name](args, base)


if __name__ == "__main__":
    sys.exit(main())
