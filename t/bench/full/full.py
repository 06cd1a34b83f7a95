#!/usr/bin/env python3
"""full: every goal of speed, what was reached, and the raw limit of this run.

usage: full.py [ROW ...]	all rows, or those of the environment's ROWS

BENCH_SECONDS	of a block (5); the tail of latencies is watched 12 times as
		long
BENCH_OBJECTS	that a server is compared with beside 1,000 (1,000,000; the
		goal is for 10,000,000: 20 GB and a quarter of an hour)
BENCH_LOOP=no	drives are folders, even if loop devices can be had (root)
EC_BIN		the folder of the programs (build/plain)
TMPDIR		where the drives are

Server and client run on the same processors.  Every write is flushed, every
byte that is read was checked.  What the figures mean is in t/bench/METRICS.
"""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BIN = os.environ.get("EC_BIN", "build/plain")
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
OBJECTS = int(os.environ.get("BENCH_OBJECTS", "1000000"))
GIB = float(1 << 30)
os.environ.update(EC_ROOT_USER="bench", EC_ROOT_PASSWORD="bench-bench",
                  EC_LOG="error")
base = tempfile.mkdtemp(prefix="ec-full.")
undo = []	# what ends a row, last first


def line(name, what, reached, goal, unit, limit=""):
    """goal: a number; less than 0: at most so much."""
    if goal is None:
        word = ""
    elif reached <= -goal if goal < 0 else reached >= goal:
        word = "reached"
    else:
        word = "missed"
    sign = "" if goal is None else "<=" if goal < 0 else ">="
    print("%-10s %-40s %8.4g %2s %-6s %-9s %-8s %s" % (
        name, what, reached, sign, "" if goal is None else "%g" % abs(goal),
        unit, word, limit), flush=True)


def drives(count):
    """Folders; as root each on a file system of its own."""
    root = tempfile.mkdtemp(dir=base)
    for i in range(1, count + 1):
        path = "%s/d%d" % (root, i)
        os.mkdir(path)
        if os.environ.get("BENCH_LOOP") == "no" or os.geteuid() != 0:
            continue
        with open(path + ".img", "wb") as image:
            image.truncate(8 << 30)
        try:
            subprocess.run(["mkfs.ext4", "-q", "-E", "nodiscard",
                            path + ".img"], check=True, capture_output=True)
            subprocess.run(["mount", "-o", "loop", path + ".img", path],
                           check=True, capture_output=True)
            undo.append(lambda p=path: subprocess.run(
                ["umount", "-l", p], check=False))
        except (OSError, subprocess.CalledProcessError):
            os.unlink(path + ".img")
    return root


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end(process, how=signal.SIGTERM):
    process.send_signal(how)
    process.wait()


