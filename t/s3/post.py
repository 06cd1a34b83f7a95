"""Uploads by browsers' forms."""

import base64
import datetime
import hashlib
import hmac
import json
import os

from s3_conformance import data, endpoint, get, http, s3, test


def send(b, fields, body, filename="f.txt", boundary="boundary"):
    """(status, body, headers) of a form."""
    out = b""
    for name, value in fields.items():
        out += ("--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n"
                "%s\r\n" % (boundary, name, value)).encode()
    if body is not None:
        out += ("--%s\r\nContent-Disposition: form-data; name=\"file\"; "
                "filename=\"%s\"\r\nContent-Type: text/plain\r\n\r\n" %
                (boundary, filename)).encode() + body + b"\r\n"
    out += ("--%s--\r\n" % boundary).encode()
    return http("POST", endpoint + "/" + b, out, {
        "Content-Type": "multipart/form-data; boundary=" + boundary})


def form(b, key, fields=None, conditions=None, expires=600):
    f = s3.generate_presigned_post(b, key, Fields=fields or {},
                                   Conditions=conditions or [],
                                   ExpiresIn=expires)
    return f["fields"]


@test
def post_form(b):
    for size in [0, 1, 100, 65536, 1048576, 3000000]:
        status, _, h = send(b, form(b, "k"), data(size))
        assert status == 204 and get(b, "k") == data(size)
        assert h["ETag"] == '"%s"' % hashlib.md5(data(size)).hexdigest()
    tricky = b"\r\n--boundar\r\n--\r\n\r\n--bound" * 100
    assert send(b, form(b, "k"), tricky)[0] == 204
    assert get(b, "k") == tricky
    assert send(b, form(b, "up/${filename}"), b"x", "ä.txt")[0] == 204
    assert get(b, "up/ä.txt") == b"x"


@test
def post_fields(b):
    extra = {"Content-Type": "text/x", "x-amz-meta-a": "1",
             "Cache-Control": "no-store"}
    conditions = [{"Content-Type": "text/x"},
                  ["starts-with", "$x-amz-meta-a", ""],
                  ["eq", "$Cache-Control", "no-store"]]
    assert send(b, form(b, "k", extra, conditions), b"x")[0] == 204
    h = s3.head_object(Bucket=b, Key="k")
    assert h["ContentType"] == "text/x" and h["Metadata"] == {"a": "1"}
    assert h["CacheControl"] == "no-store"
    tags = ("<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag>"
            "</TagSet></Tagging>")
    assert send(b, form(b, "t", {"tagging": tags}, [{"tagging": tags}]),
                b"x")[0] == 204
    assert s3.get_object_tagging(Bucket=b, Key="t")["TagSet"] == [
        {"Key": "a", "Value": "b"}]
    s = {"success_action_status": "201"}
    status, body, _ = send(b, form(b, "k", s, [s]), b"x")
    assert status == 201 and b"<Key>k</Key>" in body
    assert send(b, dict(form(b, "k"), **{"x-ignore-this": "1"}),
                b"x")[0] == 204


@test
def post_refused(b):
    def refused(status, code, fields, body=b"x"):
        got, text, _ = send(b, fields, body)
        assert got == status and code.encode() in text, (got, text)
    refused(403, "AccessDenied", {"key": "k"})
    refused(403, "SignatureDoesNotMatch",
            dict(form(b, "k"), **{"x-amz-signature": "0" * 64}))
    refused(403, "AccessDenied", form(b, "k", expires=-5))
    refused(403, "AccessDenied", dict(form(b, "k"), key="other"))
    refused(403, "Extra input fields", dict(form(b, "k"), other="1"))
    refused(400, "EntityTooLarge", form(
        b, "k", conditions=[["content-length-range", 0, 10]]), b"x" * 11)
    refused(400, "EntityTooSmall", form(
        b, "k", conditions=[["content-length-range", 5, 10]]), b"x")
    refused(400, "InvalidPolicyDocument", form(
        b, "k", conditions=[["content-length-range", -1, 10]]))
    refused(400, "InvalidArgument", form(b, "k"), None)
    fields = form(b, "k")
    del fields["key"]
    refused(400, "InvalidArgument", fields)
    assert "Contents" not in s3.list_objects_v2(Bucket=b)
    assert send(b + "x", form(b, "k"), b"x")[0] == 404


