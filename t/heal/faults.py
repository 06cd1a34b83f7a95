"""faults: damage of every kind to a store on drives, and what ec-scan and
ec-heal make of it.  A line for each row: how many of how many cases ended as
they should, all bytes the same as before.

usage: faults.py BIN [--short] [ROW ...]
"""
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

SEED = 20261122


class Store:
    """N empty drives below a folder of their own, formatted."""

    def __init__(self, bin_dir, drives, base, parity):
        self.parity = parity
        self.bin = bin_dir
        self.dir = tempfile.mkdtemp(prefix="heal-", dir=base)
        self.n = drives
        self.sums = {}
        self.env = dict(os.environ, EC_VOLUMES=f"{self.dir}/d{{1...{drives}}}",
                        LC_ALL="C.UTF-8")
        for i in range(drives):
            os.mkdir(self.drive(i))
        self.tool("ec-put", "--format", "--bucket", "bucket")

    def drive(self, i):
        return f"{self.dir}/d{i + 1}"

    def run(self, name, *args, data=None):
        return subprocess.run([f"{self.bin}/{name}", *args], input=data,
                              env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)

    def tool(self, name, *args, data=None):
        done = self.run(name, *args, data=data)
        if done.returncode not in (0, 3):   # 3: done, a drive being away
            raise RuntimeError(f"{name} {args}: {done.returncode}: "
                               f"{done.stderr.decode()}")
        return done.stdout

    def put(self, key, data):
        self.tool("ec-put", "--parity", str(self.parity), f"bucket/{key}",
                  data=data)
        self.sums[key] = data

    def same(self):
        """All objects read back as they were written."""
        return all(self.run("ec-get", f"bucket/{key}").stdout == data
                   for key, data in self.sums.items())

    def scan(self, *args):
        """The exit status, and the findings."""
        done = self.run("ec-scan", "--json", *args)
        lines = [json.loads(s) for s in done.stdout.decode().splitlines()]
        return done.returncode, [s for s in lines if s["type"] == "item"]

    def whole(self):
        return self.scan("--deep")[0] == 0

    def heal(self, *args):
        return self.run("ec-heal", *args).returncode

    def shards(self, i):
        """The shard files of a drive, in order."""
        return sorted(os.path.join(at, name) for at, _, names in
                      os.walk(self.drive(i) + "/shard") for name in names)

    def content(self):
        """All shard files: name and bytes."""
        files = {}
        for i in range(self.n):
            for path in self.shards(i):
                with open(path, "rb") as f:
                    files[path] = f.read()
        return files

    def replace(self, *drives):
        for i in drives:
            shutil.rmtree(self.drive(i))
            os.mkdir(self.drive(i))

    def keep(self):
        shutil.copytree(self.dir, self.dir + ".kept")

    def restore(self):
        shutil.rmtree(self.dir)
        shutil.copytree(self.dir + ".kept", self.dir)

    def close(self):
        shutil.rmtree(self.dir)
        shutil.rmtree(self.dir + ".kept", ignore_errors=True)


def flip(path, at, bit=0):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << bit]))


def some(rng, items, n, short):
    """All, or when it is to be short n of them."""
    items = list(items)
    return rng.sample(items, min(n, len(items))) if short else items


def frames(data):
    """The frames of a segment (ec-drive(5)): where each begins and ends,
    without what fills it up to a multiple of 8."""
    for start in range(0, 512, 8):
        at, found = start, []
        while at + 32 <= len(data) and data[at:at + 4] == data[start:start + 4]:
            end = at + 32 + int.from_bytes(data[at + 8:at + 12], "little")
            found.append((at, end))
            at = (end + 7) // 8 * 8
        if at == len(data) and len(found) > 1:
            return found
    raise RuntimeError("no frames in the segment")


def journal_bytes(run, short):
    """Each byte of a small object's record, flipped."""
    rng = random.Random(SEED)
    s = run(4)
    for i in range(3):
        s.put(f"small-{i}", rng.randbytes(300))
    name = os.listdir(s.drive(0) + "/.ec/journal")[0]
    path = f"{s.drive(0)}/.ec/journal/{name}"
    with open(path, "rb") as f:
        data = f.read()
    frame = next(f for f in frames(data) if b"small-1" in data[f[0]:f[1]])
    s.keep()
    good, cases = 0, some(rng, range(*frame), 8, short)
    for at in cases:
        flip(path, at, rng.randrange(8))
        code, found = s.scan("--deep")
        fine = (code == 3 and found != [] and
                s.heal("--all", "--deep") == 0 and s.whole() and s.same())
        good += fine
        if not fine:
            print(f"         byte {at} of the segment: scan {code}, {found}")
        s.restore()
    return good, len(cases)


