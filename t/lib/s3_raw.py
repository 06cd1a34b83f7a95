#!/usr/bin/python3
"""s3_raw: requests that no client library would send.

usage: s3_raw.py HOST:PORT

Signs by itself, so that every part of a request can be wrong.  After each
request that must fail the key must not exist.  Prints TAP."""

import base64
import datetime
import hashlib
import os
import socket
import sys
import urllib.parse
import zlib

sys.dont_write_bytecode = True
import sigv4

host = sys.argv[1]
user = os.environ["AWS_ACCESS_KEY_ID"]
secret = os.environ["AWS_SECRET_ACCESS_KEY"]
region = "us-east-1"
EMPTY = hashlib.sha256(b"").hexdigest()
count = failed = 0


def result(good, name, note=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    if not good:
        print("# " + str(note)[:600])
    sys.stdout.flush()


class Request:
    """A request and its signature; change anything before send()."""

    def __init__(self, method, path, payload="UNSIGNED-PAYLOAD", headers=None,
                 age=0):
        now = datetime.datetime.now(datetime.timezone.utc)
        now -= datetime.timedelta(seconds=age)
        self.date = now.strftime("%Y%m%dT%H%M%SZ")
        self.method, self.path, self.payload = method, path, payload
        self.scope = sigv4.scope(self.date, region)
        self.headers = {"host": host, "x-amz-date": self.date,
                        "x-amz-content-sha256": payload}
        self.headers.update(headers or {})
        self.unsigned = {}
        self.key = sigv4.signing_key(secret, self.date, region)

    def sign(self):
        self.signature = sigv4.sign(self.key, region, self.method, self.path,
                                    self.headers, self.payload)
        self.unsigned.setdefault("Authorization", sigv4.authorization(
            user, region, self.headers, self.signature))

    def chunk(self, data, previous):
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.date, self.scope,
                          previous, EMPTY, hashlib.sha256(data).hexdigest()])
        return sigv4.mac(self.key, text).hex()

    def trailer(self, lines, previous):
        text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", self.date, self.scope,
                          previous, hashlib.sha256(lines.encode()).hexdigest()])
        return sigv4.mac(self.key, text).hex()

    def send(self, body=b"", length=None, cut=False):
        """(status, head and body); with cut the connection is shut down
        behind the body, however much was announced."""
        self.sign()
        lines = ["%s %s HTTP/1.1" % (self.method, self.path)]
        lines += ["%s: %s" % h for h in self.headers.items()]
        lines += ["%s: %s" % h for h in self.unsigned.items()]
        if "Transfer-Encoding" not in self.unsigned:
            lines += ["Content-Length: %d" % (
                len(body) if length is None else length)]
        lines += ["Connection: close", "", ""]
        name, _, port = host.partition(":")
        with socket.create_connection((name, int(port)), timeout=60) as s:
            answer = b""
            try:
                s.sendall("\r\n".join(lines).encode() + body)
                if cut:
                    s.shutdown(socket.SHUT_WR)
                while True:
                    more = s.recv(65536)
                    if not more:
                        break
                    answer += more
            except (BrokenPipeError, ConnectionResetError):
                pass
        status = int(answer.split(b" ")[1]) if answer else 0
        return status, answer.partition(b"\r\n\r\n")[2], answer


def exists(key):
    return Request("HEAD", "/raw/" + key, EMPTY).send()[0] == 200


number = 0


def refused(name, want, code, make):
    """What ${make} sends to a new key must fail, and store nothing."""
    global number
    number += 1
    key = "refused-%d" % number
    status, body, answer = make("/raw/" + key)
    there = exists(key)
    result(status == want and code.encode() in answer and not there,
           "refused: " + name, (status, body, "exists" if there else ""))


def stored(name, make, data):
    global number
    number += 1
    key = "stored-%d" % number
    status, body, _ = make("/raw/" + key)
    got = Request("GET", "/raw/" + key, EMPTY).send()
    result(status == 200 and got[0] == 200 and got[1] == data,
           "stored: " + name, (status, body, got[0], len(got[1])))


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


DATA = bytes(range(256)) * 300


