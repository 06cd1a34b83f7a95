#!/usr/bin/python3
"""known: how stores of this kind were broken before, tried on this one.

usage: known.py HOST:PORT

Each check is named after the advisories it is from.  The server knows the users
main and alt, and the key CHILD, which is main's and may only get what lies
below box/child/ (t/5710-s3d-advisories.bats).  Prints TAP."""

import io
import json
import os
import re
import socket
import sys
import tarfile
import types

sys.dont_write_bytecode = True
import ask
import form

MAIN, ALT = ("MAINKEY", "main-secret"), ("ALTKEY", "alt-secret")
CHILD = ("CHILDKEY", "child-secret")
ROOT = (ask.s3_raw.user, ask.s3_raw.secret)
SECRETS = [s.encode() for who in (MAIN, ALT, CHILD, ROOT) for s in who[1:]]
XML = "http://s3.amazonaws.com/doc/2006-03-01/"
CHECKS = []


def known(*advisories):
    """What follows says whether it is refused: (good, what was seen)."""
    def take(function):
        CHECKS.append((", ".join(advisories), function))
        return function
    return take


def go(method, target, body=b"", kind="signed", who=MAIN, headers=None,
       before=None, after=None):
    """(status, code, body, whole answer) of a request."""
    a = ask.Ask(types.SimpleNamespace(
        method=method, target=target, body=body, headers=headers or {},
        service="s3"), kind)
    a.user, a.secret = who
    if before:
        before(a)
    a.sign()
    if after:
        after(a)
    status, text, answer = a.send(a.body)
    return types.SimpleNamespace(status=status, code=ask.code_of(text),
                                 body=text, answer=answer)


def wrong(a):
    a.secret += "x"


def unsigned(**headers):
    """Sent with the request, and not signed."""
    return lambda a: a.unsigned.update(
        {k.replace("_", "-"): v for k, v in headers.items()})


def there(target):
    return go("HEAD", target).status == 200


def data(target):
    return go("GET", target).body


def refused(want, *answers):
    """All have one of the statuses ${want}, and none a secret."""
    return (all(a.status in want and not any(s in a.answer for s in SECRETS)
                for a in answers), [(a.status, a.code) for a in answers])


def policy(bucket, *statements):
    text = json.dumps({"Version": "2012-10-17", "Statement": [dict(
        {"Effect": "Allow", "Principal": "*", "Resource": [
            "arn:aws:s3:::" + bucket, "arn:aws:s3:::%s/*" % bucket]}, **s)
        for s in statements]})
    return go("PUT", "/%s?policy" % bucket, text.encode())


def tar(*names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            t.addfile(member, io.BytesIO(b"evil"))
    return out.getvalue()


def raw(*pieces):
    """What is answered to these bytes."""
    name, _, port = ask.s3_raw.host.partition(":")
    with socket.create_connection((name, int(port)), timeout=60) as s:
        try:
            for piece in pieces:
                s.sendall(piece)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))
        except (BrokenPipeError, ConnectionResetError):
            return b""


@known("CVE-2025-31489")
def trailer_without_signature():
    a = go("PUT", "/box/t1", b"evil", "unsigned+trailer", before=wrong)
    b = go("PUT", "/box/t1", b"evil", "unsigned+trailer", ("NOBODY", "x"))
    good, seen = refused({403}, a, b)
    return good and not there("/box/t1"), seen


@known("CVE-2026-40344", "GHSA-9c4q-hq6p-c237")
def trailer_without_signature_of_an_archive():
    how = {"x-amz-meta-snowball-auto-extract": "true"}
    both = "?X-Amz-Credential=MAINKEY%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    answers = [go("PUT", "/box/a.tar", tar("t2"), "unsigned+trailer",
                  headers=how, before=wrong),
               go("PUT", "/box/a.tar" + both, tar("t2"), "anonymous",
                  headers=dict(how, **{"x-amz-content-sha256":
                                       ask.PAYLOADS["unsigned+trailer"]})),
               go("PUT", "/box/a.tar" + both, tar("t2"), "unsigned+trailer",
                  headers=how, before=wrong)]
    good, seen = refused({400, 403}, *answers)
    return good and not there("/box/t2"), seen


@known("CVE-2026-97731", "CVE-2026-94368", "CVE-2026-97149")
def headers_that_nobody_signed():
    answers = [go("PUT", "/box/t3", kind=kind, after=unsigned(**{h: v}))
               for kind in ("presigned", "signed", "unsigned")
               for h, v in (("x-amz-copy-source", "/private/secret"),
                            ("X_Amz_Copy_Source", "private/secret"),
                            ("x-amz-acl", "public-read"))]
    # A header of another store's is no copy either.
    other = go("PUT", "/box/t4", kind="presigned",
               after=unsigned(X_Copy_From="/private/secret"))
    good, seen = refused({403}, *answers)
    return (good and not there("/box/t3") and
            data("/box/t4") != b"private", seen + [other.status])


