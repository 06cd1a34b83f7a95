#!/usr/bin/python3
"""power: the power of all drives is cut at once while clients write.

    power.py EC_S3D FILE_SYSTEM FOLDER CYCLES [SEED]

Four drives (2+2) are file systems (ext4 or xfs) of their own on loop devices
in FOLDER.  A cut is the SHUTDOWN ioctl of the file system on each of them, in
random order: from then on nothing more reaches its device, not what lies in
the page cache nor its own journal; then SIGKILL for the server.  The file
systems are unmounted and mounted again, which recovers what a real one would,
and the server must come up by itself with every acknowledged write, overwrite
and delete as it was (promise 1).  Every fourth cycle a store of its own is
cut in the first moments of its life, which must still become one.

Needs root and mounts of its own: run it below `unshare --mount`.  Prints one
line of counts; exit status 1 when anything was lost or wrong.
"""
import fcntl
import os
import random
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib"))
import chaos  # noqa: E402

# _IOR('X', 125, __u32), the same for both: linux/fs/ext4/ext4.h,
# linux/fs/xfs/libxfs/xfs_fs.h.  2: the log is not flushed either.
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
DRIVES, IMAGE_BYTES = 4, 320 << 20
MKFS = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}


class Disks:
    """File systems in image files, mounted at FOLDER/NAME1 and so on."""

    def __init__(self, kind, folder, name):
        self.kind, self.mounted = kind, []
        self.pattern = f"{folder}/{name}{{1...{DRIVES}}}"
        for d in chaos.paths(self.pattern):
            os.mkdir(d)
            with open(d + ".img", "wb") as f:
                f.truncate(IMAGE_BYTES)
            subprocess.run(MKFS[kind] + [d + ".img"], check=True)
        self.mount()

    def mount(self):
        for d in chaos.paths(self.pattern):
            subprocess.run(["mount", "-t", self.kind, "-o", "loop",
                            d + ".img", d], check=True)
            self.mounted.append(d)

    def cut(self, rng):
        for d in rng.sample(self.mounted, len(self.mounted)):
            fd = os.open(d, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
            os.close(fd)

    def unmount(self):
        while self.mounted:
            subprocess.run(["umount", self.mounted.pop()], check=True)

    def restore(self):
        self.unmount()
        self.mount()

    def remove(self):
        self.unmount()
        for d in chaos.paths(self.pattern):
            os.rmdir(d)
            os.unlink(d + ".img")


def first_moments(program, kind, folder, rng, wrong):
    """A new store is cut while it formats itself or soon after: it starts
    again, and if its bucket was acknowledged, that is there."""
    disks = Disks(kind, folder, "new")
    server = chaos.Server(program, disks.pattern)
    server.spawn()
    acknowledged = False
    end = time.monotonic() + rng.uniform(0, 0.6)
    while time.monotonic() < end and not acknowledged:
        try:
            server.client().create_bucket(Bucket="first")
            acknowledged = True
        except chaos.ERRORS:
            time.sleep(0.005)
    disks.cut(rng)
    server.kill()
    disks.restore()
    server.start()
    s3 = server.client()
    try:
        names = [b["Name"] for b in chaos.retry(s3.list_buckets)["Buckets"]]
        if acknowledged and names != ["first"]:
            wrong.append(f"a new store lost its bucket: {names}")
    except chaos.ERRORS as e:
        wrong.append(f"a new store does not serve: {e}")
    server.kill(signal.SIGTERM)
    disks.remove()


def main():
    program, kind, folder = sys.argv[1:4]
    cycles = int(sys.argv[4])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else time.time_ns() % 1000000
    rng = random.Random(seed)
    os.environ.setdefault("EC_ROOT_USER", "power-root")
    os.environ.setdefault("EC_ROOT_PASSWORD", "power-secret-key")
    os.chdir(folder)
    disks = Disks(kind, folder, "d")
    server = chaos.Server(program, disks.pattern)
    server.start()
    server.client().create_bucket(Bucket=chaos.BUCKET)
    wrong, slowest, acked, keys = [], 0, 0, {}
    for cycle in range(cycles):
        workers = [chaos.Worker(i, server, seed + cycle)
                   for i in range(chaos.THREADS)]
        for w in workers:
            w.may.update(keys.get(w.number, {}))
            w.start()
        time.sleep(rng.uniform(0.2, 1.2))
        disks.cut(rng)      # the clients go on: they see failures
        for w in workers:
            w.stop = True
        server.kill()
        for w in workers:
            w.join(60)
        disks.restore()
        slowest = max(slowest, server.start())
        chaos.read_all(workers, server, wrong)
        keys = {w.number: w.may for w in workers}
        acked += sum(w.acked for w in workers)
        if cycle % 4 == 3:
            first_moments(program, kind, folder, rng, wrong)
    chaos.mend(program, disks.pattern, wrong)
    chaos.check_all(workers, server, wrong)
    server.kill(signal.SIGTERM)
    disks.remove()
    print(f"{kind}, seed {seed}: {cycles} power cuts and {cycles // 4} of new "
          f"stores, {acked} acknowledged, {len(wrong)} lost or wrong; "
          f"slowest start {slowest * 1000:.0f} ms")
    for line in wrong[:20]:
        print("wrong:", line)
    sys.exit(1 if wrong else 0)


main()
