"""load: clients of a cluster, whose operations are recorded as a history."""

import contextlib
import datetime
import hashlib
import http.client
import json
import os
import random
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                             d) for d in ("lib", "history")]
import history
import sigv4

REGION, BUCKET = "us-east-1", "box"
SIZES = (0, 100, 4096, 40000, 200000, 700000)


class NotSent(Exception):
    """Nobody was there to take the request."""


class WrongBytes(RuntimeError):
    """A read gave other bytes than its head says."""


class Client:
    """Signed requests to one node over one connection.  What it does to keys
    is recorded in ${record} (history.py has the form)."""

    def __init__(self, cluster, node, record=None, timeout=30):
        self.cluster, self.node, self.timeout = cluster, node, timeout
        self.record = record if record is not None else []
        self.http = None
        self.ahead_s = 0        # what the node's clock says beyond ours

    def close(self):
        if self.http is not None:
            self.http.close()
            self.http = None

    @contextlib.contextmanager
    def talk(self):
        """What goes wrong with the connection ends it, and is an OSError."""
        try:
            yield
        except OSError:
            self.close()
            raise
        except http.client.HTTPException as e:
            self.close()
            raise OSError(str(e)) from e

    def begin(self, method, target, body=b"", headers=None):
        """The answer, its body not yet read.  Raises as request does."""
        now = datetime.datetime.now(datetime.timezone.utc) + \
            datetime.timedelta(seconds=self.ahead_s)
        address = self.cluster.net.address[self.node]
        h = {"host": address, "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
             "x-amz-content-sha256": "UNSIGNED-PAYLOAD", **(headers or {})}
        key = sigv4.signing_key(self.cluster.secret, h["x-amz-date"], REGION)
        mark = sigv4.sign(key, REGION, method, target, h, "UNSIGNED-PAYLOAD")
        h["Authorization"] = sigv4.authorization(
            self.cluster.user, REGION, dict(h), mark)
        with self.talk():
            if self.http is None:
                self.http = self.connect(address)
            self.http.request(method, target, body, h)
            return self.http.getresponse()

    def request(self, method, target, body=b"", headers=None):
        """(status, head, body).  NotSent, or OSError when what became of it
        is not known."""
        r = self.begin(method, target, body, headers)
        with self.talk():
            data = r.read()
        if r.will_close:
            self.close()
        return r.status, r.headers, data

    def connect(self, address):
        name, port = address.split(":")
        c = http.client.HTTPConnection(name, int(port), timeout=self.timeout)
        try:
            c.connect()
        except OSError as e:
            raise NotSent(str(e)) from e
        return c

    def do(self, op, method, target, body=b"", headers=None):
        """The operation and its answer, (0, ...) for none; recorded."""
        op["start"], op["end"] = time.monotonic_ns(), None
        op["node"] = self.node
        status, head, data = 0, {}, b""
        try:
            status, head, data = self.request(method, target, body, headers)
        except NotSent:
            return status, head, data
        except OSError:
            pass
        if self.note(op, status, data):
            op["end"] = time.monotonic_ns()
        op["status"] = status
        self.record.append(op)
        return status, head, data

    def note(self, op, status, data):
        """Fill in what the answer says; False: it does not say."""
        if op["op"] == "list":
            if status == 200:
                op["keys"] = listed(data)
            # The first page of several does not say what is missing.
            return status == 200 and b"<IsTruncated>true<" not in data
        if op["op"] == "get":
            missing = status == 404 and b"<Code>NoSuchKey<" in data
            op["value"] = hashlib.md5(data).hexdigest() if status == 200 \
                else None
            return status == 200 or missing
        # A key that is not there has no ETag that could match.
        op["refused"] = status == 412 or op.get("match") is not None and \
            status == 404 and b"<Code>NoSuchKey<" in data
        return op["refused"] or status in (200, 204)

    def put(self, key, body, new=False, match=None):
        """${new}: only if it is not there; ${match}: only if it has that
        ETag."""
        op = {"op": "put", "key": key, "value": hashlib.md5(body).hexdigest()}
        headers = {}
        if new:
            headers["if-none-match"] = "*"
        if match is not None:
            headers["if-match"] = '"%s"' % match
        if headers:
            op["match"] = match
        return self.do(op, "PUT", path(key), body, headers)[0]

    def swap(self, key, body):
        """Put over what a get finds, if it is still that."""
        status, data = self.get(key)
        if status not in (200, 404):
            return status
        found = hashlib.md5(data).hexdigest() if status == 200 else None
        return self.put(key, body, found is None, found)

    def get(self, key):
        status, head, data = self.do({"op": "get", "key": key}, "GET",
                                     path(key))
        if status == 200 and head["ETag"].strip('"') != hashlib.md5(
                data).hexdigest():
            raise WrongBytes("%s: bytes are not those of the ETag" % key)
        return status, data

    def delete(self, key):
        return self.do({"op": "delete", "key": key}, "DELETE", path(key))[0]

    def list(self, prefix=""):
        return self.do({"op": "list", "prefix": prefix}, "GET",
                       "/%s?list-type=2&prefix=%s" % (
                           BUCKET, urllib.parse.quote(prefix, "")))[0]

    def online(self):
        """How many drives of each node this one has in use."""
        status, _, data = self.request("GET", "/ec/status")
        if status != 200:
            raise OSError("status %d" % status)
        nodes = {a: n for n, a in self.cluster.net.address.items()}
        out = dict.fromkeys(self.cluster.nodes, 0)
        for d in json.loads(data)["drives"]:
            out[nodes[d["path"].partition("/")[0]]] += d["state"] == "online"
        return out

    def make_bucket(self, seconds=60):
        """Until it is there: a cluster may just be coming up."""
        end = time.monotonic() + seconds
        while True:
            try:
                status, _, data = self.request("PUT", "/" + BUCKET)
            except (OSError, NotSent) as e:
                status, data = 0, str(e)
            if status in (200, 409):
                return
            if time.monotonic() > end:
                raise RuntimeError("no bucket: %s %s" % (status, data))
            time.sleep(0.1)