def shard_bytes(run, short):
    """Random bytes of shard files, in up to M shards of each object."""
    rng = random.Random(SEED)
    s = run(6)
    good, cases, batch = 0, 0, 30
    for i in range(batch):
        s.put(f"large-{i}", rng.randbytes(700000))
    content = s.content()
    names = sorted({os.path.basename(p).split("-")[0] for p in content})
    for _ in range(1 if short else 170):
        hit = set()
        for name in names:
            files = sorted(p for p in content
                           if os.path.basename(p).startswith(name))
            for path in rng.sample(files, rng.randint(1, 2)):
                flip(path, rng.randrange(len(content[path])),
                     rng.randrange(8))
                hit.add(path)
        code, found = s.scan("--deep")
        damaged = sum(d["state"] == "corrupt" for f in found
                      for d in f.get("drives", []))
        healed = s.heal("--all", "--deep") == 0 and s.content() == content
        cases += len(hit)
        if code == 3 and damaged == len(hit) and healed:
            good += len(hit)
    return good, cases


def too_many(run, short):
    """M + 1 shards gone: lost, nothing purged; whole with one drive back."""
    rng = random.Random(SEED)
    s = run(6)
    s.put("large", rng.randbytes(700000))
    s.put("small", rng.randbytes(700))
    s.keep()
    good = 0
    cases = some(rng, itertools.combinations(range(6), 3), 3, short)
    for lost in cases:
        for i in lost:
            for path in s.shards(i):
                os.rename(path, f"{s.dir}/{os.path.basename(path)}")
        left = s.content()
        code, _ = s.scan("--deep")
        fine = code == 4 and s.heal("--all") == 4 and s.content() == left
        i = lost[0]
        shutil.rmtree(s.drive(i) + "/shard")
        shutil.copytree(f"{s.dir}.kept/d{i + 1}/shard", s.drive(i) + "/shard")
        good += (fine and s.heal("--all") == 0 and s.whole() and s.same())
        s.restore()
    return good, len(cases)


def patterns(drives, parity, few):
    """Every choice of up to M drives replaced by empty ones."""
    def row(run, short):
        rng = random.Random(SEED)
        s = run(drives, parity)
        s.put("large", rng.randbytes(1200000))
        s.put("small", rng.randbytes(1000))
        s.put("empty", b"")
        content = s.content()
        lost = [c for m in range(1, parity + 1)
                for c in itertools.combinations(range(drives), m)]
        cases = some(rng, lost, few, short)
        good = 0
        for c in cases:
            s.replace(*c)
            good += (s.heal() == 0 and s.content() == content and s.whole()
                     and s.same())
        return good, len(cases)
    row.__doc__ = (f"{drives - parity}+{parity}: every pattern of up to "
                   f"{parity} lost drives")
    return row


def random_patterns(run, short):
    """12+4 and 6+6: random patterns of up to M lost drives."""
    rng = random.Random(SEED)
    good = cases = 0
    for drives, parity in ((16, 4), (12, 6)):
        s = run(drives, parity)
        s.put("large", rng.randbytes(900000))
        content = s.content()
        for _ in range(2 if short else 50):
            lost = rng.sample(range(drives), rng.randint(1, parity))
            s.replace(*lost)
            cases += 1
            good += s.heal() == 0 and s.content() == content and s.whole()
    return good, cases


def away(run, short):
    """Overwritten, deleted and written anew while a drive is away."""
    rng = random.Random(SEED)
    good, cases = 0, some(rng, range(4), 1, short)
    for i in cases:
        s = run(4)
        for key in ("old", "over", "gone"):
            s.put(key, rng.randbytes(500000))
        os.rename(s.drive(i), s.dir + "/away")
        s.put("over", rng.randbytes(600000))
        s.put("new", rng.randbytes(500))
        s.tool("ec-put", "--delete", "bucket/gone")
        del s.sums["gone"]
        os.rename(s.dir + "/away", s.drive(i))
        good += (s.heal() == 0 and s.whole() and s.same() and
                 s.run("ec-get", "bucket/gone").returncode == 5)
    return good, len(cases)


