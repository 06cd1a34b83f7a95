"""form: uploads by POST form, good and wrong in each way."""

import base64
import datetime
import json

import ask
import sigv4

BOUNDARY = "form-of-the-matrix"
BAD = {"SignatureDoesNotMatch"}
DENIED = {"AccessDenied"}


class Form:
    def __init__(self):
        self.user, self.secret = ask.s3_raw.user, ask.s3_raw.secret
        self.region, self.service = ask.s3_raw.region, "s3"
        now = datetime.datetime.now(datetime.timezone.utc)
        self.date = now.strftime("%Y%m%dT%H%M%SZ")
        self.until = now + datetime.timedelta(minutes=5)
        self.bucket, self.extra = "box", {}
        self.fields = {}
        self.data = b"x" * 10

    def sign(self):
        f = self.fields = {
            "key": "posted", "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-date": self.date, "x-amz-credential": "%s/%s" % (
                self.user, sigv4.scope(self.date, self.region, self.service))}
        f.update(self.extra)
        policy = {"expiration": self.until.strftime("%Y-%m-%dT%H:%M:%SZ"),
                  "conditions": [{"bucket": self.bucket},
                                 ["content-length-range", 1, 10]] +
                  [{k: v} for k, v in f.items()]}
        f["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
        f["x-amz-signature"] = sigv4.mac(sigv4.signing_key(
            self.secret, self.date, self.region, self.service),
            f["policy"]).hex()

    def post(self):
        """(status, code)"""
        lines = "".join(
            "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
            % (BOUNDARY, k, v) for k, v in self.fields.items())
        lines += ("--%s\r\nContent-Disposition: form-data; name=\"file\"; "
                  "filename=\"f\"\r\n\r\n" % BOUNDARY)
        r = Plain("POST", "/box", headers={
            "content-type": "multipart/form-data; boundary=" + BOUNDARY})
        status, body, _ = r.send(lines.encode() + self.data +
                                 ("\r\n--%s--\r\n" % BOUNDARY).encode())
        return status, ask.code_of(body)


class Plain(ask.s3_raw.Request):
    def sign(self):
        self.headers = {k: v for k, v in self.headers.items()
                        if not k.startswith("x-amz-")}


def put(name, value):
    return lambda f: setattr(f, name, value)


def field(name, value):
    def step(f):
        if value is None:
            f.fields.pop(name)
        else:
            f.fields[name] = value
    return step


def flip(name, at):
    """Another character in a field."""
    def step(f):
        v = f.fields[name]
        f.fields[name] = v[:at] + ("0" if v[at] != "0" else "1") + v[at + 1:]
    return step


# (name, codes, before it is signed, after)
LIST = [
    ("another secret", BAD, put("secret", "x"), None),
    ("another user's key", BAD, put("user", "OTHERKEY"), None),
    ("a key of nobody", BAD, put("user", "NOBODYSKEY"), None),
    ("another region", BAD, put("region", "eu-west-1"), None),
    ("another service", BAD, put("service", "sts"), None),
    ("another bucket", DENIED, put("bucket", "boxes"), None),
    ("run out", DENIED, put("until", datetime.datetime(2020, 1, 1)), None),
    ("another signature", BAD, None, flip("x-amz-signature", 5)),
    ("an empty signature", BAD, None, field("x-amz-signature", "")),
    ("no signature", {"InvalidArgument"} | DENIED, None,
     field("x-amz-signature", None)),
    ("another policy", BAD, None, flip("policy", 40)),
    ("an empty policy", BAD | {"InvalidPolicyDocument"}, None,
     field("policy", "")),
    ("no policy", DENIED, None, field("policy", None)),
    ("no credential", BAD, None, field("x-amz-credential", None)),
    ("no date", BAD, None, field("x-amz-date", None)),
    ("another date", BAD, None, field("x-amz-date", "20130524T000000Z")),
    ("an unknown algorithm", BAD, None, field("x-amz-algorithm", "none")),
    ("no algorithm", BAD, None, field("x-amz-algorithm", None)),
    ("another key", DENIED, None, field("key", "k")),
    ("an acl more", DENIED, None, field("acl", "public-read")),
    ("metadata more", DENIED, None, field("x-amz-meta-x", "1")),
    ("a tag more", DENIED, None, field("tagging", "<Tagging/>")),
    ("a token more", BAD | {"InvalidToken"} | DENIED, None,
     field("x-amz-security-token", "abc")),
    ("a redirect more", DENIED, None,
     field("success_action_redirect", "http://other/")),
    ("too long", {"EntityTooLarge"}, put("data", b"x" * 11), None),
    ("too short", {"EntityTooSmall"}, put("data", b""), None),
]


def cases():
    """(name, codes, status, code) of each form that must be refused."""
    for name, codes, before, after in LIST:
        f = Form()
        if before:
            before(f)
        f.sign()
        if after:
            after(f)
        yield (name, codes) + f.post()
    yield ("nobody", DENIED) + nobody()


def nobody():
    f = Form()
    f.fields = {"key": "posted"}
    return f.post()


def good():
    """The same without a change, to see that it passes."""
    f = Form()
    f.sign()
    status, code = f.post()
    return [] if 200 <= status < 300 or code == "NoSuchBucket" else [
        ("form", status, code)]