def path(key):
    return "/%s/%s" % (BUCKET, urllib.parse.quote(key))


def listed(data):
    out, root = {}, xml.etree.ElementTree.fromstring(data)
    space = root.tag.partition("}")[0] + "}"
    for c in root.iter(space + "Contents"):
        out[c.find(space + "Key").text] = c.find(space + "ETag").text.strip(
            '"')
    return out


class Worker(threading.Thread):
    """One client after another, on whichever of the nodes."""

    def __init__(self, load, seed):
        super().__init__(daemon=True)
        self.load, self.random = load, random.Random(seed)
        self.record, self.failed, self.done = [], 0, 0
        self.in_a_row = self.worst = 0      # failures
        self.slowest, self.error = 0, None

    def body(self):
        size = self.random.choice(self.load.sizes)
        mark = b"%032x" % self.random.getrandbits(128)
        return mark + mark[:1] * size

    def step(self, client):
        key = "k%d" % self.random.randrange(self.load.keys)
        what = self.random.choices(
            ("put", "get", "delete", "list", "new", "swap"),
            self.load.weights)[0]
        if what == "get":
            return client.get(key)[0]
        if what == "delete":
            return client.delete(key)
        if what == "list":
            return client.list()
        if what == "swap":
            return client.swap(key, self.body())
        return client.put(key, self.body(), what == "new")

    def run(self):
        clients = {n: Client(self.load.cluster, n, self.record,
                             self.load.timeout)
                   for n in self.load.cluster.nodes}
        try:
            n = 0
            while not self.load.ending.is_set():
                # Who failed once tries elsewhere.
                n = self.random.choice(
                    [m for m in self.load.nodes
                     if m != n or not self.in_a_row] or self.load.nodes)
                clients[n].ahead_s = self.load.ahead_s.get(n, 0)
                began = time.monotonic()
                if self.step(clients[n]) in (0, 500, 503):
                    self.failed += 1
                    self.in_a_row += 1
                    self.worst = max(self.worst, self.in_a_row)
                    time.sleep(min(0.02 * 2 ** self.in_a_row, 0.5))
                else:
                    self.done += 1
                    self.in_a_row = 0
                self.slowest = max(self.slowest, time.monotonic() - began)
        except Exception as e:  # the row reports it
            self.error = e
        for c in clients.values():
            c.close()


class Load:
    """Workers from start to stop; then what they saw is judged."""

    def __init__(self, cluster, seed, workers=8, keys=12, sizes=SIZES,
                 weights=(30, 42, 10, 2, 6, 10), timeout=30):
        self.cluster, self.keys, self.sizes = cluster, keys, sizes
        self.weights, self.timeout = weights, timeout
        self.nodes = list(cluster.nodes)    # that are used
        self.ahead_s = {}
        self.ending = threading.Event()
        self.workers = [Worker(self, seed * 1000 + n) for n in range(workers)]
        self.more = []      # a record that others add to

    def start(self):
        for w in self.workers:
            w.start()

    def done(self):
        return sum(w.done for w in self.workers)

    def progress(self, n, seconds=60):
        """Wait until the workers did ${n} more; False: they do not."""
        want, end = self.done() + n, time.monotonic() + seconds
        while self.done() < want:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def stop(self):
        self.ending.set()
        for w in [w for w in self.workers if w.ident is not None]:
            w.join(120)
            if w.is_alive():
                raise RuntimeError("a client waits for ever")

    def read_all(self, seconds=60):
        """From every node, at rest: what each says of all keys."""
        for n in self.cluster.nodes:
            c = Client(self.cluster, n, self.more)
            c.ahead_s = self.ahead_s.get(n, 0)
            for key in ["k%d" % k for k in range(self.keys)]:
                until(lambda: c.get(key)[0] in (200, 404), seconds,
                      "node %d cannot read %s" % (n, key))
            until(lambda: c.list() == 200, seconds,
                  "node %d cannot list" % n)
            c.close()

    def records(self):
        return sum((w.record for w in self.workers), []) + self.more

    def judge(self, keep):
        """What is wrong, in words; the history stays in the file ${keep}.
        How many of each kind (history.py) is in self.kinds."""
        records = self.records()
        with open(keep, "w") as f:
            for r in records:
                f.write(json.dumps(r) + "\n")
        bad = history.judge(records)[0]
        bytes_bad = [w.error for w in self.workers
                     if isinstance(w.error, WrongBytes)]
        self.kinds = {k: sum(w.kind == k for _, w in bad)
                      for k in (history.LOST, history.WRONG, history.OLD)}
        self.kinds[history.WRONG] += len(bytes_bad)
        wrong = ["%s: %s: %s" % (w.kind, key, w) for key, w in bad]
        return wrong + [repr(w.error) for w in self.workers if w.error]

    def failed(self):
        return sum(w.failed for w in self.workers)

    def slowest(self):
        """How long the slowest operation took since this was last asked."""
        s = max(w.slowest for w in self.workers)
        for w in self.workers:
            w.slowest = 0
        return s


def until(what, seconds, complaint):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise RuntimeError(complaint)
        time.sleep(0.05)
