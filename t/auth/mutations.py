"""mutations: each way to make a good request one that must be refused, and
the codes that say why."""

from ask import CHUNKED, OTHER_FORMS, SIGNED

HEADER = tuple(f for f in SIGNED if f != "presigned")
PRESIGNED = ("presigned",)
BAD = {"SignatureDoesNotMatch"}
DENIED = {"AccessDenied"}
SCOPE = {"AuthorizationHeaderMalformed", "AuthorizationQueryParametersError"}
OTHER_METHOD = {"GET": "PUT", "HEAD": "DELETE", "PUT": "DELETE",
                "POST": "PUT", "DELETE": "PUT"}
# Headers that change what is done, had they been overlooked.
EVIL = {
    "x-amz-copy-source": "/box/k",
    "x-amz-copy-source-range": "bytes=0-1",
    "x-amz-acl": "public-read-write",
    "x-amz-grant-full-control": "uri=http://acs.amazonaws.com/groups/global/"
                                "AllUsers",
    "x-amz-meta-x": "1",
    "x-amz-tagging": "a=b",
    "x-amz-metadata-directive": "REPLACE",
    "x-amz-bypass-governance-retention": "true",
    "x-amz-object-lock-legal-hold": "ON",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-rename-source": "/box/k",
    "x-amz-unknown": "1",
}
LIST = []	# (name, forms, codes, before it is signed, after, of what ops)


def add(name, forms, codes, before=None, after=None, ops=None):
    LIST.append((name, forms, codes, before, after, ops))


def put(name, *values):
    """A step that sets attributes."""
    def step(ask):
        setattr(ask, name, *values)
    return step


def header(name, value):
    def step(ask):
        ask.unsigned[name] = value
    return step


def unsign(name):
    """Sent, and not signed."""
    def step(ask):
        if name == "host" and ask.form == "presigned":
            ask.headers["x-amz-meta-a"] = "1"
        ask.unsigned[name.title()] = ask.headers.pop(name)
    return step


def alter(name, value):
    """Signed with another value."""
    def step(ask):
        ask.headers[name] = value
    return step


def drop(name):
    def step(ask):
        ask.headers.pop(name)
    return step


def sub(old, new):
    return lambda ask: ask.sub(old, new)


def last_digit(ask):
    s = ask.signature
    ask.sub(s, s[:-1] + ("1" if s[-1] == "0" else "0"))


def other_path(ask):
    path, mark, query = ask.path.partition("?")
    ask.path = (path + "x" if len(path) > 1 else "/box") + mark + query


def other_method(ask):
    ask.method = OTHER_METHOD[ask.method]


def forget(ask):
    if ask.form == "presigned":
        ask.path = ask.op.target
    else:
        ask.unsigned.pop("Authorization")


def reads(op):
    return op.body is not None


def streams(op):
    """STS wants the hash of the whole form."""
    return reads(op) and op.service == "s3"


def body(change):
    def step(ask):
        ask.body = change(ask.body)
    return step


def data_changed(ask):
    ask.body = ask.body.replace(ask.data[3:], ask.data[3:-1] + b" ")


