#!/usr/bin/python3
"""keys: names of objects of every kind, in every place that a request has for
one: kept byte for byte, or refused with 400; never another object, never a file.

    keys.py HOST:PORT

Credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.  Prints each
difference and a line of counts; exit status 1 when there was one."""
import base64
import hashlib
import os
import sys
import types
import unicodedata
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE + "/../cluster", HERE + "/../lib"]
import load

NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
BUCKETS = ("keys-one", "keys-two")


def keys():
    """Every kind, as bytes."""
    yield from (b"k" + bytes([b]) + b"x" for b in range(256))
    yield from (bytes([b]) for b in range(1, 128))
    yield from (b"n" * n for n in (1, 2, 255, 256, 1023, 1024, 1025, 4000))
    yield from ("é".encode() * n for n in (512, 513))
    yield from (s.encode() for s in (
        "..", ".", "../x", "../../etc/passwd", "a/../b", "a/./b", "a/..",
        "./a", "/", "//", "///a", "a/", "a//", "a//b", "x.", "x ", " x",
        "x..", "...", "a\\b", "..\\x", "%2F", "%2e%2e%2f", "%252F", "%00",
        "%", "%zz", "a+b", "a b", "a?b", "a#b", "a&b", "a;b", "a=b", "~", "*",
        "<a>&\"'", "CON", "nul", "-rf", "$(id)", "`id`", ".ec/format.json",
        "shard/00", "keys-two/x", "?acl", "?versionId=null", "𝄞", "\u200b",
        "\ufeff", "\ufffd", "\u202ex", "日本", unicodedata.normalize(
            "NFC", "é"), unicodedata.normalize("NFD", "é")))
    # What is not UTF-8: too long, surrogates, beyond the last, cut off.
    yield from (b"a" + bad for bad in (
        b"\xc0\xaf", b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80", b"\xc3", b"\xe2\x82", b"\xff", b"\xfe",
        b"\x80", b"\xc3\x28", b"\xf8\x88\x80\x80\x80"))


def valid(key):
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return 0 < len(key) <= 1024 and b"\0" not in key


def in_xml(key):
    """Whether XML 1.0 has these characters, and keeps them."""
    return valid(key) and all(c >= " " and c not in "\x7f\ufffe\uffff"
                              for c in key.decode())


class Run:
    def __init__(self, client):
        self.client, self.cases, self.wrong = client, 0, 0

    def ask(self, method, bucket, key=None, query="", body=b"", **headers):
        target = "/" + bucket
        if key is not None:
            target += "/" + urllib.parse.quote(key, "/~")
        return self.client.request(
            method, target + query, body,
            {n.replace("_", "-"): v for n, v in headers.items()})

    def check(self, good, where, key, note=""):
        self.cases += 1
        if not good:
            self.wrong += 1
            print(f"wrong: {where}: {key[:60]!r}: {str(note)[:200]}")

    def listed(self, bucket):
        out, query = set(), "?encoding-type=url&list-type=2&max-keys=100"
        token = ""
        while True:
            _, _, body = self.ask("GET", bucket, query=query + token)
            page = ET.fromstring(body)
            out |= {urllib.parse.unquote_to_bytes(
                t.text.replace("+", " ")) for t in page.iter(NS + "Key")}
            token = page.findtext(NS + "NextContinuationToken")
            if token is None:
                return out
            token = "&continuation-token=" + urllib.parse.quote(token, "")

    def path(self, key):
        """The key in the path, encoded as little and as much as may be."""
        status, _, body = self.ask("PUT", BUCKETS[0], key, body=key)
        want = 200 if valid(key) else 400
        self.check(status == want, "put", key, (status, body))
        every = "/%s/%s" % (BUCKETS[0], "".join("%%%02X" % b for b in key))
        status, _, body = self.client.request("GET", every)
        self.check(status == want and (want != 200 or body == key), "get",
                   key, (status, body))

    def copy(self, key):
        """In the header that names a source."""
        source = urllib.parse.quote("%s/" % BUCKETS[0], "/") + \
            urllib.parse.quote(key, "/")
        status, _, body = self.ask("PUT", BUCKETS[1], b"copy",
                                   x_amz_copy_source=source)
        self.check(status == (200 if valid(key) else 400), "copy source",
                   key, (status, body))
        if status == 200:
            _, _, body = self.ask("GET", BUCKETS[1], b"copy")
            self.check(body == key, "copied", key, body)

    def delete(self, key):
        """In the body of DeleteObjects: this one goes, and no other."""
        body = ("<Delete><Quiet>true</Quiet><Object><Key>%s</Key></Object>"
                "</Delete>" % escape(key.decode())).encode()
        status, _, said = self.ask(
            "POST", BUCKETS[0], query="?delete", body=body,
            content_md5=base64.b64encode(hashlib.md5(body).digest()).decode())
        self.check(status == 200 and b"<Error>" not in said, "delete", key,
                   (status, said))

    def all(self):
        for b in BUCKETS:
            self.ask("PUT", b)
        every = list(dict.fromkeys(keys()))
        good = {k for k in every if valid(k)}
        for key in every:
            self.path(key)
        self.check(self.listed(BUCKETS[0]) == good, "list", b"",
                   self.listed(BUCKETS[0]) ^ good)
        for key in every:
            self.copy(key)
        self.check(self.listed(BUCKETS[1]) == {b"copy"}, "other bucket", b"",
                   self.listed(BUCKETS[1]))
        for key in sorted(k for k in good if in_xml(k)):
            self.delete(key)
            good.discard(key)
        self.check(self.listed(BUCKETS[0]) == good, "left", b"",
                   self.listed(BUCKETS[0]) ^ good)
        for key in sorted(good):
            status, _, body = self.ask("DELETE", BUCKETS[0], key)
            self.check(status == 204, "delete", key, (status, body))
        for b in BUCKETS[::-1]:
            self.ask("DELETE", b, b"copy")
            self.check(self.ask("DELETE", b)[0] == 204, "bucket empty", b"")


def main():
    run = Run(load.Client(types.SimpleNamespace(
        net=types.SimpleNamespace(address={1: sys.argv[1]}),
        user=os.environ["AWS_ACCESS_KEY_ID"],
        secret=os.environ["AWS_SECRET_ACCESS_KEY"]), 1))
    run.all()
    print(f"{run.cases} cases of keys, {run.wrong} wrong")
    sys.exit(run.wrong > 0)


main()