def last_week(run, short):
    """A drive replaced by what it was last week, or by its neighbour's."""
    rng = random.Random(SEED)
    good, cases = 0, some(rng, range(4), 1, short)
    for i in cases:
        s = run(4)
        s.put("over", rng.randbytes(400000))
        s.put("gone", rng.randbytes(400000))
        shutil.copytree(s.drive(i), s.dir + "/week")
        s.put("over", rng.randbytes(500000))
        s.put("new", rng.randbytes(300))
        s.tool("ec-put", "--delete", "bucket/gone")
        del s.sums["gone"]
        shutil.rmtree(s.drive(i))
        os.rename(s.dir + "/week", s.drive(i))
        fine = (s.heal("--all") == 0 and s.whole() and s.same() and
                s.run("ec-get", "bucket/gone").returncode == 5)
        # Two drives swapped: each is known by its id, and nothing is harmed.
        os.rename(s.drive(0), s.dir + "/x")
        os.rename(s.drive(1), s.drive(0))
        os.rename(s.dir + "/x", s.drive(1))
        fine = fine and s.same()
        os.rename(s.drive(0), s.dir + "/x")
        os.rename(s.drive(1), s.drive(0))
        os.rename(s.dir + "/x", s.drive(1))
        good += fine and s.heal() == 0 and s.whole() and s.same()
    return good, len(cases)


def half_gone(run, short):
    """Half of a drive's shard files removed."""
    rng = random.Random(SEED)
    s = run(4)
    for i in range(10):
        s.put(f"large-{i}", rng.randbytes(400000))
    content = s.content()
    good, cases = 0, some(rng, range(4), 2, short)
    for i in cases:
        for path in rng.sample(s.shards(i), 5):
            os.remove(path)
        code, found = s.scan()
        good += (code == 3 and len(found) == 5 and s.heal("--all") == 0 and
                 s.content() == content and s.whole())
    return good, len(cases)


def index_gone(run, short):
    """index.db removed, truncated, replaced by an older copy."""
    rng = random.Random(SEED)
    s = run(4)
    s.put("old", rng.randbytes(1000))
    old = {i: open(s.drive(i) + "/.ec/index.db", "rb").read()
           for i in range(4)}
    s.put("large", rng.randbytes(400000))
    s.put("new", rng.randbytes(1000))
    good = 0
    cases = some(rng, itertools.product(range(4), "rto"), 6, short)
    for i, how in cases:
        path = s.drive(i) + "/.ec/index.db"
        for tail in ("-wal", "-shm"):
            if os.path.exists(path + tail):
                os.remove(path + tail)
        if how == "r":
            os.remove(path)
        elif how == "t":
            os.truncate(path, os.path.getsize(path) // 2)
        else:
            with open(path, "wb") as f:
                f.write(old[i])
        good += s.heal("--all") == 0 and s.whole() and s.same()
    return good, len(cases)


def beside_writers(run, short):
    """Heal and scan while clients write: nothing lost, no false alarm."""
    rng = random.Random(SEED)
    s = run(4)
    for i in range(10):
        s.put(f"large-{i}", rng.randbytes(400000))
    good, cases = 0, 2 if short else 10
    for case in range(cases):
        for path in rng.sample(s.shards(case % 4), 3):
            os.remove(path)
        stop, wrote = threading.Event(), []

        def write():
            while not stop.is_set():
                key = f"w-{case}-{len(wrote)}"
                data = random.Random(key).randbytes(200000)
                if s.run("ec-put", f"bucket/{key}", data=data
                         ).returncode == 0:
                    wrote.append((key, data))

        writer = threading.Thread(target=write)
        writer.start()
        while len(wrote) < 2 and writer.is_alive():
            time.sleep(0.01)
        healed = s.heal("--all")
        code, found = s.scan()
        stop.set()
        writer.join()
        s.sums.update(wrote)
        # What is asked beside a write may have to be asked again.
        good += (healed in (0, 3, 8) and code in (0, 3, 8) and
                 not [f for f in found if f["what"] in ("lost", "damaged")]
                 and s.heal() == 0 and s.whole() and s.same())
    return good, cases


ROWS = {
    "journal": journal_bytes, "shards": shard_bytes, "lost": too_many,
    "2+2": patterns(4, 2, 4), "4+2": patterns(6, 2, 3),
    "8+4": patterns(12, 4, 3), "random": random_patterns, "away": away,
    "week": last_week, "half": half_gone, "index": index_gone,
    "writers": beside_writers,
}


def main():
    args = [a for a in sys.argv[1:] if a != "--short"]
    short, failed = "--short" in sys.argv, 0
    base = os.environ.get("DIR") or ("/dev/shm" if os.access("/dev/shm",
                                     os.W_OK) else None)
    for name in args[1:] or ROWS:
        stores = []

        def run(drives, parity=2):
            stores.append(Store(os.path.abspath(args[0]), drives, base,
                                parity))
            return stores[-1]

        began = time.monotonic()
        try:
            good, cases = ROWS[name](run, short)
        finally:
            for s in stores:
                if os.path.exists(s.dir):
                    s.close()
        failed += good != cases
        print(f"{name:8} {good} of {cases}  {ROWS[name].__doc__}  "
              f"({time.monotonic() - began:.0f} s)", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