def old_form(policy, fields):
    """Fields signed by HMAC-SHA1 of the policy."""
    text = base64.b64encode(json.dumps(policy).encode()).decode()
    mac = hmac.new(os.environ["AWS_SECRET_ACCESS_KEY"].encode(),
                   text.encode(), hashlib.sha1).digest()
    return dict(fields, AWSAccessKeyId=os.environ["AWS_ACCESS_KEY_ID"],
                policy=text, signature=base64.b64encode(mac).decode())


def old_policy(b, *more):
    until = datetime.datetime.utcnow() + datetime.timedelta(hours=1)
    return {"expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": [["starts-with", "$key", "in/"]] +
            ([{"bucket": b}] if b else []) + list(more)}


@test
def post_signed_the_old_way(b):
    fields = old_form(old_policy(b), {"key": "in/k"})
    assert send(b, fields, b"x")[0] == 204 and get(b, "in/k") == b"x"
    wrong = ("A" if fields["signature"][0] != "A" else "B") + \
        fields["signature"][1:]
    for name, value in [("signature", "x"), ("signature", wrong),
                        ("AWSAccessKeyId", "nobody"), ("AWSAccessKeyId", "")]:
        assert send(b, dict(fields, **{name: value}), b"y")[0] == 403
    fields.pop("signature")
    assert send(b, fields, b"y")[0] == 400
    assert get(b, "in/k") == b"x"


@test
def post_policy_is_of_one_bucket(b):
    """It names the bucket, and only where it is sent to counts."""
    fields = old_form(old_policy(b + "-not"), {"key": "in/k"})
    assert send(b, fields, b"x")[0] == 403
    assert send(b, dict(fields, bucket=b + "-not"), b"x")[0] == 403
    assert send(b, old_form(old_policy(None), {"key": "in/k"}),
                b"x")[0] == 403
    assert "Contents" not in s3.list_objects_v2(Bucket=b)


@test
def post_policy_sees_the_key_made(b):
    fields = old_form(old_policy(b), {"key": "${filename}"})
    assert send(b, fields, b"x", "out")[0] == 403
    assert send(b, fields, b"x", "in/f")[0] == 204
    sums = {"key": "in/f", "x-amz-checksum-crc32": "jNwWgw=="}
    assert send(b, old_form(old_policy(b), sums), b"x")[0] == 204
    assert send(b, old_form(old_policy(b), sums), b"y")[0] == 400
    assert get(b, "in/f") == b"x"


@test
def post_expects_an_owner(b):
    owner = s3.get_bucket_acl(Bucket=b)["Owner"]["ID"]
    for want, status in (owner, 204), (owner + "x", 403):
        field = {"x-amz-expected-bucket-owner": want}
        assert send(b, form(b, "k", field, [field]), b"x")[0] == status


@test
def post_by_anybody(b):
    assert send(b, {"key": "k"}, b"x")[0] == 403
    s3.put_bucket_acl(Bucket=b, ACL="public-read-write")
    assert send(b, {"key": "k"}, data(100000))[0] == 204
    assert get(b, "k") == data(100000)
    assert send(b, {"key": "k", "success_action_status": "201"},
                b"x")[0] == 201


@test
def post_says_where(b):
    where = endpoint + "/" + b + "/a%20b"
    status, _, h = send(b, form(b, "a b"), b"x")
    assert status == 204 and h["Location"] == where, h["Location"]
    assert h["x-amz-checksum-crc64nvme"]
    _, body, _ = send(b, form(b, "a b", {"success_action_status": "201"},
                              [{"success_action_status": "201"}]), b"x")
    assert b"<Location>" + where.encode() + b"<" in body, body
    sums = {"x-amz-checksum-crc32": "jNwbgg==",
            "x-amz-checksum-sha1": "EfbnQmvj5Bnw1aX04FLkdGjvg8k="}
    for fields in sums, {"x-amz-checksum-crc32": "none"}:
        status, body, _ = send(b, form(b, "k", fields, [
            {name: value} for name, value in fields.items()]), b"x")
        assert status == 400 and b"<Code>InvalidRequest<" in body, body
    _, body, _ = send(b, dict(form(b, "k"), key="other"), b"x")
    assert b'Policy Condition failed: ["eq", "$key", "k"]' in body, body
