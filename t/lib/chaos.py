#!/usr/bin/python3
"""chaos: clients write, overwrite, delete and read while the server is killed
with SIGKILL and drives come and go; whatever was acknowledged must be there.

    chaos.py EC_S3D DRIVES CYCLES [SEED]

DRIVES is a pattern such as /x/d{1...4}.  Each thread owns its keys, so it knows
what a key may hold: the last acknowledged state or one of those tried since.
A read narrows that: once seen, a state must stay.  Prints one line of counts;
exit status 1 when one state was wrong or an acknowledged one was lost.
"""
import hashlib
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import boto3
import botocore
from botocore.config import Config

THREADS, KEYS = 4, 6
BUCKET, ABSENT = "chaos", None
UPLOADS = set()     # ids that were acknowledged
ERRORS = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, program, drives):
        self.program, self.drives, self.port = program, drives, free_port()
        self.process = None
        self.log = open("server.log", "ab")

    def client(self):
        return boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=os.environ["EC_ROOT_USER"],
            aws_secret_access_key=os.environ["EC_ROOT_PASSWORD"],
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1},
                          connect_timeout=5, read_timeout=30))

    def spawn(self):
        self.process = subprocess.Popen(
            [self.program, "--address", f"127.0.0.1:{self.port}", self.drives],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def start(self):
        """Seconds until it answers."""
        began = time.monotonic()
        self.spawn()
        while time.monotonic() - began < 20:
            if self.process.poll() is not None:
                raise SystemExit("chaos: the server ended at its start")
            if self.ready():
                return time.monotonic() - began
            time.sleep(0.01)
        raise SystemExit("chaos: the server did not come up")

    def ready(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            c.request("GET", "/ec/health/ready")
            return c.getresponse().status == 200
        except OSError:
            return False
        finally:
            c.close()

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)
        self.process.wait(10)


class Worker(threading.Thread):
    def __init__(self, number, server, seed):
        super().__init__(daemon=True)
        self.number, self.server = number, server
        self.random = random.Random(seed * 1000 + number)
        self.may = {f"w{number}/k{i}": [ABSENT] for i in range(KEYS)}
        self.stop = False
        self.acked = self.failed = self.read = 0
        self.wrong = []

    def body(self):
        size = self.random.choice((0, 1, 100, 4096, 40000, 300000, 1500000))
        start = self.random.randbytes(min(size, 64))
        return (start * (size // 64 + 1))[:size] if size else b""

    def put(self, s3, key):
        body = self.body()
        state = (len(body), hashlib.md5(body).hexdigest())
        self.may[key].append(state)
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        self.may[key] = [state]
        self.acked += 1

    def multipart(self, s3, key):
        parts = [os.urandom(1024) * 5120, self.body() or b"x"]
        body = b"".join(parts)
        state = (len(body), hashlib.md5(body).hexdigest())
        up = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        UPLOADS.add(up)
        tags = [s3.upload_part(Bucket=BUCKET, Key=key, UploadId=up,
                               PartNumber=i + 1, Body=p)["ETag"]
                for i, p in enumerate(parts)]
        self.may[key].append(state)
        s3.complete_multipart_upload(
            Bucket=BUCKET, Key=key, UploadId=up, MultipartUpload={
                "Parts": [{"PartNumber": i + 1, "ETag": t}
                          for i, t in enumerate(tags)]})
        self.may[key] = [state]
        self.acked += 1

    def delete(self, s3, key):
        self.may[key].append(ABSENT)
        s3.delete_object(Bucket=BUCKET, Key=key)
        self.may[key] = [ABSENT]
        self.acked += 1

    def get(self, s3, key):
        try:
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            state = (len(body), hashlib.md5(body).hexdigest())
        except s3.exceptions.NoSuchKey:
            state = ABSENT
        if state not in self.may[key]:
            self.wrong.append(f"{key}: {state}, may be {self.may[key]}")
        self.may[key] = [state]
        self.read += 1

    def run(self):
        s3 = self.server.client()
        while not self.stop:
            key = self.random.choice(list(self.may))
            what = self.random.choices(
                (self.put, self.get, self.delete, self.multipart),
                (50, 35, 13, 2))[0]
            try:
                what(s3, key)
            except ERRORS as e:
                if "NoSuchBucket" in str(e):
                    self.wrong.append(f"{key}: {e}")
                self.failed += 1
                time.sleep(0.02)


def retry(call, *args):
    """What the call returns; it may fail while the server finds its drives."""
    for tries in range(100):
        try:
            return call(*args)
        except ERRORS:
            if tries == 99:
                raise
            time.sleep(0.1)


def read_all(workers, server, wrong):
    """At rest: every key is one of what it may be."""
    s3 = server.client()
    for w in workers:
        for key in w.may:
            try:
                retry(w.get, s3, key)
            except ERRORS as e:
                wrong.append(f"{key}: cannot be read: {e}")
        wrong += w.wrong
        w.wrong = []


def check_all(workers, server, wrong):
    """read_all, and every key is listed exactly if it is there."""
    s3 = server.client()
    listed = {o["Key"] for page in
              s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
              for o in page.get("Contents", [])}
    read_all(workers, server, wrong)
    for w in workers:
        for key, may in w.may.items():
            if (may[0] is not ABSENT) != (key in listed):
                wrong.append(f"{key}: listed: {key in listed}, read: {may}")


def paths(pattern):
    head, rest = pattern.split("{")
    span, tail = rest.split("}")
    first, last = span.split("...")
    return [f"{head}{i}{tail}" for i in range(int(first), int(last) + 1)]


def main():
    program, pattern, cycles = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else time.time_ns() % 1000000
    rng = random.Random(seed)
    os.environ.setdefault("EC_ROOT_USER", "chaos-root")
    os.environ.setdefault("EC_ROOT_PASSWORD", "chaos-secret-key")
    for d in paths(pattern):
        os.makedirs(d, exist_ok=True)
    server = Server(program, pattern)
    server.start()
    server.client().create_bucket(Bucket=BUCKET)
    workers = [Worker(i, server, seed) for i in range(THREADS)]
    for w in workers:
        w.start()
    wrong, slowest, away, moved, emptied = [], 0, None, 0, 0
    for cycle in range(cycles):
        time.sleep(rng.uniform(0.1, 0.8))
        if away is None and rng.random() < 0.4:
            away = rng.choice(paths(pattern))  # a drive is pulled
            os.rename(away, away + ".away")
            moved += 1
            time.sleep(rng.uniform(0, 0.5))
        server.kill()
        if away is not None and rng.random() < 0.6:
            os.rename(away + ".away", away)
            if rng.random() < 0.3:  # another comes in its place
                shutil.rmtree(away)
                os.mkdir(away)
                emptied += 1
            away = None
        slowest = max(slowest, server.start())
        if emptied and away is None:
            heal(program, pattern, wrong)
    for w in workers:
        w.stop = True
    for w in workers:
        w.join(60)
    if away is not None:
        os.rename(away + ".away", away)
    server.kill()
    slowest = max(slowest, server.start())
    check_all(workers, server, wrong)
    mend(program, pattern, wrong)
    check_all(workers, server, wrong)
    server.kill(signal.SIGTERM)
    if server.process.returncode != 0:
        wrong.append(f"SIGTERM: status {server.process.returncode}")
    print(f"seed {seed}: {cycles} kills, {moved} drives pulled, {emptied} "
          f"replaced, {sum(w.acked for w in workers)} acknowledged, "
          f"{sum(w.failed for w in workers)} failed, "
          f"{sum(w.read for w in workers)} reads, {len(wrong)} wrong; "
          f"slowest start {slowest * 1000:.0f} ms")
    for line in wrong[:20]:
        print("wrong:", line)
    sys.exit(1 if wrong else 0)


def tool(program, name, *args, stdin=""):
    return subprocess.run(
        [os.path.join(os.path.dirname(program), name), *args], input=stdin,
        capture_output=True, text=True, timeout=120)


def note(wrong, done):
    wrong.append(f"{' '.join(done.args)}: {done.returncode}: "
                 f"{done.stdout[:600]}{done.stderr[:600]}")


def fine(done):
    """Whether nothing was found, or only what nobody was promised: an upload
    of which nobody was told, on a drive or two, after others were replaced,
    looks like one that was lost."""
    def promised(line):
        word, _, version = (line.split("\t") + ["", ""])[:3]
        return word != "lost" or not version.startswith("upload-") or \
            version.removeprefix("upload-") in UPLOADS

    lines = done.stdout.splitlines()
    return done.returncode == 0 or (done.returncode == 4 and lines and
                                    not any(map(promised, lines)))


def heal(program, pattern, wrong):
    """Until nothing is left, or what is left cannot be healed."""
    for _ in range(20):
        done = tool(program, "ec-heal", pattern)
        if fine(done):
            return
        time.sleep(0.25)
    note(wrong, done)


def mend(program, pattern, wrong):
    """What a killed server left on some drives only, unacknowledged, is found
    by ec-scan and healed by ec-heal; then there is nothing more to find."""
    heal(program, pattern, wrong)
    found = tool(program, "ec-scan", pattern).stdout
    healed = tool(program, "ec-heal", "-", pattern, stdin=found)
    if not fine(healed):
        note(wrong, healed)
    scan = tool(program, "ec-scan", "--deep", pattern)
    if not fine(scan):
        note(wrong, scan)


if __name__ == "__main__":
    main()
