"""Conditions of writes; requests said twice; bodies without a length."""

import http.client

from s3_conformance import (complete, data, endpoint, fails, get, headers,
                            put, s3, test, upload)


def writes(b):
    """A PUT and an upload in parts, each with conditions."""
    def parts(body=b"x", **kw):
        u, done = upload(b, "k", [(1, body)])
        return s3.complete_multipart_upload(
            Bucket=b, Key="k", UploadId=u, MultipartUpload={"Parts": done},
            **kw)
    return [lambda body=b"x", **kw: put(b, "k", body, **kw), parts]


def under(condition, call, *args, **kw):
    """The call with a condition that older SDKs do not know."""
    with headers(**condition):
        return call(*args, **kw)


@test
def writes_if_none_match(b):
    for write in writes(b):
        s3.delete_object(Bucket=b, Key="k")
        etag = under({"If_None_Match": "*"}, write)["ETag"]
        for none in "*", etag, etag.strip('"'), '"x", ' + etag:
            fails("PreconditionFailed", 412, under, {"If_None_Match": none},
                  write, b"y")
        under({"If_None_Match": '"x"'}, write, b"other")
        assert get(b, "k") == b"other"


@test
def writes_if_match(b):
    for write in writes(b):
        s3.delete_object(Bucket=b, Key="k")
        for match in "*", '"x"':
            fails("NoSuchKey", 404, under, {"If_Match": match}, write)
        etag = write()["ETag"]
        fails("PreconditionFailed", 412, under, {"If_Match": '"x"'}, write)
        for match in etag, "*":
            under({"If_Match": match}, write)


@test
def complete_said_twice(b):
    for kind in {}, {"ChecksumAlgorithm": "CRC32"}:
        u, done = upload(b, "k", [(1, data(100))])
        first = complete(b, "k", u, done)
        again = complete(b, "k", u, done)
        assert first["ETag"] == again["ETag"] and get(b, "k") == data(100)
    put(b, "k", b"x")
    fails("NoSuchUpload", 404, complete, b, "k", u, done)


@test
def put_without_a_length(b):
    def send(headers, body):
        host = endpoint.split("//")[1]
        path = s3.generate_presigned_url(
            "put_object", Params={"Bucket": b, "Key": "k"})
        c = http.client.HTTPConnection(host, timeout=60)
        c.putrequest("PUT", path[path.index(host) + len(host):])
        for name, value in headers.items():
            c.putheader(name, value)
        c.endheaders()
        c.send(body)
        status = c.getresponse().status
        c.close()
        return status
    if endpoint.startswith("https"):
        return
    assert send({}, b"") == 411
    size = 3000000
    body = b"%x\r\n" % size + data(size) + b"\r\n0\r\n\r\n"
    assert send({"Transfer-Encoding": "chunked"}, body) == 200
    assert get(b, "k") == data(size)


@test
def what_is_told_as_it_was_given(b):
    for given, kept in [("deflate, gzip", "deflate, gzip"),
                        ("aws-chunked, gzip", "gzip"),
                        ("aws-chunked", None)]:
        put(b, "k", ContentEncoding=given)
        assert s3.head_object(Bucket=b, Key="k").get(
            "ContentEncoding") == kept
    put(b, "k", Tagging="foo=bar&bar")
    assert s3.get_object_tagging(Bucket=b, Key="k")["TagSet"] == [
        {"Key": "bar", "Value": ""}, {"Key": "foo", "Value": "bar"}]
    page = s3.list_objects_v2(Bucket=b, ContinuationToken="")
    assert page["ContinuationToken"] == "" and page["KeyCount"] == 1