def everywhere():
    add("another secret", SIGNED, BAD,
        before=lambda a: put("secret", a.secret + "x")(a))
    add("an empty secret", SIGNED, BAD, before=put("secret", ""))
    add("another user's key", SIGNED, BAD, before=put("user", "OTHERKEY"))
    add("a key of nobody", SIGNED, BAD, before=put("user", "NOBODYSKEY"))
    add("another region", SIGNED, SCOPE, before=put("region", "eu-west-1"))
    add("another service", SIGNED, SCOPE, before=put("service", "ec2"))
    add("no terminator", SIGNED, SCOPE, after=sub("aws4_request",
                                                  "aws5_request"))
    add("another day", SIGNED, SCOPE, after=lambda a: a.sub(
        a.date[:8] + ("%2F" if a.form == "presigned" else "/"),
        "20130524" + ("%2F" if a.form == "presigned" else "/")))
    add("late", HEADER, {"RequestTimeTooSkewed"},
        before=lambda a: a.at(-16 * 60))
    add("early", SIGNED, {"RequestTimeTooSkewed"} | DENIED,
        before=lambda a: a.at(16 * 60))
    add("Host not signed", SIGNED, DENIED, before=unsign("host"))
    add("another Host", SIGNED, BAD, after=alter("host", "localhost:9000"))
    add("another signature", SIGNED, BAD, after=last_digit)
    add("an empty signature", SIGNED, BAD, after=lambda a: a.sub(
        a.signature, ""))
    add("half a signature", SIGNED, BAD, after=lambda a: a.sub(
        a.signature, a.signature[:32]))
    add("a longer signature", SIGNED, BAD, after=lambda a: a.sub(
        a.signature, a.signature + "0"))
    add("no signature", SIGNED, SCOPE, after=lambda a: a.sub(
        "Signature=" + a.signature, "Signatur=" + a.signature))
    add("no credential", SIGNED, SCOPE, after=sub("Credential=", "Credentia="))
    add("no list of headers", SIGNED, SCOPE, after=sub("SignedHeaders=",
                                                       "SignedHeader="))
    add("an unknown algorithm", SIGNED, SCOPE, after=sub(
        "HMAC-SHA256", "HMAC-SHA1"))
    add("no algorithm", SIGNED, SCOPE | DENIED, after=sub("AWS4-HMAC-SHA256",
                                                          "none"))
    add("SigV4a", SIGNED, {"NotImplemented"}, after=sub("AWS4-HMAC-SHA256",
                                                        "AWS4-ECDSA-P256"))
    add("a parameter more", SIGNED, BAD, after=lambda a: a.add("versionId="
                                                               "null"))
    add("another path", SIGNED, BAD | SCOPE, after=other_path)
    add("another method", SIGNED, BAD | SCOPE, after=other_method)
    add("nobody's", SIGNED, DENIED, after=forget)
    for name, value in EVIL.items():
        add(name + " not signed", SIGNED, DENIED, after=header(name, value),
            ops=lambda op, n=name: n not in op.headers)
    add("a token not signed", SIGNED, {"InvalidToken"},
        after=header("x-amz-security-token", "abc"))


def in_headers():
    add("another date", HEADER, BAD, after=lambda a: alter(
        "x-amz-date", a.date[:-2] + ("1Z" if a.date[-2] == "0" else "0Z"))(a))
    add("no date", HEADER, BAD | DENIED, after=drop("x-amz-date"))
    add("date not signed", HEADER, DENIED, before=unsign("x-amz-date"))
    add("payload not signed", HEADER, DENIED,
        before=unsign("x-amz-content-sha256"))
    for kind in ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                 "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64):
        add("payload said to be " + kind[:40],
            tuple(f for f in HEADER if f != {
                "UNSIGNED-PAYLOAD": "unsigned",
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER": "unsigned+trailer",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": "chunks"}.get(kind)),
            BAD, after=alter("x-amz-content-sha256", kind))
    add("a payload of no kind", HEADER, {"InvalidArgument"} | BAD,
        before=lambda a: (put("payload", "NONE")(a),
                          alter("x-amz-content-sha256", "NONE")(a)))
    add("credentials in two places", HEADER, {"InvalidArgument"},
        after=lambda a: a.add("X-Amz-Algorithm=AWS4-HMAC-SHA256"))
    add("SigV2 in the query too", HEADER, {"InvalidArgument"},
        after=lambda a: a.add("AWSAccessKeyId=" + a.user))
    add("Authorization twice", HEADER, {
        "InvalidArgument", "InvalidRequest", "BadRequest", ""} | SCOPE,
        after=lambda a: header("AUTHORIZATION",
                               a.unsigned["Authorization"])(a))
    add("Authorization empty", HEADER, DENIED, after=header(
        "Authorization", ""))


