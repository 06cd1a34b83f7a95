#!/usr/bin/python3
"""play: random requests to a server, compared with a model of S3 (model.py).

    play.py [-s SEED] [-n OPERATIONS] HOST:PORT

Sequences of 150 operations, each in a bucket of its own, until there were so
many.  One that differs is made as short as it gets, by leaving out operations
as long as it differs, and printed; exit status 1 then.  Credentials are
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""
import argparse
import itertools
import os
import random
import sys
import time
import types
import urllib.parse
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, HERE + "/../cluster", HERE + "/../lib"]
import load
from model import Model

LENGTH = 150
KEYS = ["a", "a/b", "a/b/c", "a//b", "b", "ä ö", "a+b", "%41", "z" * 900, "..x"]
NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Differs(Exception):
    pass


def content(seed, size):
    return random.Random(seed).randbytes(size)


def some_operation(r):
    """A name and its arguments; versions and uploads are meant by number."""
    key, other = r.choice(KEYS), r.choice(KEYS)
    size = r.choice([0, 1, 100, 3000, 70000, r.randrange(300000)])
    meta = {"x": str(r.randrange(9))} if r.random() < .3 else {}
    tags = {"t%d" % i: "v" for i in range(r.randrange(3))} \
        if r.random() < .2 else {}
    choices = [
        (16, ("put", key, r.random(), size, meta, tags, None)),
        (3, ("put", key, r.random(), size, {}, {}, "*")),
        (3, ("put", key, r.random(), size, {}, {}, r.choice(["is", "not"]))),
        (16, ("get", key)), (6, ("head", key)),
        (6, ("get_version", key, r.randrange(9))),
        (4, ("get_range", key, r.randrange(3500), r.randrange(5000))),
        (8, ("delete", key)), (5, ("delete_version", key, r.randrange(9))),
        (2, ("delete_many", tuple(r.sample(KEYS, 3)))),
        (4, ("copy", key, other, r.choice([None, meta]))),
        (6, ("list", r.choice(["", "a", "a/", "ä", "%"]),
             r.choice(["", "/", "b"]), r.choice([1, 2, 1000]))),
        (4, ("list_versions", r.choice([1, 3, 1000]))),
        (3, ("begin", key)), (5, ("part", r.randrange(9), r.randrange(1, 4),
                                  r.random(), size)),
        (4, ("complete", r.randrange(9))), (1, ("abort", r.randrange(9))),
        (1, ("list_parts", r.randrange(9))), (1, ("list_uploads",)),
        (2, ("tag", key, tags)), (2, ("tags", key)),
        (2, ("version_on", r.choice(["Enabled", "Enabled", "Suspended"]))),
    ]
    return r.choices([c[1] for c in choices], [c[0] for c in choices])[0]


class Game:
    """One bucket of the server beside one model."""
    number = itertools.count()

    def __init__(self, client):
        self.client, self.model = client, Model()
        self.bucket = "model-%d-%d" % (time.time_ns(), next(Game.number))
        self.must(self.ask("PUT", "", {})[0], 200)

    def ask(self, method, key, query, body=b"", headers=None):
        target = "/" + self.bucket + ("/" + urllib.parse.quote(key, "/~")
                                      if key else "")
        if query:
            target += "?" + "&".join("%s=%s" % (
                n, urllib.parse.quote(str(v), "~"))
                for n, v in sorted(query.items()))
        return self.client.request(method, target, body, headers)

    def must(self, got, want, what="status"):
        if got != want:
            raise Differs("%s %.300r, not %.300r" % (what, got, want))

    def compare(self, want, got):
        """(status, facts) of the model with (status, head, body)."""
        status, head, body = got
        if want[0] != status:
            raise Differs("status %d, not %d: %.200s" % (
                status, want[0], body))
        for what, value in want[1].items():
            if what == "data":
                self.must(body == value, True, "the same %d bytes" %
                          len(value))
            elif what == "etag":
                said = head.get("ETag") or text(body, "ETag")
                self.must(said.strip('"'), value, what)
            elif what == "meta":
                self.must({n[11:].lower(): v for n, v in head.items() if
                           n.lower().startswith("x-amz-meta-")}, value, what)
            elif what == "tags":
                self.must(int(head.get("x-amz-tagging-count", 0)), value, what)
            elif what == "marker":
                self.must(head.get("x-amz-delete-marker") == "true", value,
                          what)
            elif what == "new":
                self.bind(value, head)

    def bind(self, version, head):
        said = head.get("x-amz-version-id")
        if self.model.versioning == "Enabled":
            self.must(said not in (None, "null"), True, "a version id")
            version.id = said
        elif said is not None:
            self.must(said, "null", "version id")

    def upload(self, n):
        uploads = self.model.uploads
        return uploads[n % len(uploads)] if uploads else None

    def play(self, operation):
        getattr(self, operation[0])(*operation[1:])

    def put(self, key, seed, size, meta, tags, match):
        data, headers = content(seed, size), {}
        for name, value in meta.items():
            headers["x-amz-meta-" + name] = value
        if tags:
            headers["x-amz-tagging"] = urllib.parse.urlencode(tags)
        if match == "*":
            headers["if-none-match"] = "*"
        elif match is not None:
            now = self.model.current(key)
            match = now.etag if now and match == "is" else "0" * 32
            headers["if-match"] = '"%s"' % match
        got = self.ask("PUT", key, {}, data, headers)
        self.compare(self.model.put(key, data, meta, tags, match), got)

    def get(self, key):
        self.compare(self.model.get(key), self.ask("GET", key, {}))

    def head(self, key):
        status, facts = self.model.get(key)
        size = len(facts.pop("data", b""))
        got = self.ask("HEAD", key, {})
        self.compare((status, facts), got)
        if status == 200:
            self.must(int(got[1]["Content-Length"]), size, "length")

    def get_version(self, key, n):
        if (v := self.model.nth(key, n)) is not None:
            self.compare(self.model.get_version(v),
                         self.ask("GET", key, {"versionId": v.id}))

    def get_range(self, key, first, length):
        last = first + length
        self.compare(self.model.get_range(key, first, last), self.ask(
            "GET", key, {}, headers={"range": f"bytes={first}-{last}"}))

    def delete(self, key):
        got = self.ask("DELETE", key, {})
        self.compare(self.model.delete(key), got)

    def delete_version(self, key, n):
        if (v := self.model.nth(key, n)) is not None:
            self.compare(self.model.delete_version(key, v),
                         self.ask("DELETE", key, {"versionId": v.id}))

    def delete_many(self, keys):
        body = "<Delete>%s</Delete>" % "".join(
            "<Object><Key>%s</Key></Object>" % k for k in keys)
        body = body.encode()
        status, _, said = self.ask("POST", "", {"delete": ""}, body,
                                   {"content-md5": content_md5(body)})
        self.must(status, 200)
        done = {t.findtext(NS + "Key"): t for t in ET.fromstring(said)}
        self.must(sorted(done), sorted(keys), "deleted")
        for key in keys:
            new = self.model.delete(key)[1].get("new")
            if new is not None:
                self.bind(new, {"x-amz-version-id": done[key].findtext(
                    NS + "DeleteMarkerVersionId")})

    def copy(self, source, key, meta):
        headers = {"x-amz-copy-source": urllib.parse.quote(
            f"{self.bucket}/{source}")}
        if meta is not None:
            headers["x-amz-metadata-directive"] = "REPLACE"
            for name, value in meta.items():
                headers["x-amz-meta-" + name] = value
        got = self.ask("PUT", key, {}, headers=headers)
        self.compare(self.model.copy(source, key, meta), got)

    def pages(self, query, token):
        """Every page of a list; ${token}: {name in the query: element}."""
        while True:
            status, _, body = self.ask("GET", "", query)
            self.must(status, 200)
            page = ET.fromstring(body)
            yield page
            if page.findtext(NS + "IsTruncated") != "true":
                return
            query.update((n, page.findtext(NS + e) or "") for n, e in
                         token.items())

    def list(self, prefix, delimiter, size):
        query = {"list-type": 2, "prefix": prefix, "max-keys": size}
        if delimiter:
            query["delimiter"] = delimiter
        keys, prefixes = [], []
        for page in self.pages(query, {
                "continuation-token": "NextContinuationToken"}):
            keys += [(c.findtext(NS + "Key"), c.findtext(
                NS + "ETag").strip('"'), int(c.findtext(NS + "Size")))
                for c in page.iter(NS + "Contents")]
            prefixes += [p.findtext(NS + "Prefix")
                         for p in page.iter(NS + "CommonPrefixes")]
        want = self.model.list(prefix, delimiter)[1]
        self.must(keys, want["keys"], "keys")
        self.must(prefixes, want["prefixes"], "prefixes")

    def list_versions(self, size):
        got = []
        for page in self.pages({"versions": "", "max-keys": size}, {
                "key-marker": "NextKeyMarker",
                "version-id-marker": "NextVersionIdMarker"}):
            got += [(t.findtext(NS + "Key"), t.findtext(NS + "VersionId"),
                     t.findtext(NS + "IsLatest") == "true",
                     t.tag == NS + "DeleteMarker") for t in page
                    if t.tag in (NS + "Version", NS + "DeleteMarker")]
        self.must(got, self.model.list_versions()[1]["versions"], "versions")

    def begin(self, key):
        status, _, body = self.ask("POST", key, {"uploads": ""})
        self.must(status, 200)
        self.model.begin(key)[1]["upload"].id = text(body, "UploadId")

    def part(self, n, number, seed, size):
        if (u := self.upload(n)) is None:
            return
        if seed < .04:
            size = 5 << 20
        data = content(seed, size)
        got = self.ask("PUT", u.key, {"partNumber": number,
                                      "uploadId": u.id}, data)
        self.compare(self.model.part(u, number, data), got)

    def complete(self, n):
        if (u := self.upload(n)) is None:
            return
        parts = self.model.list_parts(u)[1]["parts"]
        body = "".join("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>"
                       "</Part>" % (n, e) for n, e, _ in parts)
        got = self.ask("POST", u.key, {"uploadId": u.id}, (
            "<CompleteMultipartUpload>%s</CompleteMultipartUpload>" %
            body).encode())
        self.compare(self.model.complete(u), got)

    def abort(self, n):
        if (u := self.upload(n)) is not None:
            self.compare(self.model.abort(u), self.ask(
                "DELETE", u.key, {"uploadId": u.id}))

    def list_parts(self, n):
        if (u := self.upload(n)) is None:
            return
        status, _, body = self.ask("GET", u.key, {"uploadId": u.id})
        self.must(status, 200)
        got = [(int(p.findtext(NS + "PartNumber")), p.findtext(
            NS + "ETag").strip('"'), int(p.findtext(NS + "Size")))
            for p in ET.fromstring(body).iter(NS + "Part")]
        self.must(got, self.model.list_parts(u)[1]["parts"], "parts")

    def list_uploads(self):
        status, _, body = self.ask("GET", "", {"uploads": ""})
        self.must(status, 200)
        got = sorted((u.findtext(NS + "Key"), u.findtext(NS + "UploadId"))
                     for u in ET.fromstring(body).iter(NS + "Upload"))
        self.must(got, self.model.list_uploads()[1]["uploads"], "uploads")

    def tag(self, key, tags):
        body = "<Tagging><TagSet>%s</TagSet></Tagging>" % "".join(
            "<Tag><Key>%s</Key><Value>%s</Value></Tag>" % t
            for t in tags.items())
        got = self.ask("PUT", key, {"tagging": ""}, body.encode()) if tags \
            else self.ask("DELETE", key, {"tagging": ""})
        self.compare(self.model.tag(key, tags), got)

    def tags(self, key):
        want = self.model.tags(key)
        status, _, body = self.ask("GET", key, {"tagging": ""})
        self.must(status, want[0])
        if status == 200:
            self.must({t.findtext(NS + "Key"): t.findtext(NS + "Value")
                       for t in ET.fromstring(body).iter(NS + "Tag")},
                      want[1]["tagset"], "tags")

    def version_on(self, status):
        body = ("<VersioningConfiguration><Status>%s</Status>"
                "</VersioningConfiguration>" % status).encode()
        self.must(self.ask("PUT", "", {"versioning": ""}, body)[0], 200)
        self.model.version_on(status)


def content_md5(body):
    import base64
    import hashlib
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def text(body, name):
    found = ET.fromstring(body).findtext(NS + name) if body else None
    return found or ""


def differs(client, operations):
    """(number of the operation, what differs), or None."""
    game = Game(client)
    for n, operation in enumerate(operations):
        try:
            game.play(operation)
        except (Differs, OSError, ET.ParseError) as e:
            return n, str(e)
    return None


def shortest(client, operations):
    """Leave out as long as it differs."""
    size = len(operations) // 2
    while size > 0:
        at = 0
        while at < len(operations):
            fewer = operations[:at] + operations[at + size:]
            found = differs(client, fewer)
            if found is not None:
                operations = fewer[:found[0] + 1]
            else:
                at += size
        size //= 2
    return operations


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-s", dest="seed", type=int,
                   default=time.time_ns() % 1000000)
    p.add_argument("-n", dest="operations", type=int, default=1500)
    p.add_argument("host")
    args = p.parse_args()
    client = load.Client(types.SimpleNamespace(
        net=types.SimpleNamespace(address={1: args.host}),
        user=os.environ["AWS_ACCESS_KEY_ID"],
        secret=os.environ["AWS_SECRET_ACCESS_KEY"]), 1)
    done, wrong = 0, 0
    while done < args.operations and wrong < 3:
        r = random.Random("%d %d" % (args.seed, done))
        operations = [some_operation(r) for _ in range(LENGTH)]
        found = differs(client, operations)
        done += LENGTH if found is None else found[0] + 1
        if found is None:
            continue
        wrong += 1
        few = shortest(client, operations[:found[0] + 1])
        print("wrong:", differs(client, few)[1])
        for operation in few:
            print("    ", operation)
    print(f"{done} requests against the model, seed {args.seed}, {wrong} "
          "wrong")
    sys.exit(wrong > 0)


main()
