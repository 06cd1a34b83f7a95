#!/usr/bin/python3
"""s3_hammer: many clients at once, each with a model of its own keys.

usage: s3_hammer.py ENDPOINT SECONDS [SEED]

Each client writes, overwrites, copies, deletes, uploads in parts, reads whole
and in ranges and lists its own prefix, and knows after each answer what must
be there.  All of them also write and read one shared key: what is read must be
exactly what one of them wrote.

The server may be killed meanwhile.  A write without an answer, or with a 503,
may have been done or not: the next read tells, and then it stays so.  Prints what was done;
exit status 1 at the first contradiction."""

import hashlib
import os
import random
import sys
import threading
import time
import traceback

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

endpoint, seconds = sys.argv[1], float(sys.argv[2])
seed = int(sys.argv[3]) if len(sys.argv) > 3 else int.from_bytes(
    os.urandom(4), "big")
CLIENTS, MIB, BUCKET = 8, 1 << 20, "hammer"
SIZES = [0, 1, 1000, 70000, 131072, 300000, 1500000]
end = time.monotonic() + seconds
counts, lock, failed = {}, threading.Lock(), []
shared = set()      # the etags of all that was ever sent to it


def client():
    return boto3.client("s3", endpoint_url=endpoint, config=Config(
        signature_version="s3v4", retries={"max_attempts": 1},
        s3={"addressing_style": "path"}))


def done(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1


class Client(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.random = random.Random(seed * 1000 + number)
        self.s3, self.prefix, self.model = client(), "c%d/" % number, {}
        self.shared_written = False
        self.block = self.random.randbytes(2 * MIB)

    def data(self):
        size = self.random.choice(SIZES)
        at = self.random.randrange(MIB // 2)
        return self.block[at:at + size]

    def key(self):
        return self.prefix + str(self.random.randrange(12))

    def may_be(self, key):
        """What the key may hold; None: it is not there."""
        return self.model.get(key, [None])

    def check(self, key, body):
        want = self.may_be(key)
        assert body in want, "%s: %s bytes, want %s" % (
            key, None if body is None else len(body),
            [None if w is None else len(w) for w in want])
        self.model[key] = [body]

    def write(self, key, value, call, **kw):
        """A write to our key: ${value} is what it will hold."""
        self.model[key] = self.may_be(key) + [value]
        call(Bucket=BUCKET, Key=key, **kw)
        self.model[key] = [value]

    def read(self, key, **kw):
        try:
            return self.s3.get_object(Bucket=BUCKET, Key=key, **kw)[
                "Body"].read()
        except ClientError as e:
            if e.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    def put(self):
        key, d = self.key(), self.data()
        self.write(key, d, self.s3.put_object, Body=d)

    def get(self):
        key = self.key()
        self.check(key, self.read(key))

    def range(self):
        key = self.key()
        want = self.may_be(key)[0]
        if len(self.may_be(key)) > 1 or not want:
            return
        a = self.random.randrange(len(want))
        b = min(len(want) - 1, a + self.random.randrange(200000))
        got = self.read(key, Range="bytes=%d-%d" % (a, b))
        assert got == want[a:b + 1], "%s: range %d-%d" % (key, a, b)

    def delete(self):
        key = self.key()
        self.write(key, None, self.s3.delete_object)

    def copy(self):
        source, key = self.key(), self.key()
        want = self.may_be(source)
        if source == key or len(want) > 1 or want[0] is None:
            return
        self.write(key, want[0], self.s3.copy_object, CopySource={
            "Bucket": BUCKET, "Key": source})

    def parts(self):
        key, done_parts = self.key(), []
        d = [self.block[:MIB] * 5, self.data() or b"x"]
        u = self.s3.create_multipart_upload(Bucket=BUCKET, Key=key)[
            "UploadId"]
        for n, p in enumerate(d, 1):
            r = self.s3.upload_part(Bucket=BUCKET, Key=key, UploadId=u,
                                    PartNumber=n, Body=p)
            done_parts.append({"PartNumber": n, "ETag": r["ETag"]})
        if self.random.random() < 0.3:
            try:
                self.s3.abort_multipart_upload(Bucket=BUCKET, Key=key,
                                               UploadId=u)
            except self.s3.exceptions.NoSuchUpload:
                pass    # the answer to it was lost with the server
            return
        self.write(key, b"".join(d), self.s3.complete_multipart_upload,
                   UploadId=u, MultipartUpload={"Parts": done_parts})

    def list(self):
        r = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        got = {o["Key"]: o["Size"] for o in r.get("Contents", [])}
        for key in list(self.model) + list(got):
            sizes = [None if v is None else len(v) for v in self.may_be(key)]
            assert got.get(key) in sizes, "%s listed as %s, want %s" % (
                key, got.get(key), sizes)

    def share(self):
        d = self.data() + os.urandom(16)
        with lock:
            shared.add(hashlib.md5(d).hexdigest())
        self.s3.put_object(Bucket=BUCKET, Key="shared", Body=d)
        self.shared_written = True

    def shared(self):
        body = self.read("shared")
        if body is None:
            assert not self.shared_written, "shared: gone"
            return
        etag = hashlib.md5(body).hexdigest()
        with lock:
            assert etag in shared, "shared: %d bytes that nobody wrote" % len(
                body)

    def run(self):
        ops = [self.put] * 6 + [self.get] * 6 + [self.range] * 3 + [
            self.delete] * 2 + [self.copy, self.list, self.list, self.parts,
                                self.share, self.shared, self.shared]
        try:
            while time.monotonic() < end and not failed:
                op = self.random.choice(ops)
                try:
                    op()
                    done(op.__name__)
                except (BotoCoreError, urllib3.exceptions.HTTPError):
                    done("unanswered")
                    time.sleep(0.1)
                except ClientError as e:
                    if e.response["ResponseMetadata"]["HTTPStatusCode"] != 503:
                        raise
                    done("refused")
            for key in list(self.model) if not failed else ():
                self.check(key, self.read(key))
        except Exception:
            failed.append(traceback.format_exc())


def main():
    client().create_bucket(Bucket=BUCKET)
    clients = [Client(n) for n in range(CLIENTS)]
    for c in clients:
        c.start()
    print("seed %d" % seed, flush=True)
    for c in clients:
        c.join()
    print(" ".join("%s=%d" % c for c in sorted(counts.items())))
    for f in failed:
        print(f)
    return 1 if failed else 0


sys.exit(main())