@known("CVE-2026-33322", "CVE-2024-48916")
def tokens_without_a_signature():
    head = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."
    form_ = ("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
             "RoleSessionName=abc&WebIdentityToken=" + head).encode()
    a = raw(b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: "
            b"application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
            % len(form_) + form_)
    b = go("GET", "/private/secret", kind="anonymous",
           after=unsigned(Authorization="Bearer " + head))
    c = go("GET", "/private/secret", who=ALT, headers={
        "x-amz-security-token": head})
    good, seen = refused({400, 403}, b, c)
    return (good and b"AccessKeyId" not in a and
            a[9:12] in (b"400", b"403", b"501"), seen + [a[:300]])


@known("CVE-2026-33419", "GHSA-3p3x")
def unknown_user_or_wrong_secret():
    def answer(who):
        a = go("GET", "/box", who=who)
        return a.status, re.sub(rb"<(RequestId|HostId|AWSAccessKeyId|"
                                rb"SignatureProvided|StringToSign|"
                                rb"StringToSignBytes|CanonicalRequest|"
                                rb"CanonicalRequestBytes)>.*?</\1>", b"",
                                a.body, flags=re.S)
    a, b = answer(("MAINKEY", "no")), answer(("NOBODYS", "no"))
    return a == b and a[0] == 403, (a, b)


@known("GHSA-3rh2-v3gr-35p9")
def headers_that_another_store_believes():
    names = ["x-minio-replication-server-side-encryption-" + n for n in (
        "sealed-key", "seal-algorithm", "iv", "encrypted-multipart")]
    names += ["x-minio-internal-erasure", "x-ec-parity", "ec-wire",
              "x-amz-meta-x-minio-internal-compression"]
    plain, marked = (go("PUT", "/box/t5", b"same", headers=h) for h in (
        {}, dict.fromkeys(names, "1")))
    a = go("GET", "/box/t5")
    head = a.answer.partition(b"\r\n\r\n")[0].lower()
    leaked = [n for n in names[:-1] if n.encode() in head]
    return (plain.status == marked.status == a.status == 200 and
            a.body == b"same" and not leaked, (a.status, leaked))


@known("CVE-2018-1000538", "CVE-2020-12059")
def bodies_are_bounded():
    big = b"<Tagging>" + b"<TagSet>" * 3_000_000
    answers = [go("POST", "/box?delete", big),
               go("PUT", "/box/k?tagging", big),
               go("PUT", "/box?policy", b"[" * 3_000_000),
               go("PUT", "/box/k?tagging", b"<Tagging><TagSet><Tag/>")]
    return refused({400, 413}, *answers)