class Server:
    """ec-s3d on so many drives, or on those that are there."""

    def __init__(self, count=12, root=None, options=()):
        self.root = root or drives(count)
        self.count, self.options = count, list(options)
        self.start()
        undo.append(lambda: end(self.process))

    def start(self):
        """Returns milliseconds from fork to the first 200."""
        self.port = port()
        self.url = "http://127.0.0.1:%d" % self.port
        began = time.monotonic()
        self.process = subprocess.Popen(
            [BIN + "/ec-s3d", "--address", "127.0.0.1:%d" % self.port,
             *self.options, "%s/d{1...%d}" % (self.root, self.count)])
        while True:
            try:
                urllib.request.urlopen(self.url + "/ec/health/ready").close()
                return (time.monotonic() - began) * 1000
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("full.py: ec-s3d ended")
                time.sleep(0.0005)

    def resident(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return next(int(x.split()[1]) for x in f
                        if x.startswith("VmRSS")) / 1024


class Bare(Server):
    """The HTTP server of ec-s3d with nothing behind it."""

    def start(self):
        self.process = subprocess.Popen(
            [BIN + "/t/bench/load/ec-bare"], stdout=subprocess.PIPE)
        self.url = "http://127.0.0.1:%d" % int(self.process.stdout.readline())

    def __init__(self):
        super().__init__(root="/")


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


class Blocks:
    """What ec-load measured: medians of its blocks."""

    def __init__(self, server, work, *options, beside=None, rounds=1,
                 seconds=SECONDS):
        out = base + "/blocks.json"
        ends = [server] + ([beside] if beside else [])
        run = [BIN + "/t/bench/load/ec-load", "-w", work, "-t", str(seconds),
               "-r", str(rounds), "--json", out, "-d", base]
        for s in ends:
            run += ["-P", str(s.process.pid)]
        subprocess.run(run + list(options) + [s.url for s in ends],
                       check=True, stdout=subprocess.DEVNULL)
        with open(out) as f:
            lines = [json.loads(x) for x in f]
        self.of = [[x for x in lines if x["endpoint"] in s.url] for s in ends]
        self.errors = sum(x["errors"] for x in lines)
        if self.errors:
            print("%s: %d errors" % (work, self.errors))

    def get(self, value, which=0):
        return median([value(x) for x in self.of[which]])

    def rate(self, which=0):
        return self.get(lambda x: x["ops"] / x["elapsed_us"] * 1e6, which)

    def bytes_rate(self, which=0):
        return self.get(lambda x: x["bytes"] / x["elapsed_us"] * 1e6, which)

    def cpu_gib(self):
        return self.get(lambda x: x["cpu_us"] / 1e6 / x["bytes"] * GIB)

    def cpu(self):
        return "%.0f us of CPU" % self.get(lambda x: x["cpu_us"] / x["ops"])


def flush_loop(root, count, size):
    """Rounds a second of: append to each drive and flush, in parallel."""
    gate = threading.Barrier(count)
    stop = time.monotonic() + SECONDS / 2
    rounds = [0] * count

    def one(i):
        path = "%s/d%d/raw" % (root, i + 1)
        fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            while time.monotonic() < stop:
                os.write(fd, b"x" * size)
                os.fdatasync(fd)
                rounds[i] += 1
                gate.wait()
        except threading.BrokenBarrierError:
            pass
        gate.abort()
        os.close(fd)
        os.unlink(path)

    began = time.monotonic()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return min(rounds) / (time.monotonic() - began)


def md5_rate():
    """Bytes a second of MD5 alone."""
    data = os.urandom(1 << 26)
    began = time.process_time()
    for _ in range(4):
        hashlib.md5(data).digest()
    return 4 * len(data) / (time.process_time() - began)


def put_small():
    s, bare = Server(), Bare()
    loop = flush_loop(s.root, 12, 64 * 1100)
    b = Blocks(s, "put,delete", "-s", "4096", "-c", "64", "-k", "100000",
               beside=bare)
    puts = [[x for x in b.of[i] if x["workload"] == "put"] for i in (0, 1)]
    gone = [x for x in b.of[0] if x["workload"] == "delete"][0]
    rate = [x[0]["ops"] / x[0]["elapsed_us"] * 1e6 for x in puts]
    least = min(rate[1], 64 * loop)
    line("put-small", "PUT 4 KiB, 64: of the raw limit", rate[0] / least, 0.5,
         "", "%.0f of %.0f/s (bare server %.0f, flushes x 64 %.0f), %.0f us "
         "of CPU" % (rate[0], least, rate[1], 64 * loop,
                     puts[0][0]["cpu_us"] / puts[0][0]["ops"]))
    line("put-small", "... flushes by drive and object",
         puts[0][0]["flushes"] / puts[0][0]["ops"] / 12, -0.1, "",
         "of the whole disk that TMPDIR is on")
    line("put-small", "DELETE, 64: of the rate of PUT",
         gone["ops"] / gone["elapsed_us"] * 1e6 / rate[0], 1, "",
         "%.0f us of CPU" % (gone["cpu_us"] / gone["ops"]))
    loop = flush_loop(s.root, 12, 1100)
    b = Blocks(s, "put", "-s", "4096", "-c", "1", "-k", "100000")
    line("put-small", "PUT 4 KiB, 1: of 12 appends, flushed", b.rate() / loop,
         0.5, "", "%.0f of %.0f/s" % (b.rate(), loop))


def get_small():
    s, bare = Server(), Bare()
    for what, work, keys, goal in (
            ("GET 4 KiB, 64, 3,000 keys", "get", 3000, 0.5),
            ("GET 4 KiB, 64, 20,000 keys", "get", 20000, 0.5),
            ("HEAD, 64, 3,000 keys", "head", 3000, 0.7)):
        b = Blocks(s, work, "-s", "4096", "-c", "64", "-k", str(keys), "-b",
                   "b%d" % keys, beside=bare, rounds=2)
        line("get-small", what + ": of bare HTTP", b.rate() / b.rate(1), goal,
             "", b.cpu())
    few = Blocks(s, "get", "-s", "4096", "-c", "64", "-k", "3000", "-b",
                 "b3000")
    many = Blocks(s, "get", "-s", "4096", "-c", "1000", "-k", "3000", "-b",
                  "b3000")
    line("get-small", "... 1,000 clients: of the rate of 64",
         many.rate() / few.rate(), 0.9, "", "p99.9 %.0f ms, %d errors" % (
             many.get(lambda x: x["p999_us"]) / 1000, many.errors))


def large():
    s, bare, md5 = Server(), Bare(), md5_rate()
    b = Blocks(s, "put", "-s", "16M", "-c", "8", "-k", "64")
    line("large", "PUT 16 MiB, 8, ETag MD5", b.cpu_gib(), -1.3, "s/GiB")
    line("large", "... bytes written by byte",
         b.get(lambda x: x["written"] / x["bytes"]), -1.51, "")
    b = Blocks(s, "get", "-s", "16M", "-c", "8", "-k", "32")
    line("large", "GET 16 MiB, 8", b.cpu_gib(), -0.55, "s/GiB")
    b = Blocks(s, "put", "-s", "1G", "-c", "1", "-k", "2")
    line("large", "PUT 1 GiB, 1: of MD5 alone", b.bytes_rate() / md5, 0.92,
         "", "MD5 %.2f GB/s" % (md5 / 1e9))
    b = Blocks(s, "multipart", "-s", "1G", "-p", "128M", "-c", "8")
    line("large", "PUT 1 GiB, 8 parts: of MD5 alone", b.bytes_rate() / md5,
         2.5, "")
    b = Blocks(s, "get", "-s", "1G", "-c", "1", "-k", "1", beside=bare)
    line("large", "GET 1 GiB, 1: of bare HTTP",
         b.bytes_rate() / b.bytes_rate(1), 0.8, "")
    r = Blocks(s, "range", "-s", "1G", "-c", "64", "-k", "1")
    g = Blocks(s, "get", "-s", "4096", "-c", "64", "-k", "20000")
    line("large", "4 KiB of 1 GiB, 64: of GET 4 KiB", r.rate() / g.rate(),
         0.4, "", r.cpu())


def fast_etag():
    s = Server(options=["--etag", "fast"])
    b = Blocks(s, "put", "-s", "16M", "-c", "8", "-k", "64")
    line("fast-etag", "PUT 16 MiB, 8, fast ETag", b.cpu_gib(), -0.8, "s/GiB")


def degraded():
    os.environ["BENCH_LOOP"] = "no"	# so that drives can be moved away
    s = Server()
    load = ["-s", "16M", "-c", "8", "-k", "32"]
    Blocks(s, "get", *load)	# what was written is not in the cache
    whole = Blocks(s, "get", *load).bytes_rate()
    for gone, goal in ((1, 0.92), (4, 0.75)):
        for i in range(1, gone + 1):
            if os.path.exists("%s/d%d" % (s.root, i)):
                os.rename("%s/d%d" % (s.root, i), "%s/away%d" % (s.root, i))
        b = Blocks(s, "get", *load)
        line("degraded", "GET 16 MiB, %d drives gone: of all there" % gone,
             b.bytes_rate() / whole, goal, "", "%.2f s/GiB" % b.cpu_gib())


def space():
    s = Server()
    before = used(s.root)
    b = Blocks(s, "put", "-s", "4096", "-c", "16", "-k", "20000", seconds=60)
    end(s.process)
    n = sum(x["ops"] for x in b.of[0])
    line("space", "on disk by object of 4 KiB", (used(s.root) - before) / n /
         1024, -22, "KiB", "%d objects" % n)
    s.start()


def used(root):
    return sum(os.lstat(os.path.join(at, f)).st_blocks * 512
               for at, _, files in os.walk(root) for f in files
               if not f.endswith(".img"))


def memory():
    s = Server()
    Blocks(s, "put,get", "-s", "4096", "-c", "4", "-k", "100", seconds=0.5)
    time.sleep(15)	# threads without work have ended
    line("memory", "idle", s.resident(), -16, "MiB")
    b = Blocks(s, "put", "-s", "16M", "-c", "64", "-k", "256")
    line("memory", "64 PUTs of 16 MiB at once",
         b.get(lambda x: x["peak_kib"]) / 1024, -256, "MiB")


def start():
    """After kill -9 under load; what it acknowledged is t/8400's matter."""
    s = Server()
    times = []
    for _ in range(3):
        load = subprocess.Popen(
            [BIN + "/t/bench/load/ec-load", "-w", "put", "-s", "4096", "-t",
             "60", "-k", "1000000", s.url], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        time.sleep(SECONDS)
        end(s.process, signal.SIGKILL)
        end(load, signal.SIGKILL)
        times.append(s.start())
    line("start", "after kill -9 under load", median(times), -300, "ms")


def growth():
    """Latencies of one client, of a store of 1,000 objects and of a large."""
    found = []
    for rows in (1000, OBJECTS):
        out = subprocess.run([BIN + "/t/bench/full/fill", base, str(rows)],
                             check=True, capture_output=True, text=True)
        s = Server(4, out.stdout.split()[-1])
        end(s.process)
        again = s.start()
        found.append([Blocks(s, w, "-s", "4096", "-c", "1", "-k", "1000").get(
            lambda x: x["p50_us"]) for w in ("put", "get", "head", "list")])
    line("growth", "start with %d objects" % OBJECTS, again, -60, "ms")
    for i, what in enumerate(("PUT", "GET", "HEAD", "page of LIST")):
        line("growth", "%s: %d objects by 1,000" % (what, OBJECTS),
             found[1][i] / found[0][i], -1.4, "", "p50 %.2f ms" % (
                 found[1][i] / 1000))


def tail():
    s = Server()
    b = Blocks(s, "put", "-s", "4096", "-c", "16", "-k", "10000000",
               seconds=12 * SECONDS)
    p50, p999 = (b.get(lambda x, k=k: x[k]) for k in ("p50_us", "p999_us"))
    line("tail", "PUT 4 KiB, 16: p99.9 by p50, %.0f s" % (12 * SECONDS),
         p999 / p50, -8, "", "%.1f and %.1f ms" % (p999 / 1000, p50 / 1000))


ROWS = {"put-small": put_small, "get-small": get_small, "large": large,
        "fast-etag": fast_etag, "degraded": degraded, "space": space,
        "memory": memory, "start": start, "growth": growth, "tail": tail}


def main():
    names = sys.argv[1:] or os.environ.get("ROWS", "").split() or list(ROWS)
    for name in names:
        if name not in ROWS:
            sys.exit("full.py: no row %s; there are: %s" % (
                name, " ".join(ROWS)))
    print("%-10s %-40s %8s    %-16s" % ("", "", "reached", "goal"))
    for name in names:
        loop = os.environ.get("BENCH_LOOP", "")
        try:
            ROWS[name]()
        finally:
            while undo:
                undo.pop()()
            os.environ["BENCH_LOOP"] = loop
            for entry in os.listdir(base):
                path = os.path.join(base, entry)
                if os.path.isdir(path):
                    shutil.rmtree(path)
    print("not here: one drive delayed by 200 ms, see make check-cluster")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    main()
finally:
    shutil.rmtree(base)
