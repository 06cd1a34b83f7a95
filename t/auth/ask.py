"""ask: a request of one operation in one form of authentication, good until
something changes it before or after it is signed."""

import base64
import datetime
import hashlib
import hmac
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../lib"))
import s3_raw
import sigv4

CRC = "x-amz-checksum-crc32"
PAYLOADS = {
    "signed": None,
    "unsigned": "UNSIGNED-PAYLOAD",
    "chunks": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "chunks+trailer": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "unsigned+trailer": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "presigned": "UNSIGNED-PAYLOAD",
}
CHUNKED = ("chunks", "chunks+trailer", "unsigned+trailer")
SIGNED = tuple(PAYLOADS)
OTHER_FORMS = ("v2", "v2-query", "anonymous")


class Ask(s3_raw.Request):
    def __init__(self, op, form):
        self.op, self.form = op, form
        self.data = op.body or b""
        payload = PAYLOADS.get(form, "UNSIGNED-PAYLOAD") or hashlib.sha256(
            self.data).hexdigest()
        super().__init__(op.method, op.target, payload, op.headers)
        self.user, self.secret = s3_raw.user, s3_raw.secret
        self.region, self.service = s3_raw.region, op.service
        self.expires = 300
        self.spoil = None	# the chunk with a bad signature, or "trailer"
        self.checksum = s3_raw.crc32(self.data)
        self.done = False
        if form in CHUNKED:
            self.headers["x-amz-decoded-content-length"] = str(len(self.data))
        if form.endswith("+trailer"):
            self.headers["x-amz-trailer"] = CRC
        if form not in SIGNED or form == "presigned":
            del self.headers["x-amz-content-sha256"]
            del self.headers["x-amz-date"]

    def at(self, seconds):
        """Signed so much later than now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        self.date = (now + datetime.timedelta(seconds=seconds)).strftime(
            "%Y%m%dT%H%M%SZ")
        if "x-amz-date" in self.headers:
            self.headers["x-amz-date"] = self.date

    def add(self, parameter):
        self.path += ("&" if "?" in self.path else "?") + parameter

    def sub(self, old, new):
        """Change what says who asks, wherever it stands."""
        if self.form == "presigned":
            self.path = self.path.replace(old, new)
        else:
            self.unsigned["Authorization"] = self.unsigned[
                "Authorization"].replace(old, new)

    def sign(self):
        if not self.done:
            self.done = True
            {"presigned": self.sign_query, "v2": self.sign_v2,
             "v2-query": self.sign_v2_query, "anonymous": lambda: None}.get(
                 self.form, self.sign_header)()
            self.pack()

    def signature_of(self):
        self.scope = sigv4.scope(self.date, self.region, self.service)
        self.key = sigv4.signing_key(self.secret, self.date, self.region,
                                     self.service)
        self.signature = sigv4.sign(
            self.key, self.region, self.method, self.path, self.headers,
            self.payload, self.date, self.service)
        return self.signature

    def sign_header(self):
        self.unsigned["Authorization"] = sigv4.authorization(
            self.user, self.region, self.headers, self.signature_of(),
            self.date, self.service)

    def sign_query(self):
        scope = sigv4.scope(self.date, self.region, self.service)
        self.add("X-Amz-Algorithm=AWS4-HMAC-SHA256&" + urllib.parse.urlencode({
            "X-Amz-Credential": self.user + "/" + scope,
            "X-Amz-Date": self.date, "X-Amz-Expires": self.expires,
            "X-Amz-SignedHeaders": ";".join(sorted(self.headers))}))
        self.add("X-Amz-Signature=" + self.signature_of())

    def v2(self, date):
        headers = "".join("%s:%s\n" % h for h in sorted(self.headers.items())
                          if h[0].startswith("x-amz-"))
        text = "%s\n%s\n\n%s\n%s%s" % (
            self.method, self.headers.get("content-md5", ""), date, headers,
            self.path)
        return base64.b64encode(hmac.new(
            self.secret.encode(), text.encode(), hashlib.sha1).digest()
            ).decode()

    def sign_v2(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        date = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        self.unsigned["Date"] = date
        self.unsigned["Authorization"] = "AWS %s:%s" % (self.user,
                                                        self.v2(date))

    def sign_v2_query(self):
        until = str(int(datetime.datetime.now().timestamp()) + 300)
        self.add(urllib.parse.urlencode({
            "AWSAccessKeyId": self.user, "Expires": until,
            "Signature": self.v2(until)}))

    def pack(self):
        """Make the body, as this form has it."""
        if self.form not in CHUNKED:
            self.body = self.data
            return
        self.body, previous = b"", self.signature
        signed = self.form != "unsigned+trailer"
        pieces = [self.data[:3], self.data[3:], b""] if self.data else [b""]
        for n, data in enumerate(pieces):
            line = "%x" % len(data)
            if signed:
                previous = self.chunk(data, previous)
                if self.spoil == n - len(pieces):
                    previous = "0" * 64
                line += ";chunk-signature=" + previous
            self.body += line.encode() + b"\r\n"
            if data:
                self.body += data + b"\r\n"
        if self.form != "chunks":
            line = "%s:%s" % (CRC, self.checksum)
            self.body += line.encode() + b"\r\n"
            if signed:
                s = "0" * 64 if self.spoil == "trailer" else self.trailer(
                    line + "\n", previous)
                self.body += b"x-amz-trailer-signature:" + s.encode() + b"\r\n"
        self.body += b"\r\n"

    def ask(self):
        """(status, code, answer's body)"""
        self.sign()
        status, body, _ = self.send(self.body)
        if b"<DeleteResult" in body and b"<Deleted>" not in body:
            status = 403	# it says for each object whether it went
        return status, code_of(body), body


def code_of(body):
    return body.partition(b"<Code>")[2].partition(b"<")[0].decode()