def chunked(path, sizes=(65536, 11264), spoil=None, trailer=None, value=None,
            signed=True, decoded=None, announce=True, cut=0, extra=b"",
            again=False):
    """An aws-chunked PUT of DATA; ${spoil}: the chunk with a bad signature,
    or "trailer"."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if signed else \
        "STREAMING-UNSIGNED-PAYLOAD"
    if trailer:
        kind += "-TRAILER"
    headers = {"content-encoding": "aws-chunked"}
    if decoded != "":
        headers["x-amz-decoded-content-length"] = str(
            len(DATA) if decoded is None else decoded)
    if trailer and announce:
        headers["x-amz-trailer"] = trailer
    r = Request("PUT", path, kind, headers)
    r.sign()
    body, at, previous = b"", 0, r.signature
    for n, size in enumerate(list(sizes) + [0]):
        data = DATA[at:at + size]
        at += size
        line = "%x" % len(data)
        if signed:
            previous = r.chunk(data, previous)
            if spoil == n:
                previous = "0" * 64
            line += ";chunk-signature=" + previous
        body += line.encode() + b"\r\n"
        if size:
            body += data + b"\r\n"
    if trailer:
        line = "%s:%s\n" % (trailer, crc32(DATA) if value is None else value)
        body += line.strip().encode() + b"\r\n"
        if again:
            body += line.strip().encode() + b"\r\n"
        if signed:
            s = "0" * 64 if spoil == "trailer" else r.trailer(line, previous)
            body += b"x-amz-trailer-signature:" + s.encode() + b"\r\n"
    body += b"\r\n" + extra
    if cut:
        return r.send(body[:-cut], length=len(body), cut=True)
    return r.send(body)


def put(path, data=DATA, payload="UNSIGNED-PAYLOAD", headers=None,
        unsigned=None, **kw):
    r = Request("PUT", path, payload, headers)
    r.unsigned.update(unsigned or {})
    return r.send(data, **kw)


def aged(path, age):
    return Request("PUT", path, age=age).send(b"x")


def main():
    CRC = "x-amz-checksum-crc32"
    status, body, _ = Request("PUT", "/raw", EMPTY).send()
    result(status == 200, "a bucket", body)

    stored("unsigned payload", put, DATA)
    stored("hashed payload", lambda p: put(
        p, payload=hashlib.sha256(DATA).hexdigest()), DATA)
    stored("signed chunks", chunked, DATA)
    stored("chunks of one byte and more", lambda p: chunked(
        p, sizes=[1, 2, 3] + [len(DATA) - 6]), DATA)
    stored("signed trailer", lambda p: chunked(p, trailer=CRC), DATA)
    stored("unsigned trailer", lambda p: chunked(p, trailer=CRC,
                                                 signed=False), DATA)
    key = "/raw/encoded"
    r = Request("PUT", key, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", {
        "content-encoding": "aws-chunked,gzip",
        "x-amz-decoded-content-length": "1"})
    status = r.send(b"1\r\na\r\n0\r\n\r\n")[0]
    head = Request("HEAD", key, EMPTY).send()[2].lower()
    result(status == 200 and b"content-encoding: gzip\r\n" in head,
           "aws-chunked is not stored as the object's coding", head)

    refused("a wrong hash of the payload", 400, "XAmzContentSHA256Mismatch",
            lambda p: put(p, payload=hashlib.sha256(b"x").hexdigest()))
    refused("the first chunk's signature", 403, "SignatureDoesNotMatch",
            lambda p: chunked(p, spoil=0))
    refused("the second chunk's", 403, "SignatureDoesNotMatch",
            lambda p: chunked(p, spoil=1))
    refused("the last chunk's", 403, "SignatureDoesNotMatch",
            lambda p: chunked(p, spoil=2))
    refused("the trailer's", 403, "SignatureDoesNotMatch",
            lambda p: chunked(p, trailer=CRC, spoil="trailer"))
    for signed in (True, False):
        s = "signed" if signed else "unsigned"
        refused("a wrong checksum in the %s trailer" % s, 400, "BadDigest",
                lambda p: chunked(p, trailer=CRC, value=crc32(b"other"),
                                  signed=signed))
        refused("no checksum in the %s trailer" % s, 400, "InvalidRequest",
                lambda p: chunked(p, trailer=CRC, value="zz", signed=signed))
        refused("a %s trailer not announced" % s, 400,
                "MalformedTrailerError",
                lambda p: chunked(p, trailer=CRC, signed=signed,
                                  announce=False))
    refused("a trailer given twice", 400, "MalformedTrailerError",
            lambda p: chunked(p, trailer=CRC, signed=False, again=True))
    refused("an unknown trailer", 400, "InvalidRequest",
            lambda p: chunked(p, trailer="x-amz-checksum-md4", signed=False))
    refused("chunks shorter than said", 400, "IncompleteBody",
            lambda p: chunked(p, decoded=len(DATA) + 1))
    refused("chunks longer than said", 400, "IncompleteBody",
            lambda p: chunked(p, decoded=len(DATA) - 1))
    refused("no decoded length", 411, "MissingContentLength",
            lambda p: chunked(p, decoded=""))
    refused("something behind the last chunk", 400, "IncompleteBody",
            lambda p: chunked(p, extra=b"0\r\n\r\n"))
    refused("a body with no chunks in it", 400, "IncompleteBody",
            lambda p: put(p, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                          headers={"x-amz-decoded-content-length": "5"}))
    for what, body in (("cut", b"5\r\nab"), ("without an end", b"1\r\na\r\n"),
                       ("of another length", b"1\r\nab\r\n0\r\n\r\n")):
        refused("a chunk " + what, 0, "", lambda p: cut_status(put(
            p, body, unsigned={"Transfer-Encoding": "chunked"}, cut=True)))
    for cut in (1, 3, 500, 12000, 70000):
        refused("signed chunks cut by %d" % cut, 0, "",
                lambda p: cut_status(chunked(p, cut=cut)))
    refused("a plain body cut", 0, "",
            lambda p: cut_status(put(p, DATA[:-1], length=len(DATA),
                                     cut=True)))

    refused("an x-amz header not signed", 403, "AccessDenied",
            lambda p: put(p, unsigned={"x-amz-meta-a": "1"}))
    refused("x-amz-copy-source not signed", 403, "AccessDenied",
            lambda p: put(p, b"", unsigned={
                "X-Amz-Copy-Source": "/raw/stored-1"}))
    refused("no signature", 403, "AccessDenied",
            lambda p: plain("PUT", p))
    refused("16 minutes late", 403, "RequestTimeTooSkewed",
            lambda p: aged(p, 16 * 60))
    refused("16 minutes early", 403, "RequestTimeTooSkewed",
            lambda p: aged(p, -16 * 60))
    refused("Signature Version 2", 400, "InvalidRequest",
            lambda p: put(p, unsigned={"Authorization": "AWS a:b"}))
    refused("credentials twice", 400, "InvalidArgument",
            lambda p: put(p + "?X-Amz-Algorithm=AWS4-HMAC-SHA256"))
    refused("two checksums", 400, "InvalidRequest",
            lambda p: put(p, headers={
                CRC: crc32(DATA), "x-amz-checksum-sha256":
                base64.b64encode(hashlib.sha256(DATA).digest()).decode()}))
    refused("more than 5 GiB", 400, "EntityTooLarge",
            lambda p: put(p, b"", length=5 * 2**30 + 1))
    refused("a parameter nobody knows", 501, "NotImplemented",
            lambda p: put(p + "?replication"))
    refused("an upload that is none", 404, "NoSuchUpload",
            lambda p: put(p + "?partNumber=1&uploadId=" + "0" * 32))
    refused("a bad copy source", 400, "InvalidArgument",
            lambda p: put(p, b"", headers={"x-amz-copy-source": "%."}))
    refused("a copy source of the system", 400, "InvalidBucketName",
            lambda p: put(p, b"", headers={"x-amz-copy-source": ".ec/k"}))
    refused("an empty copy source", 400, "InvalidArgument",
            lambda p: put(p, b"", headers={"x-amz-copy-source": ""}))

    for path in ("/raw/%", "/raw/%zz", "/raw/%00", "/raw/%ff", "/raw?a=%f"):
        status, body, _ = Request("GET", path, EMPTY).send()
        result(status == 400 and b"InvalidURI" in body,
               "bad escape: " + path, (status, body))
    for method in ("PATCH", "TRACE", "FOO"):
        status, body, _ = Request(method, "/raw/k", EMPTY).send()
        result(status == 405, "method " + method, (status, body))
    xml = b"<!DOCTYPE a [<!ENTITY b 'c'>]><Delete/>"
    r = Request("POST", "/raw?delete", hashlib.sha256(xml).hexdigest(), {
        "content-md5": base64.b64encode(hashlib.md5(xml).digest()).decode()})
    status, body, _ = r.send(xml)
    result(status == 400 and b"MalformedXML" in body, "a DTD",
           (status, body))
    gone = hashlib.sha256(b"<CreateBucketConfiguration/>").hexdigest()
    status, body, _ = Request("PUT", "/raw-gone", gone).send()
    result(status == 400 and
           Request("HEAD", "/raw-gone", EMPTY).send()[0] == 404,
           "a signed body that is not there at all", (status, body))
    xml = b"<Delete><Object><Key>stored-1</Key></Object></Delete>"
    status, body, _ = Request("POST", "/raw?delete", hashlib.sha256(
        xml).hexdigest()).send(xml)
    result(status == 400 and b"InvalidRequest" in body and
           exists("stored-1"), "many deletes without a digest",
           (status, body))
    listed = Request("GET", "/raw?list-type=2", EMPTY).send()[1]
    result(b"refused" not in listed, "nothing refused is listed", listed)
    print("1..%d" % count)
    return failed > 0


def cut_status(answer):
    """A client that went away may get any failure, or nothing."""
    return (0, answer[1], answer[2]) if answer[0] != 200 else answer


def plain(method, path):
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=60) as s:
        s.sendall(("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n" % (method, path, host)
                   ).encode())
        answer = b""
        while True:
            more = s.recv(65536)
            if not more:
                break
            answer += more
    return int(answer.split(b" ")[1]), answer, answer


if __name__ == "__main__":
    sys.exit(main())