@known("CVE-2023-28432")
def what_is_not_s3_says_nothing():
    paths = ["/minio/bootstrap/v1/verify", "/minio/admin/v3/info", "/.ec/",
             "/.ec/node/look", "/.ec/drive/append", "/debug/pprof/", "/metrics",
             "/.ec/lock/list", "/ec/metrics", "/minio/v2/metrics/cluster",
             "/.git/config", "/rustfs/rpc/read_file_stream"]
    answers = [types.SimpleNamespace(answer=raw(
        b"%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        b"Content-Length: 0\r\n\r\n" % (m, p.encode())), path=p)
        for p in paths for m in (b"GET", b"POST", b"PUT")]
    bad = [(a.path, a.answer[:200]) for a in answers
           if any(s in a.answer for s in SECRETS) or b"EC_ROOT" in a.answer
           or a.answer[9:12] not in (b"400", b"403", b"404", b"405", b"501")
           or len(a.answer.partition(b"\r\n\r\n")[2]) > 1024]
    return not bad, bad


@known("CVE-2025-68926", "GHSA-h956-rh7x-ppgj", "CVE-2026-72920", "CVE-2026-73080",
       "GHSA-r5qv")
def between_nodes_only_by_the_secret():
    bad = []
    for token in ("rustfs rpc", "ec", "", "Bearer x", "AWS4-HMAC-SHA256 x"):
        for path in ("node/look", "node/iam", "lock/ask", "drive/x/space"):
            a = raw(b"POST /.ec/%s HTTP/1.1\r\nHost: h\r\nEc-Wire: 1\r\n"
                    b"Authorization: %s\r\nEc-Auth: %s\r\nContent-Length: 0\r\n"
                    b"Connection: close\r\n\r\n" % (
                        path.encode(), token.encode(), token.encode()))
            if a[9:12] not in (b"400", b"403", b"404"):
                bad.append((path, token, a[:100]))
    return not bad, bad


@known("CVE-2023-28434", "CVE-2023-43040", "CVE-2026-27607")
def forms_beyond_their_policy():
    wrongs = []
    for name, codes, status, code in form.cases():
        if 200 <= status < 400 or code not in codes:
            wrongs.append((name, status, code))
    return not wrongs and len(form.LIST) > 20, wrongs


@known("CVE-2025-62506", "CVE-2024-55949", "CVE-2022-24842", "CVE-2021-43858")
def a_child_has_no_more_than_its_parent():
    answers = [go("PUT", "/box/child/x", b"evil", who=CHILD),
               go("GET", "/box/k", who=CHILD),
               go("GET", "/private/secret", who=CHILD),
               go("PUT", "/box?policy", b"{}", who=CHILD),
               go("DELETE", "/box/child/mine", who=CHILD)]
    # What would give more: a session, asked for with a policy of everything.
    wide = ("Action=AssumeRole&Version=2011-06-15&RoleSessionName=abc&RoleArn="
            "arn:aws:iam::000000000000:user/main&Policy=" +
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22"
            "Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22"
            "Resource%22%3A%22%2A%22%7D%7D").encode()
    a = ask.Ask(types.SimpleNamespace(
        method="POST", target="/", body=wide, service="sts", headers={
            "content-type": "application/x-www-form-urlencoded"}), "signed")
    a.user, a.secret = CHILD
    _, _, text = a.ask()
    key, secret, token = (
        text.partition(b"<%s>" % n)[2].partition(b"<")[0].decode()
        for n in (b"AccessKeyId", b"SecretAccessKey", b"SessionToken"))
    if token:
        how = {"x-amz-security-token": token}
        answers += [go("GET", "/private/secret", who=(key, secret),
                       headers=how),
                    go("PUT", "/box/child/x", b"evil", who=(key, secret),
                       headers=how)]
    mine = go("GET", "/box/child/mine", who=CHILD)
    good, seen = refused({403}, *answers)
    return good and mine.status == 200, seen + [mine.status]


@known("CVE-2022-35919", "CVE-2021-21287")
def nothing_is_fetched_for_a_client():
    for host in ("169.254.169.254", "localhost:1", "[::1]:22"):
        go("GET", "/box/k", after=lambda a, h=host: a.headers.update(host=h))
    a = go("PUT", "/box/t6", headers={
        "x-amz-copy-source": "http://127.0.0.1:1/latest/meta-data"})
    b = go("PUT", "/box/t6", headers={"x-amz-copy-source": "/etc/passwd"})
    good, seen = refused({400, 403, 404}, a, b)
    return good and b"root:" not in a.answer + b.answer, seen


@known("CVE-2025-68705", "CVE-2026-54917", "CVE-2026-42882",
       "GHSA-pq29")
def names_are_no_paths():
    ways = ["..", "%2e%2e", "%252e%252e", "..%5c..", "%2e%2e%2f%2e%2e", "..;",
            "%c0%ae%c0%ae", "%00", "a/%2e%2e/..", "//.."]
    bad = []
    for w in ways:
        for target in ("/box/%s/private/secret", "/box/a/%s/%s/private/secret"):
            target = target.replace("%s", w)
            for who in (CHILD, ALT):
                a = go("GET", target, who=who)
                if a.status == 200 or b"private" == a.body:
                    bad.append((target, a.status))
            go("PUT", target, b"evil")
    return not bad and data("/private/secret") == b"private", bad


@known("CVE-2025-68705 in archives", "GHSA-8r6f")
def names_in_archives_are_no_paths():
    names = ["../private/secret", "/private/secret", "a/../../private/secret",
             "..\\private\\secret", "/etc/cron.d/evil"]
    go("PUT", "/box/a.tar", tar(*names), headers={
        "x-amz-meta-snowball-auto-extract": "true"})
    return (data("/private/secret") == b"private" and
            not os.path.exists("/etc/cron.d/evil"), "")


@known("CVE-2026-21862")
def an_address_that_a_header_claims():
    policy("open", {"Action": "s3:GetObject", "Condition": {
        "IpAddress": {"aws:SourceIp": "10.9.8.7/32"}}})
    claim = dict.fromkeys(("X_Forwarded_For", "X_Real_IP", "Forwarded",
                           "CF_Connecting_IP", "True_Client_IP"), "10.9.8.7")
    a = go("GET", "/open/k", kind="anonymous", after=unsigned(**claim))
    return refused({403}, a)


@known("GHSA-6r96", "GHSA-v9cp", "GHSA-mx42")
def conditions_that_headers_claim():
    policy("open", {"Action": "s3:GetObject", "Condition": {
        "StringEquals": {"aws:username": "boss"}}},
        {"Action": "s3:GetObject", "Condition": {
            "Bool": {"aws:SecureTransport": "true"}}},
        {"Action": "s3:GetObject", "Condition": {"ForAllValues:StringEquals": {
            "s3:RequestObjectTagKeys": "x"}, "Null": {"aws:userid": "false"},
            "StringEquals": {"aws:PrincipalTag/team": "red"}}})
    claim = {"aws_username": "boss", "username": "boss", "userid": "boss",
             "X_Forwarded_Proto": "https", "SecureTransport": "true",
             "PrincipalTag/team": "red"}
    answers = [go("GET", "/open/k", kind="anonymous",
                  after=unsigned(**claim)),
               go("GET", "/open/k", who=ALT, headers=claim)]
    return refused({400, 403}, *answers)


@known("GHSA-3ppv", "GHSA-x298")
def versions_and_sources_are_judged_by_themselves():
    go("PUT", "/open?versioning", (
        "<VersioningConfiguration xmlns='%s'><Status>Enabled</Status>"
        "</VersioningConfiguration>" % XML).encode())
    old = go("PUT", "/open/v", b"old")
    version = re.search(rb"(?i)x-amz-version-id: (\S+)", old.answer)[1].decode()
    policy("open", {"Action": "s3:GetObject"})
    now = go("GET", "/open/v", kind="anonymous")
    a = go("GET", "/open/v?versionId=" + version, kind="anonymous")
    start = go("POST", "/alts/up?uploads", who=ALT)
    upload = start.body.partition(b"<UploadId>")[2].partition(b"<")[0].decode()
    part = "/alts/up?partNumber=1&uploadId=" + upload
    b = go("PUT", part, who=ALT, headers={
        "x-amz-copy-source": "/private/secret"})
    c = go("PUT", part, who=ALT, headers={
        "x-amz-copy-source": "/open/v?versionId=" + version})
    good, seen = refused({403}, a, b, c)
    return good and now.status == 200, seen + [now.status, upload]


@known("GHSA-xrrf")
def no_encryption_is_promised():
    answers = [go("PUT", "/box/t7", b"plain", headers=h) for h in (
        {"x-amz-server-side-encryption": "AES256"},
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption-customer-algorithm": "AES256",
         "x-amz-server-side-encryption-customer-key": "x"})]
    answers += [go("PUT", "/box?encryption", b"<x/>")]
    good, seen = refused({400, 501}, *answers)
    return good and not there("/box/t7"), seen


@known("CVE-2020-10753", "CVE-2021-3524")
def no_header_is_made_by_a_client():
    cors = ("<CORSConfiguration xmlns='%s'><CORSRule><AllowedOrigin>*"
            "</AllowedOrigin><AllowedMethod>GET</AllowedMethod><ExposeHeader>"
            "x&#13;&#10;Evil: 1</ExposeHeader></CORSRule></CORSConfiguration>"
            % XML).encode()
    go("PUT", "/box?cors", cors)
    answers = [go("GET", "/box/k", headers={"origin": "http://x"})]
    answers += [go("GET", "/box/k?response-%s=a%%0d%%0aEvil:%%201" % what)
                for what in ("content-type", "content-disposition", "expires",
                             "cache-control", "content-language")]
    go("PUT", "/box/t8", b"x", headers={"x-amz-meta-a": "b\\r\\nEvil: 1"})
    answers += [go("GET", "/box/t8"), go("GET", "/nobucket%0d%0aEvil:1")]
    bad = [a.answer[:300] for a in answers if
           b"\nevil:" in a.answer.partition(b"\r\n\r\n")[0].lower()]
    return not bad, bad


@known("CVE-2022-3854", "CVE-2019-10222", "CVE-2019-19337", "CVE-2021-3531")
def requests_that_ended_others():
    whole = (b"PUT /box/t9?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
             b"Expect: 100-continue\r\nx-amz-date: 1\r\n\r\nab")
    for n in range(len(whole)):
        raw(whole[:n])
    for odd in (b"GET  HTTP/1.1\r\nHost: h\r\n\r\n", b"GET // HTTP/1.1\r\nHost:"
                b" h\r\n\r\n", b"GET /box//?acl HTTP/1.1\r\nHost: h\r\n\r\n",
                b"PUT /box/x HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
                b"PUT /box/x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
                b"GET /%. HTTP/1.1\r\nHost: h\r\n\r\n"):
        raw(odd)
    # copy sources and long names (crashes of another store)
    for source in ("", "/", "%", "%.", "/box", "/box/", "//", "?", "/b/%00",
                   "/box/k?versionId", "a" * 4000):
        go("PUT", "/box/t9", headers={"x-amz-copy-source": source})
    go("GET", "/" + "n" * 7000)
    return there("/box/k") and not there("/box/t9"), ""


@known("CVE-2016-7031")
def authenticated_is_not_everybody():
    go("PUT", "/open?acl", headers={"x-amz-acl": "authenticated-read"})
    a = go("GET", "/open", kind="anonymous")
    b = go("GET", "/open", who=ALT)
    go("PUT", "/open?acl", headers={"x-amz-acl": "private"})
    good, seen = refused({403}, a)
    return good and b.status == 200, seen + [b.status]


@known("CVE-2026-58372")
def names_in_a_body_are_no_paths():
    keys = ["../private/secret", "/../private/secret", "a/../../private/secret",
            "..%2fprivate%2fsecret", "\\..\\private\\secret"]
    body = "<Delete xmlns='%s'>%s</Delete>" % (XML, "".join(
        "<Object><Key>%s</Key></Object>" % k for k in keys))
    a = go("POST", "/box?delete", body.encode(), headers={
        "x-amz-checksum-crc32": ask.s3_raw.crc32(body.encode())})
    return (a.status in (200, 400) and
            data("/private/secret") == b"private", (a.status, a.body[:300]))


@known("CVE-2022-47950", "CVE-2025-27136")
def no_file_comes_through_xml():
    doctype = (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM "
               b"'file:///etc/passwd'><!ENTITY %s SYSTEM 'http://127.0.0.1:1/'>"
               b"]>" % b"p")
    answers = [go(method, target, doctype + inner) for method, target, inner in (
        ("PUT", "/newbox", b"<CreateBucketConfiguration><LocationConstraint>"
         b"&e;</LocationConstraint></CreateBucketConfiguration>"),
        ("PUT", "/box?acl", b"<AccessControlPolicy><Owner><ID>&e;</ID></Owner>"
         b"</AccessControlPolicy>"),
        ("PUT", "/box?tagging", b"<Tagging><TagSet><Tag><Key>k</Key><Value>&e;"
         b"</Value></Tag></TagSet></Tagging>"),
        ("PUT", "/box/k?tagging", b"<Tagging><TagSet><Tag><Key>k</Key><Value>"
         b"&e;</Value></Tag></TagSet></Tagging>"),
        ("PUT", "/box?cors", b"<CORSConfiguration><CORSRule><AllowedOrigin>&e;"
         b"</AllowedOrigin></CORSRule></CORSConfiguration>"),
        ("PUT", "/box?versioning", b"<VersioningConfiguration><Status>&e;"
         b"</Status></VersioningConfiguration>"),
        ("POST", "/box?delete", b"<Delete><Object><Key>&e;</Key></Object>"
         b"</Delete>"))]
    good, seen = refused({400}, *answers)
    return good and not any(b"root:" in a.answer for a in answers), seen


def prepare():
    for target, body, who in (
            ("/box", b"", MAIN), ("/box/k", b"what was there", MAIN),
            ("/box/child/mine", b"mine", MAIN), ("/private", b"", MAIN),
            ("/private/secret", b"private", MAIN), ("/open", b"", MAIN),
            ("/open/k", b"open", MAIN), ("/alts", b"", ALT)):
        a = go("PUT", target, body, who=who)
        if a.status != 200:
            sys.exit("%s: %s" % (target, a.answer))
    go("PUT", "/open?ownershipControls", (
        "<OwnershipControls xmlns='%s'><Rule><ObjectOwnership>ObjectWriter"
        "</ObjectOwnership></Rule></OwnershipControls>" % XML).encode())
    go("DELETE", "/open?publicAccessBlock")


def main():
    prepare()
    for name, check in CHECKS:
        good, seen = check()
        ask.s3_raw.result(good, "%s: %s" % (
            name, check.__name__.replace("_", " ")), seen)
    ask.s3_raw.result(data("/box/k") == b"what was there" and
                      data("/private/secret") == b"private",
                      "what was there before is as it was")
    print("1..%d" % ask.s3_raw.count)
    print("# %d advisories of other stores" % sum(
        len(name.split(", ")) for name, _ in CHECKS))
    sys.exit(ask.s3_raw.failed > 0)


main()
