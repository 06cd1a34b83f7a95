#!/usr/bin/python3
"""s3_races: many clients write one key on the same condition at once.

usage: s3_races.py ENDPOINT ...

Each of several clients goes to the next endpoint.  Of those who PUT, copy,
complete an upload or delete If-Match, or PUT If-None-Match: *, exactly one may
win, and what it wrote must be there.  Exit status 1 if it was otherwise."""

import http.client
import os
import sys
import threading
import urllib.parse
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials

WHO = botocore.credentials.Credentials(os.environ["AWS_ACCESS_KEY_ID"],
                                       os.environ["AWS_SECRET_ACCESS_KEY"])
endpoints = sys.argv[1:]
CLIENTS, BUCKET = 100, "/races"


def ask(n, method, path, body=b"", **headers):
    """(status, etag, body) of a request to endpoint n."""
    url = endpoints[n % len(endpoints)] + BUCKET + path
    rq = botocore.awsrequest.AWSRequest(method, url, data=body)
    for name, value in headers.items():
        rq.headers[name.replace("_", "-")] = value
    botocore.auth.S3SigV4Auth(WHO, "s3", "us-east-1").add_auth(rq)
    where = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(where.netloc, timeout=120)
    try:
        c.request(method, where.path + "?" + where.query, body,
                  dict(rq.headers))
        answer = c.getresponse()
        return answer.status, answer.headers["ETag"], answer.read()
    finally:
        c.close()


def good(answer):
    assert answer[0] in (200, 204), answer
    return answer


def race(what, call, clients=CLIENTS, wins=(200,)):
    """call(i) by all clients at once: exactly one may win; which."""
    answers, start = [None] * clients, threading.Barrier(clients)

    def one(i):
        start.wait()
        try:
            answers[i] = call(i)[0]
        except OSError as e:
            answers[i] = e

    threads = [threading.Thread(target=one, args=(i,))
               for i in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    won = [i for i in range(clients) if answers[i] in wins]
    others = {a for a in answers if a not in wins}
    assert len(won) == 1 and others <= {409, 412}, (what, won, others)
    return won[0]


def holds(key, want):
    for n in range(len(endpoints)):
        assert good(ask(n, "GET", key))[2] == want, (n, want)


def element(answer, name):
    root = xml.etree.ElementTree.fromstring(good(answer)[2])
    return [e.text for e in root.iter() if e.tag.split("}")[-1] == name]


def complete(n, key, upload, etag, **headers):
    return ask(n, "POST", "%s?uploadId=%s" % (key, upload), (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s"
        "</ETag></Part></CompleteMultipartUpload>" % etag).encode(), **headers)


def main():
    good(ask(0, "PUT", ""))
    won = race("PUT If-None-Match", lambda i: ask(
        i, "PUT", "/k", b"new %d" % i, If_None_Match="*"))
    holds("/k", b"new %d" % won)
    etag = ask(0, "HEAD", "/k")[1]
    won = race("PUT If-Match", lambda i: ask(
        i, "PUT", "/k", b"put %d" % i, If_Match=etag))
    holds("/k", b"put %d" % won)
    etag = ask(0, "HEAD", "/k")[1]
    for i in range(CLIENTS):
        good(ask(i, "PUT", "/from%d" % i, b"copy %d" % i))
    won = race("copy If-Match", lambda i: ask(
        i, "PUT", "/k", x_amz_copy_source="%s/from%d" % (BUCKET, i),
        If_Match=etag))
    holds("/k", b"copy %d" % won)
    etag, uploads = ask(0, "HEAD", "/k")[1], []
    for i in range(20):
        upload = element(ask(i, "POST", "/k?uploads="), "UploadId")[0]
        part = good(ask(i, "PUT", "/k?partNumber=1&uploadId=" + upload,
                        b"part %d" % i))[1]
        uploads.append((upload, part))
    won = race("complete If-Match", lambda i: complete(
        i, "/k", *uploads[i], If_Match=etag), len(uploads))
    holds("/k", b"part %d" % won)
    # A delete that finds nothing says 204 too: markers tell who did it.
    good(ask(0, "PUT", "?versioning=", b"<VersioningConfiguration><Status>"
             b"Enabled</Status></VersioningConfiguration>"))
    etag = good(ask(0, "PUT", "/v", b"x"))[1]
    threads = [threading.Thread(target=ask, args=(i, "DELETE", "/v"), kwargs={
        "If_Match": etag}) for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    markers = element(ask(0, "GET", "?versions=&prefix=v"), "DeleteMarker")
    assert len(markers) == 1, markers


main()