def in_query():
    add("run out", PRESIGNED, DENIED, before=lambda a: a.at(-301))
    add("run out at once", PRESIGNED, DENIED, before=lambda a: (
        put("expires", 0)(a), a.at(-2)))
    for seconds in (7 * 86400 + 1, -1, "x", 2**64):
        add("expires in %s" % seconds, PRESIGNED, SCOPE,
            before=put("expires", seconds))
    add("prolonged", PRESIGNED, BAD, after=sub("Expires=300", "Expires=3000"))
    add("no date", PRESIGNED, SCOPE, after=sub("X-Amz-Date", "X-Amz-Dat"))
    add("no end", PRESIGNED, SCOPE, after=sub("X-Amz-Expires", "X-Amz-End"))
    add("another date", PRESIGNED, BAD | SCOPE, after=lambda a: a.sub(
        a.date, a.date[:-2] + ("1Z" if a.date[-2] == "0" else "0Z")))
    add("a signature twice", PRESIGNED, SCOPE, after=lambda a: a.add(
        "X-Amz-Signature=" + a.signature))
    add("a token not signed in the query", PRESIGNED, {"InvalidToken"},
        after=lambda a: a.add("X-Amz-Security-Token=abc"))
    add("credentials in two places", PRESIGNED, {"InvalidArgument"},
        after=header("Authorization", "AWS4-HMAC-SHA256 Credential=a"))
    add("a payload hash not signed", PRESIGNED, DENIED,
        after=header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"))
    add("a payload hash in the query", PRESIGNED, BAD,
        after=lambda a: a.add("X-Amz-Content-Sha256=" + "0" * 64))


def bodies():
    mismatch = {"XAmzContentSHA256Mismatch", "BadDigest"} | BAD
    cut = {"IncompleteBody", "MalformedTrailerError"} | BAD
    for name, change in {
            "changed": lambda b: b[:-1] + b" ", "shorter": lambda b: b[:-1],
            "longer": lambda b: b + b" ", "none": lambda b: b""}.items():
        add("body " + name, ("signed",), mismatch, after=body(change),
            ops=reads)
    add("a chunk changed", CHUNKED, BAD | {"BadDigest"}, after=data_changed,
        ops=streams)
    add("chunks cut", CHUNKED, cut, after=body(lambda b: b[:len(b) // 2]),
        ops=streams)
    add("chunks cut at the end", CHUNKED, cut, ops=streams,
        after=body(lambda b: b[:b.rindex(b"\r\n0") + 2]))
    add("something behind", CHUNKED, cut, after=body(lambda b: b + b"0\r\n"),
        ops=streams)
    add("another decoded length", CHUNKED, BAD, after=alter(
        "x-amz-decoded-content-length", "1"))
    for n in (-3, -2, -1):
        add("chunk %d from the end" % -n, CHUNKED[:2], BAD,
            before=put("spoil", n), ops=streams)
    add("no chunk signature", CHUNKED[:2], BAD, ops=streams,
        after=body(lambda b: b.replace(b"chunk-signature", b"x")))
    add("the trailer's signature", CHUNKED[1:2], BAD,
        before=put("spoil", "trailer"), ops=streams)
    add("no trailer signature", CHUNKED[1:2], cut, ops=streams,
        after=body(lambda b: b[:b.index(b"x-amz-trailer-sig")] + b"\r\n"))
    add("the trailer changed", CHUNKED[1:], BAD | {"BadDigest"},
        ops=streams, after=lambda a: body(lambda b: b.replace(
            a.checksum.encode(), b"AAAAAA=="))(a))
    add("no trailer", CHUNKED[1:], cut | {"InvalidRequest"}, ops=streams,
        after=lambda a: body(lambda b: b[:b.index(b"x-amz-checksum")] +
                             b"\r\n")(a))


def others():
    v2 = OTHER_FORMS[:2]
    anonymous = OTHER_FORMS[2:]
    add("off by default", v2, {"InvalidRequest"})
    add("another secret", v2, {"InvalidRequest"}, before=put("secret", "x"))
    add("another user's key", v2, {"InvalidRequest"},
        before=put("user", "OTHERKEY"))
    for name, value in EVIL.items():
        add(name, anonymous + v2, DENIED | {"InvalidRequest"},
            after=header(name, value))
    add("nobody", anonymous, DENIED)
    add("Authorization empty", anonymous, DENIED,
        after=header("Authorization", ""))
    add("Authorization of no kind", anonymous, SCOPE,
        after=header("Authorization", "Basic YTpi"))
    add("a token alone", anonymous, DENIED,
        after=header("x-amz-security-token", "abc"))
    for kind in ("STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                 "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "UNSIGNED-PAYLOAD"):
        add(kind, anonymous, DENIED, after=header("x-amz-content-sha256",
                                                  kind))


for part in (everywhere, in_headers, in_query, bodies, others):
    part()
