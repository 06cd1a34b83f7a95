#!/usr/bin/python3
"""s3_conformance: what S3 promises, asked of a server through boto3.

usage: s3_conformance.py [ENDPOINT] [NAME ...]

The server may also be named by S3_URL.  Credentials come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.  Each test
has a bucket of its own and prints one line of TAP; then follow lines with what
passed and failed by group.  The exit status is 1 if any failed.  Names choose
tests or groups; the groups are this file ("basic") and those of t/s3/."""

import base64
import contextlib
import datetime
import glob
import hashlib
import importlib.util
import io
import os
import sys
import traceback
import urllib.error
import urllib.request
import zlib

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
names = sys.argv[1:]
endpoint = names.pop(0) if names and "://" in names[0] else \
    os.environ["S3_URL"]
tests = []


def client(**config):
    options = dict(region_name="us-east-1", retries={"max_attempts": 1},
                   signature_version="s3v4",
                   s3={"addressing_style": "path"})
    options.update(config)
    return boto3.client("s3", endpoint_url=endpoint, config=Config(**options))


s3 = client()


def test(f):
    f.group = "basic" if f.__module__ == __name__ else f.__module__
    tests.append(f)
    return f


def load_groups():
    """The files of t/s3 import this module by its name."""
    sys.modules["s3_conformance"] = sys.modules[__name__]
    here = os.path.dirname(os.path.abspath(__file__))
    for path in sorted(glob.glob(os.path.join(here, "..", "s3", "*.py"))):
        name = os.path.basename(path)[:-3]
        spec = importlib.util.spec_from_file_location(name, path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def data(size, seed=1):
    """Bytes that do not repeat within a shard."""
    out = bytearray()
    block = hashlib.sha256(str(seed).encode()).digest()
    while len(out) < size:
        block = hashlib.sha512(block).digest()
        out += block * 16
        block = hashlib.sha512(block + bytes([len(out) & 255])).digest()
    return bytes(out[:size])


def fails(code, status, call, *args, **kw):
    """The call must fail with this code and HTTP status."""
    try:
        call(*args, **kw)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        got_status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        assert (got, got_status) == (code, status), (got, got_status)
        return e.response
    raise AssertionError("did not fail with " + code)


def get(b, key, **kw):
    return s3.get_object(Bucket=b, Key=key, **kw)["Body"].read()


def put(b, key, body=b"x", **kw):
    return s3.put_object(Bucket=b, Key=key, Body=body, **kw)


@contextlib.contextmanager
def headers(**kw):
    """Send these too (x_amz_a is x-amz-a), whatever the SDK knows of them."""
    def add(params, **_):
        for name, value in kw.items():
            params["headers"][name.replace("_", "-")] = value
    s3.meta.events.register("before-call.s3", add)
    try:
        yield
    finally:
        s3.meta.events.unregister("before-call.s3", add)


def header(answer, name):
    return answer["ResponseMetadata"]["HTTPHeaders"].get(name)


def keys(answer):
    return [o["Key"] for o in answer.get("Contents", [])]


def prefixes(answer):
    return [p["Prefix"] for p in answer.get("CommonPrefixes", [])]


def empty(b):
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=b):
        for u in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=b, Key=u["Key"],
                                      UploadId=u["UploadId"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=b):
        every = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if every:
            s3.delete_objects(Bucket=b, Delete={"Objects": [
                {"Key": o["Key"], "VersionId": o["VersionId"]}
                for o in every], "Quiet": True})


def http(method, url, body=None, headers=None):
    """A request without botocore: (status, body, headers)."""
    rq = urllib.request.Request(url, data=body, method=method,
                                headers=headers or {})
    try:
        with urllib.request.urlopen(rq) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as e:
        return e.code, e.read(), e.headers


# Buckets


@test
def bucket_lifecycle(b):
    s3.head_bucket(Bucket=b)
    assert b in [x["Name"] for x in s3.list_buckets()["Buckets"]]
    put(b, "k")
    s3.create_bucket(Bucket=b)
    fails("BucketAlreadyExists", 409, s3.create_bucket, Bucket=b,
          ACL="public-read")
    assert get(b, "k") == b"x"
    fails("BucketNotEmpty", 409, s3.delete_bucket, Bucket=b)
    s3.delete_object(Bucket=b, Key="k")
    s3.delete_bucket(Bucket=b)
    fails("404", 404, s3.head_bucket, Bucket=b)
    fails("NoSuchBucket", 404, s3.delete_bucket, Bucket=b)
    fails("NoSuchBucket", 404, put, b, "k")
    fails("NoSuchBucket", 404, get, b, "k")
    fails("NoSuchBucket", 404, s3.list_objects_v2, Bucket=b)
    fails("NoSuchBucket", 404, s3.delete_object, Bucket=b, Key="k")
    s3.create_bucket(Bucket=b)
    assert keys(s3.list_objects_v2(Bucket=b)) == []


@test
def bucket_names(b):
    for name in ["aa", "Abc", "a_b", "-ab", "ab-", "a..b", "192.168.1.1",
                 "a" * 64]:
        url = endpoint + "/" + name
        rq = botocore.awsrequest.AWSRequest("PUT", url)
        sign(rq)
        status, body, _ = http("PUT", url, headers=dict(rq.headers))
        assert status == 400 and b"InvalidBucketName" in body, (name, body)


def sign(rq):
    credentials = boto3.Session().get_credentials()
    rq.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    botocore.auth.S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(rq)


@test
def bucket_location(b):
    assert s3.get_bucket_location(Bucket=b)["LocationConstraint"] is None
    fails("IllegalLocationConstraintException", 400, s3.create_bucket,
          Bucket=b + "x",
          CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


@test
def bucket_settings_that_are_read(b):
    assert "Status" not in s3.get_bucket_versioning(Bucket=b)
    acl = s3.get_bucket_acl(Bucket=b)
    assert acl["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    s3.get_bucket_request_payment(Bucket=b)
    s3.get_bucket_logging(Bucket=b)
    s3.get_bucket_notification_configuration(Bucket=b)
    s3.get_bucket_accelerate_configuration(Bucket=b)
    fails("OwnershipControlsNotFoundError", 404,
          s3.get_bucket_ownership_controls, Bucket=b)
    for code, call in [
            ("NoSuchLifecycleConfiguration",
             s3.get_bucket_lifecycle_configuration),
            ("NoSuchBucketPolicy", s3.get_bucket_policy),
            ("NoSuchCORSConfiguration", s3.get_bucket_cors),
            ("NoSuchTagSet", s3.get_bucket_tagging),
            ("NoSuchWebsiteConfiguration", s3.get_bucket_website),
            ("ServerSideEncryptionConfigurationNotFoundError",
             s3.get_bucket_encryption),
            ("ObjectLockConfigurationNotFoundError",
             s3.get_object_lock_configuration),
            ("ReplicationConfigurationNotFoundError",
             s3.get_bucket_replication),
            ("NoSuchPublicAccessBlockConfiguration",
             s3.get_public_access_block)]:
        fails(code, 404, call, Bucket=b)
    fails("NoSuchBucket", 404, s3.get_bucket_acl, Bucket=b + "x")
    fails("NoSuchBucket", 404, s3.get_bucket_policy, Bucket=b + "x")


@test
def never_a_silent_success(b):
    put(b, "k")
    fails("MalformedPolicy", 400, s3.put_bucket_policy, Bucket=b, Policy="{}")
    fails("NotImplemented", 501, s3.delete_bucket_lifecycle, Bucket=b)
    fails("NotImplemented", 501, put, b, "t", ServerSideEncryption="AES256")
    fails("NotImplemented", 501, put, b, "t", WebsiteRedirectLocation="/x")
    fails("InvalidArgument", 400, put, b, "t", GrantRead="id=1")
    fails("InvalidStorageClass", 400, put, b, "t", StorageClass="GLACIER")
    fails("NotImplemented", 501, s3.restore_object, Bucket=b, Key="k",
          RestoreRequest={"Days": 1})
    assert keys(s3.list_objects_v2(Bucket=b)) == ["k"]
    s3.head_bucket(Bucket=b)
    assert s3.get_object_tagging(Bucket=b, Key="k")["TagSet"] == []
    s3.get_object_acl(Bucket=b, Key="k")


# Objects


@test
def object_sizes(b):
    for size in [0, 1, 63, 64, 65, 4095, 4096, 65536, 131071, 131072, 131073,
                 262143, 262144, 262145, MIB - 1, MIB, MIB + 1, 5 * MIB + 7]:
        d = data(size, size)
        etag = hashlib.md5(d).hexdigest()
        assert put(b, "k%d" % size, d)["ETag"] == '"%s"' % etag
        h = s3.head_object(Bucket=b, Key="k%d" % size)
        assert h["ContentLength"] == size and h["ETag"] == '"%s"' % etag
        assert get(b, "k%d" % size) == d, size


@test
def object_overwrite(b):
    for i in range(5):
        put(b, "k", data(i * 100000, i))
        assert get(b, "k") == data(i * 100000, i)
    assert len(keys(s3.list_objects_v2(Bucket=b))) == 1


@test
def object_lacking(b):
    fails("NoSuchKey", 404, get, b, "none")
    fails("404", 404, s3.head_object, Bucket=b, Key="none")
    s3.delete_object(Bucket=b, Key="none")
    put(b, "k")
    s3.delete_object(Bucket=b, Key="k")
    fails("NoSuchKey", 404, get, b, "k")
    assert keys(s3.list_objects_v2(Bucket=b)) == []


KEYS = ["a", "a/", "a//b", "a/b", "/lead", "..", "../x", "./y", "a b", "a+b",
        "a%20b", "a%2Fb", "ümläut", "日本語", "😀", "q?x=1&y", "h#h", "a=b",
        "star*'()!", "tab\there", "nl\nhere", "quote\"<>&", "k" * 1024,
        "back\\slash", "~tilde", "semi;colon", "a,b", "{1...4}", "$dollar"]


@test
def object_keys(b):
    for i, k in enumerate(KEYS):
        put(b, k, data(100 + i, i))
    for i, k in enumerate(KEYS):
        assert get(b, k) == data(100 + i, i), k
        assert s3.head_object(Bucket=b, Key=k)["ContentLength"] == 100 + i
    want = sorted(KEYS, key=lambda k: k.encode())
    assert keys(s3.list_objects_v2(Bucket=b)) == want
    assert keys(s3.list_objects(Bucket=b)) == want
    for k in KEYS:
        s3.delete_object(Bucket=b, Key=k)
        fails("NoSuchKey", 404, get, b, k)
    fails("KeyTooLongError", 400, put, b, "k" * 1025)


@test
def object_metadata(b):
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5,
                                tzinfo=datetime.timezone.utc)
    put(b, "k", b"x", ContentType="text/x; charset=utf-8",
        CacheControl="no-cache", ContentDisposition="attachment; f=\"a\"",
        ContentEncoding="gzip", ContentLanguage="de", Expires=expires,
        Metadata={"One": "1", "two-Two": "with  blanks", "empty": ""})
    for h in [s3.head_object(Bucket=b, Key="k"),
              s3.get_object(Bucket=b, Key="k")]:
        assert h["ContentType"] == "text/x; charset=utf-8"
        assert h["CacheControl"] == "no-cache"
        assert h["ContentDisposition"] == "attachment; f=\"a\""
        assert h["ContentEncoding"] == "gzip", h["ContentEncoding"]
        assert h["ContentLanguage"] == "de"
        assert h["Expires"] == expires
        assert h["Metadata"] == {"one": "1", "two-two": "with  blanks",
                                 "empty": ""}, h["Metadata"]
        assert h["AcceptRanges"] == "bytes"
    put(b, "plain")
    h = s3.head_object(Bucket=b, Key="plain")
    assert h["ContentType"] == "binary/octet-stream" and h["Metadata"] == {}
    fails("MetadataTooLarge", 400, put, b, "k", Metadata={"a": "v" * 2048})
    put(b, "k", Metadata={"a": "v" * 2047})


@test
def object_response_overrides(b):
    put(b, "k", ContentType="text/plain")
    h = s3.get_object(Bucket=b, Key="k", ResponseContentType="image/png",
                      ResponseCacheControl="max-age=1",
                      ResponseContentDisposition="inline",
                      ResponseContentLanguage="fr")
    assert h["ContentType"] == "image/png"
    assert h["CacheControl"] == "max-age=1"
    assert h["ContentDisposition"] == "inline"
    assert h["ContentLanguage"] == "fr"
    fails("InvalidArgument", 400, s3.get_object, Bucket=b, Key="k",
          ResponseContentType="a\r\nX-Evil: 1")


@test
def object_ranges(b):
    size = 3 * MIB + 12345
    d = data(size)
    put(b, "k", d)
    for start, end in [(0, 0), (0, 9), (1, 1), (131071, 131072),
                       (262143, 262145), (MIB - 1, 2 * MIB), (size - 1, size),
                       (size - 10, size + 100), (5, size - 5), (0, size)]:
        h = s3.get_object(Bucket=b, Key="k",
                          Range="bytes=%d-%d" % (start, end))
        last = min(end, size - 1)
        assert h["Body"].read() == d[start:last + 1], (start, end)
        assert h["ContentRange"] == "bytes %d-%d/%d" % (start, last, size)
        assert h["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert get(b, "k", Range="bytes=-7") == d[-7:]
    assert get(b, "k", Range="bytes=%d-" % (size - 3)) == d[-3:]
    assert get(b, "k", Range="bytes=9-1") == d
    fails("InvalidRange", 416, get, b, "k", Range="bytes=%d-" % size)
    h = s3.head_object(Bucket=b, Key="k", Range="bytes=5-9")
    assert h["ContentLength"] == 5
    put(b, "empty", b"")
    fails("InvalidRange", 416, get, b, "empty", Range="bytes=0-0")


@test
def object_conditions(b):
    etag = put(b, "k", b"abc")["ETag"]
    now = s3.head_object(Bucket=b, Key="k")["LastModified"]
    before = now - datetime.timedelta(hours=1)
    after = now + datetime.timedelta(hours=1)
    assert get(b, "k", IfMatch=etag) == b"abc"
    assert get(b, "k", IfNoneMatch='"x"') == b"abc"
    assert get(b, "k", IfModifiedSince=before) == b"abc"
    assert get(b, "k", IfUnmodifiedSince=after) == b"abc"
    fails("PreconditionFailed", 412, get, b, "k", IfMatch='"x"')
    fails("PreconditionFailed", 412, get, b, "k", IfUnmodifiedSince=before)
    fails("304", 304, get, b, "k", IfNoneMatch=etag)
    fails("304", 304, get, b, "k", IfModifiedSince=after)
    fails("304", 304, s3.head_object, Bucket=b, Key="k", IfNoneMatch=etag)
    fails("412", 412, s3.head_object, Bucket=b, Key="k", IfMatch='"x"')


@test
def object_conditional_writes(b):
    with headers(If_None_Match="*"):
        etag = put(b, "k", b"one")["ETag"]
        fails("PreconditionFailed", 412, put, b, "k", b"two")
    assert get(b, "k") == b"one"
    with headers(If_Match='"x"'):
        fails("PreconditionFailed", 412, put, b, "k", b"two")
    with headers(If_Match=etag):
        put(b, "k", b"two")
        fails("PreconditionFailed", 412, put, b, "k", b"three")
        fails("NoSuchKey", 404, put, b, "none", b"x")
    assert get(b, "k") == b"two"
    s3.delete_object(Bucket=b, Key="k")
    with headers(If_None_Match="*"):
        put(b, "k", b"three")
    with headers(If_Match="*"):
        put(b, "k", b"four")


@test
def object_content_md5(b):
    good = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    put(b, "k", b"abc", ContentMD5=good)
    fails("BadDigest", 400, put, b, "j", b"abd", ContentMD5=good)
    fails("InvalidDigest", 400, put, b, "j", b"abc", ContentMD5="zzz")
    assert keys(s3.list_objects_v2(Bucket=b)) == ["k"]


@test
def object_storage_class(b):
    put(b, "k", data(300000), StorageClass="REDUCED_REDUNDANCY")
    assert get(b, "k") == data(300000)
    h = s3.head_object(Bucket=b, Key="k")
    assert h["StorageClass"] == "REDUCED_REDUNDANCY"
    put(b, "s", StorageClass="STANDARD")
    assert "StorageClass" not in s3.head_object(Bucket=b, Key="s")
    put(b, "e", data(300000), StorageClass="EC:0")
    assert get(b, "e") == data(300000)
    fails("InvalidStorageClass", 400, put, b, "x", StorageClass="EC:8")
    classes = {o["Key"]: o["StorageClass"]
               for o in s3.list_objects_v2(Bucket=b)["Contents"]}
    assert classes == {"e": "EC:0", "k": "REDUCED_REDUNDANCY",
                       "s": "STANDARD"}, classes


def crc32(d):
    return base64.b64encode(zlib.crc32(d).to_bytes(4, "big")).decode()


def raw(method, path, body=None, **more):
    """A signed request without what an SDK adds: (status, body, headers);
    x_amz_a is x-amz-a."""
    rq = botocore.awsrequest.AWSRequest(method, endpoint + path, data=body)
    rq.headers["x-amz-checksum-mode"] = "ENABLED"
    for name, value in more.items():
        rq.headers[name.replace("_", "-")] = value
    sign(rq)
    return http(method, endpoint + path, body, dict(rq.headers))


@test
def default_checksum(b):
    """CRC64NVME, when the client sends none."""
    s, body, h = raw("PUT", "/" + b + "/k", b"123456789")
    assert s == 200, body
    want = "rosUhgp5mIg="
    assert h["x-amz-checksum-crc64nvme"] == want
    assert h["x-amz-checksum-type"] == "FULL_OBJECT"
    s3.copy_object(Bucket=b, Key="copy", CopySource=b + "/k")
    for key in "k", "copy":
        _, _, h = raw("HEAD", "/" + b + "/" + key)
        assert h["x-amz-checksum-crc64nvme"] == want, key
    upload = s3.create_multipart_upload(Bucket=b, Key="m")["UploadId"]
    _, _, h = raw("PUT", "/%s/m?partNumber=1&uploadId=%s" % (b, upload),
                  b"123456789")
    assert h["x-amz-checksum-crc64nvme"] == want
    s3.complete_multipart_upload(
        Bucket=b, Key="m", UploadId=upload, MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": h["ETag"]}]})
    _, _, h = raw("HEAD", "/" + b + "/m")
    assert h["x-amz-checksum-crc64nvme"] == want
    assert h["x-amz-checksum-type"] == "FULL_OBJECT"


@test
def more_checksums(b):
    """Those that SDKs compute if asked for; unknown to older ones."""
    for name, digest in ("sha512", hashlib.sha512), ("md5", hashlib.md5):
        good = base64.b64encode(digest(b"x").digest()).decode()
        field = "x-amz-checksum-" + name
        path = "/%s/%s" % (b, name)
        status, said, h = raw("PUT", path, b"x", **{field: good})
        assert status == 200 and h[field] == good, said
        status, said, _ = raw("PUT", path, b"y", **{field: good[::-1]})
        assert status == 400, said
        assert get(b, name) == b"x"


@test
def object_checksums(b):
    d = data(200001)
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        field = "Checksum" + algorithm
        answer = put(b, algorithm, d, ChecksumAlgorithm=algorithm)
        h = s3.head_object(Bucket=b, Key=algorithm, ChecksumMode="ENABLED")
        assert h[field] == answer[field]
        assert header(h, "x-amz-checksum-type") == "FULL_OBJECT"
        assert field not in s3.head_object(Bucket=b, Key=algorithm)
        assert get(b, algorithm, ChecksumMode="ENABLED") == d
        a = s3.get_object_attributes(
            Bucket=b, Key=algorithm, ObjectAttributes=["Checksum", "ETag",
                                                       "ObjectSize"])
        assert a["Checksum"][field] == h[field]
        assert a["ObjectSize"] == len(d)
        assert a["ETag"] == hashlib.md5(d).hexdigest()
    assert s3.head_object(Bucket=b, Key="CRC32",
                          ChecksumMode="ENABLED")["ChecksumCRC32"] == crc32(d)
    fails("BadDigest", 400, put, b, "bad", d, ChecksumCRC32=crc32(b"other"))
    fails("InvalidRequest", 400, put, b, "bad", d, ChecksumCRC32="AA==")
    assert "bad" not in keys(s3.list_objects_v2(Bucket=b))


@test
def object_delete_many(b):
    names = ["d/%03d" % i for i in range(120)] + ["x<&>y", "ü"]
    for n in names:
        put(b, n)
    answer = s3.delete_objects(Bucket=b, Delete={"Objects": [
        {"Key": n} for n in names] + [{"Key": "never-there"}]})
    assert len(answer["Deleted"]) == len(names) + 1
    assert "Errors" not in answer
    assert keys(s3.list_objects_v2(Bucket=b)) == []
    put(b, "k")
    answer = s3.delete_objects(Bucket=b, Delete={
        "Objects": [{"Key": "k"}], "Quiet": True})
    assert "Deleted" not in answer
    fails("MalformedXML", 400, s3.delete_objects, Bucket=b, Delete={
        "Objects": [{"Key": "k%d" % i} for i in range(1001)]})


@test
def object_copy(b):
    d = data(700000)
    put(b, "a b+ü", d, ContentType="text/a", Metadata={"m": "1"},
        ChecksumAlgorithm="SHA256")
    source = {"Bucket": b, "Key": "a b+ü"}
    r = s3.copy_object(Bucket=b, Key="c", CopySource=source)
    assert r["CopyObjectResult"]["ETag"] == '"%s"' % hashlib.md5(
        d).hexdigest()
    h = s3.head_object(Bucket=b, Key="c", ChecksumMode="ENABLED")
    assert h["ContentType"] == "text/a" and h["Metadata"] == {"m": "1"}
    assert h["ChecksumSHA256"] == base64.b64encode(
        hashlib.sha256(d).digest()).decode()
    assert get(b, "c") == d
    s3.copy_object(Bucket=b, Key="c", CopySource=source,
                   MetadataDirective="REPLACE", ContentType="text/b")
    h = s3.head_object(Bucket=b, Key="c")
    assert h["ContentType"] == "text/b" and h["Metadata"] == {}
    fails("InvalidRequest", 400, s3.copy_object, Bucket=b, Key="a b+ü",
          CopySource=source)
    s3.copy_object(Bucket=b, Key="a b+ü", CopySource=source,
                   MetadataDirective="REPLACE", Metadata={"m": "2"})
    assert s3.head_object(Bucket=b, Key="a b+ü")["Metadata"] == {"m": "2"}
    assert get(b, "a b+ü") == d
    fails("NoSuchKey", 404, s3.copy_object, Bucket=b, Key="c",
          CopySource={"Bucket": b, "Key": "none"})
    fails("NoSuchBucket", 404, s3.copy_object, Bucket=b, Key="c",
          CopySource={"Bucket": b + "x", "Key": "k"})
    fails("PreconditionFailed", 412, s3.copy_object, Bucket=b, Key="c",
          CopySource=source, CopySourceIfMatch='"x"')
    fails("PreconditionFailed", 412, s3.copy_object, Bucket=b, Key="c",
          CopySource=source, CopySourceIfNoneMatch=h["ETag"])


# Listings


@test
def list_paging(b):
    names = ["p/%03d" % i for i in range(57)]
    for n in names:
        put(b, n)
    seen, token, pages = [], None, 0
    while True:
        kw = {"ContinuationToken": token} if token else {}
        r = s3.list_objects_v2(Bucket=b, MaxKeys=10, **kw)
        assert r["KeyCount"] == len(keys(r)) <= 10
        seen += keys(r)
        pages += 1
        if not r["IsTruncated"]:
            assert "NextContinuationToken" not in r
            break
        token = r["NextContinuationToken"]
    assert seen == names and pages == 6
    seen, marker = [], ""
    while True:
        r = s3.list_objects(Bucket=b, MaxKeys=19, Marker=marker)
        seen += keys(r)
        if not r["IsTruncated"]:
            break
        marker = keys(r)[-1]
    assert seen == names
    r = s3.list_objects_v2(Bucket=b, StartAfter="p/050")
    assert keys(r) == names[51:]
    assert keys(s3.list_objects_v2(Bucket=b, MaxKeys=0)) == []
    assert s3.list_objects_v2(Bucket=b, MaxKeys=57)["IsTruncated"] is False
    fails("InvalidArgument", 400, s3.list_objects_v2, Bucket=b,
          ContinuationToken="not-a-token")
    fails("InvalidArgument", 400, s3.list_objects_v2, Bucket=b, MaxKeys=-1)


@test
def list_delimiter(b):
    for n in ["a", "b/1", "b/2", "b/c/3", "d", "e/", "f/x", "photos/2026/1",
              "photos/2026/2", "photos/x"]:
        put(b, n)
    r = s3.list_objects_v2(Bucket=b, Delimiter="/")
    assert keys(r) == ["a", "d"]
    assert prefixes(r) == ["b/", "e/", "f/", "photos/"]
    r = s3.list_objects_v2(Bucket=b, Delimiter="/", Prefix="b/")
    assert keys(r) == ["b/1", "b/2"] and prefixes(r) == ["b/c/"]
    r = s3.list_objects_v2(Bucket=b, Delimiter="/", Prefix="photos/20")
    assert keys(r) == [] and prefixes(r) == ["photos/2026/"]
    r = s3.list_objects_v2(Bucket=b, Prefix="b")
    assert keys(r) == ["b/1", "b/2", "b/c/3"]
    r = s3.list_objects_v2(Bucket=b, Delimiter="2026")
    assert prefixes(r) == ["photos/2026"]
    # Paging over keys and prefixes together, one at a time.
    seen, token = [], None
    while True:
        kw = {"ContinuationToken": token} if token else {}
        r = s3.list_objects_v2(Bucket=b, Delimiter="/", MaxKeys=1, **kw)
        seen += keys(r) + prefixes(r)
        if not r["IsTruncated"]:
            break
        token = r["NextContinuationToken"]
    assert seen == ["a", "b/", "d", "e/", "f/", "photos/"], seen
    seen, marker = [], ""
    while True:
        r = s3.list_objects(Bucket=b, Delimiter="/", MaxKeys=2, Marker=marker)
        seen += sorted(keys(r) + prefixes(r))
        if not r["IsTruncated"]:
            break
        marker = r["NextMarker"]
    assert seen == ["a", "b/", "d", "e/", "f/", "photos/"], seen


@test
def list_fields(b):
    put(b, "k", b"abc")
    o = s3.list_objects_v2(Bucket=b, FetchOwner=True)["Contents"][0]
    h = s3.head_object(Bucket=b, Key="k")
    assert o["Size"] == 3 and o["ETag"] == h["ETag"]
    assert o["StorageClass"] == "STANDARD" and "Owner" in o
    assert abs((o["LastModified"] - h["LastModified"]).total_seconds()) < 1
    assert "Owner" not in s3.list_objects_v2(Bucket=b)["Contents"][0]
    v = s3.list_object_versions(Bucket=b)["Versions"][0]
    assert v["Key"] == "k" and v["IsLatest"] and v["VersionId"] == "null"
    assert get(b, "k", VersionId="null") == b"abc"
    s3.delete_object(Bucket=b, Key="k", VersionId="null")
    assert "Versions" not in s3.list_object_versions(Bucket=b)


@test
def list_after_write(b):
    for i in range(40):
        put(b, "k%d" % i)
        assert len(keys(s3.list_objects_v2(Bucket=b))) == i + 1
    for i in range(40):
        s3.delete_object(Bucket=b, Key="k%d" % i)
        assert len(keys(s3.list_objects_v2(Bucket=b))) == 39 - i


# Multipart


def upload(b, key, parts, **kw):
    u = s3.create_multipart_upload(Bucket=b, Key=key, **kw)["UploadId"]
    done = []
    for number, d in parts:
        extra = {}
        if "ChecksumAlgorithm" in kw:
            extra["ChecksumAlgorithm"] = kw["ChecksumAlgorithm"]
        r = s3.upload_part(Bucket=b, Key=key, UploadId=u, PartNumber=number,
                           Body=d, **extra)
        part = {"PartNumber": number, "ETag": r["ETag"]}
        for field in r:
            if field.startswith("Checksum"):
                part[field] = r[field]
        done.append(part)
    return u, done


def complete(b, key, u, done, **kw):
    return s3.complete_multipart_upload(
        Bucket=b, Key=key, UploadId=u, MultipartUpload={"Parts": done}, **kw)


@test
def multipart(b):
    p = [data(5 * MIB, 1), data(6 * MIB + 1, 2), data(17, 3)]
    u, done = upload(b, "m", [(1, p[0]), (3, p[1]), (7, p[2])],
                     ContentType="text/m", Metadata={"a": "b"})
    fails("NoSuchKey", 404, get, b, "m")
    listed = s3.list_parts(Bucket=b, Key="m", UploadId=u)["Parts"]
    assert [x["PartNumber"] for x in listed] == [1, 3, 7]
    assert [x["Size"] for x in listed] == [len(x) for x in p]
    r = s3.list_parts(Bucket=b, Key="m", UploadId=u, MaxParts=1,
                      PartNumberMarker=1)
    assert r["Parts"][0]["PartNumber"] == 3 and r["IsTruncated"]
    assert [x["Key"] for x in s3.list_multipart_uploads(
        Bucket=b)["Uploads"]] == ["m"]
    r = complete(b, "m", u, done)
    want = hashlib.md5(b"".join(hashlib.md5(x).digest() for x in p))
    assert r["ETag"] == '"%s-3"' % want.hexdigest()
    whole = b"".join(p)
    assert get(b, "m") == whole
    h = s3.head_object(Bucket=b, Key="m")
    assert h["ContentLength"] == len(whole) and h["ETag"] == r["ETag"]
    assert h["ContentType"] == "text/m" and h["Metadata"] == {"a": "b"}
    edge = len(p[0])
    assert get(b, "m", Range="bytes=%d-%d" % (edge - 3, edge + 3)) == \
        whole[edge - 3:edge + 4]
    r = s3.get_object(Bucket=b, Key="m", PartNumber=2)
    assert r["Body"].read() == p[1] and r["PartsCount"] == 3
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=b)
    fails("NoSuchUpload", 404, s3.list_parts, Bucket=b, Key="m", UploadId=u)
    # Again, as by a client that did not get the answer.
    assert complete(b, "m", u, done)["ETag"] == h["ETag"]
    fails("NoSuchUpload", 404, complete, b, "m", u, done[1:])
    put(b, "m", b"another")
    fails("NoSuchUpload", 404, complete, b, "m", u, done)
    assert get(b, "m") == b"another"


@test
def multipart_mistakes(b):
    u, done = upload(b, "m", [(1, data(100, 1)), (2, data(100, 2))])
    fails("EntityTooSmall", 400, complete, b, "m", u, done)
    fails("InvalidPartOrder", 400, complete, b, "m", u, done[::-1])
    fails("InvalidPart", 400, complete, b, "m", u,
          [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}])
    fails("InvalidPart", 400, complete, b, "m", u,
          [{"PartNumber": 5, "ETag": done[0]["ETag"]}])
    fails("MalformedXML", 400, complete, b, "m", u, [])
    fails("InvalidArgument", 400, s3.upload_part, Bucket=b, Key="m",
          UploadId=u, PartNumber=10001, Body=b"x")
    fails("InvalidArgument", 400, s3.upload_part, Bucket=b, Key="m",
          UploadId=u, PartNumber=0, Body=b"x")
    fails("NoSuchUpload", 404, s3.upload_part, Bucket=b, Key="m",
          UploadId="0" * 32, PartNumber=1, Body=b"x")
    fails("NoSuchUpload", 404, s3.upload_part, Bucket=b, Key="other",
          UploadId=u, PartNumber=1, Body=b"x")
    fails("NoSuchUpload", 404, s3.abort_multipart_upload, Bucket=b, Key="m",
          UploadId="nonsense")
    fails("NoSuchKey", 404, get, b, "m")
    complete(b, "m", u, done[1:])
    assert get(b, "m") == data(100, 2)
    fails("NoSuchUpload", 404, s3.upload_part, Bucket=b, Key="m",
          UploadId=u, PartNumber=1, Body=b"x")


@test
def multipart_part_again(b):
    u, _ = upload(b, "m", [(1, data(50, 1)), (1, data(60, 2))])
    listed = s3.list_parts(Bucket=b, Key="m", UploadId=u)["Parts"]
    assert [x["Size"] for x in listed] == [60]
    complete(b, "m", u, [{"PartNumber": 1, "ETag": listed[0]["ETag"]}])
    assert get(b, "m") == data(60, 2)


@test
def multipart_abort(b):
    u, _ = upload(b, "m", [(1, data(5 * MIB))])
    s3.abort_multipart_upload(Bucket=b, Key="m", UploadId=u)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=b)
    fails("NoSuchUpload", 404, s3.list_parts, Bucket=b, Key="m", UploadId=u)


@test
def multipart_listing(b):
    ids = {}
    for k in ["a/1", "a/2", "b", "c/d/e", "c/f"]:
        ids[k] = s3.create_multipart_upload(Bucket=b, Key=k)["UploadId"]
    r = s3.list_multipart_uploads(Bucket=b)
    assert {x["Key"]: x["UploadId"] for x in r["Uploads"]} == ids
    r = s3.list_multipart_uploads(Bucket=b, Prefix="a/")
    assert [x["Key"] for x in r["Uploads"]] == ["a/1", "a/2"]
    r = s3.list_multipart_uploads(Bucket=b, Delimiter="/")
    assert [x["Key"] for x in r["Uploads"]] == ["b"]
    assert prefixes(r) == ["a/", "c/"]
    seen, kw = [], {}
    while True:
        r = s3.list_multipart_uploads(Bucket=b, MaxUploads=2, **kw)
        seen += [x["Key"] for x in r["Uploads"]]
        if not r["IsTruncated"]:
            break
        kw = {"KeyMarker": r["NextKeyMarker"],
              "UploadIdMarker": r["NextUploadIdMarker"]}
    assert seen == sorted(ids)


@test
def multipart_copy(b):
    d = data(12 * MIB)
    put(b, "s", d)
    u = s3.create_multipart_upload(Bucket=b, Key="m")["UploadId"]
    done = []
    for n, (first, last) in enumerate([(0, 6 * MIB - 1),
                                       (6 * MIB, 12 * MIB - 1)], 1):
        r = s3.upload_part_copy(
            Bucket=b, Key="m", UploadId=u, PartNumber=n,
            CopySource={"Bucket": b, "Key": "s"},
            CopySourceRange="bytes=%d-%d" % (first, last))
        done.append({"PartNumber": n, "ETag": r["CopyPartResult"]["ETag"]})
    fails("InvalidArgument", 400, s3.upload_part_copy, Bucket=b, Key="m",
          UploadId=u, PartNumber=3, CopySource={"Bucket": b, "Key": "s"},
          CopySourceRange="bytes=0-%d" % len(d))
    complete(b, "m", u, done)
    assert get(b, "m") == d


@test
def multipart_checksums(b):
    p = [data(5 * MIB, 1), data(99, 2)]
    u, done = upload(b, "c", [(1, p[0]), (2, p[1])],
                     ChecksumAlgorithm="CRC32")
    nameless = [{k: v for k, v in d.items() if "Checksum" not in k}
                for d in done]
    fails("InvalidRequest", 400, complete, b, "c", u, nameless)
    r = complete(b, "c", u, done)
    want = crc32(b"".join(zlib.crc32(x).to_bytes(4, "big") for x in p))
    assert r["ChecksumCRC32"] == want + "-2", r
    h = s3.head_object(Bucket=b, Key="c", ChecksumMode="ENABLED")
    assert h["ChecksumCRC32"] == want + "-2"
    assert header(h, "x-amz-checksum-type") == "COMPOSITE"
    with headers(x_amz_checksum_type="FULL_OBJECT"):
        fails("InvalidRequest", 400, s3.create_multipart_upload, Bucket=b,
              Key="x", ChecksumAlgorithm="SHA256")
        u = s3.create_multipart_upload(Bucket=b, Key="f",
                                       ChecksumAlgorithm="CRC32")["UploadId"]
    done = []
    for n, d in enumerate(p, 1):
        r = s3.upload_part(Bucket=b, Key="f", UploadId=u, PartNumber=n,
                           Body=d, ChecksumAlgorithm="CRC32")
        done.append({"PartNumber": n, "ETag": r["ETag"],
                     "ChecksumCRC32": r["ChecksumCRC32"]})
    fails("InvalidRequest", 400, s3.upload_part, Bucket=b, Key="f",
          UploadId=u, PartNumber=3, Body=b"x", ChecksumAlgorithm="SHA1")
    with headers(x_amz_checksum_type="FULL_OBJECT"):
        fails("BadDigest", 400, complete, b, "f", u, done,
              ChecksumCRC32=crc32(b"other"))
        complete(b, "f", u, done, ChecksumCRC32=crc32(b"".join(p)))
    h = s3.head_object(Bucket=b, Key="f", ChecksumMode="ENABLED")
    assert h["ChecksumCRC32"] == crc32(b"".join(p))
    assert header(h, "x-amz-checksum-type") == "FULL_OBJECT"
    assert "ChecksumCRC32" not in s3.get_object(
        Bucket=b, Key="f", Range="bytes=0-9", ChecksumMode="ENABLED")


@test
def multipart_conditional(b):
    put(b, "m", b"there")
    u, done = upload(b, "m", [(1, data(100))])
    with headers(If_None_Match="*"):
        fails("PreconditionFailed", 412, complete, b, "m", u, done)
    assert get(b, "m") == b"there"
    complete(b, "m", u, done)
    assert get(b, "m") == data(100)


@test
def transfer_manager(b):
    d = data(21 * MIB + 5)
    s3.upload_fileobj(io.BytesIO(d), b, "big")
    out = io.BytesIO()
    s3.download_fileobj(b, "big", out)
    assert out.getvalue() == d
    h = s3.head_object(Bucket=b, Key="big")
    assert h["ETag"].endswith('-3"')


# Authentication


@test
def presigned(b):
    url = s3.generate_presigned_url("put_object",
                                    {"Bucket": b, "Key": "p q"}, 60)
    status, body, _ = http("PUT", url, b"signed body")
    assert status == 200, body
    url = s3.generate_presigned_url("get_object",
                                    {"Bucket": b, "Key": "p q"}, 60)
    status, body, _ = http("GET", url)
    assert (status, body) == (200, b"signed body")
    status, body, _ = http("GET", url + "&versionId=null")
    assert status == 403 and b"SignatureDoesNotMatch" in body
    status, body, _ = http("GET", url.replace("p%20q", "other"))
    assert status == 403
    status, body, _ = http("DELETE", url)
    assert status == 403
    status, body, _ = http("GET", url, headers={
        "x-amz-checksum-mode": "ENABLED"})
    assert status == 403 and b"AccessDenied" in body
    put_url = s3.generate_presigned_url("put_object",
                                        {"Bucket": b, "Key": "stolen"}, 60)
    status, body, _ = http("PUT", put_url, b"", {
        "x-amz-copy-source": "/%s/p%%20q" % b})
    assert status == 403 and b"AccessDenied" in body
    assert keys(s3.list_objects_v2(Bucket=b)) == ["p q"]


@test
def refused(b):
    put(b, "k")
    for kw in [{"aws_access_key_id": "nobody"},
               {"aws_secret_access_key": "not-the-secret"}]:
        pair = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"]}
        pair.update(kw)
        bad = boto3.client("s3", endpoint_url=endpoint,
                           config=Config(region_name="us-east-1",
                                         signature_version="s3v4"), **pair)
        fails("SignatureDoesNotMatch", 403, bad.get_object, Bucket=b, Key="k")
        fails("SignatureDoesNotMatch", 403, bad.put_object, Bucket=b, Key="j",
              Body=b"x")
        fails("SignatureDoesNotMatch", 403, bad.delete_object, Bucket=b,
              Key="k")
    status, body, _ = http("GET", "%s/%s/k" % (endpoint, b))
    assert status == 403 and b"AccessDenied" in body
    status, body, _ = http("GET", "%s/" % endpoint)
    assert status == 403
    other = client(region_name="eu-central-1")
    url = other.generate_presigned_url("get_object",
                                       {"Bucket": b, "Key": "k"}, 60)
    status, body, _ = http("GET", url)
    assert status == 400 and b"AuthorizationQueryParametersError" in body
    assert keys(s3.list_objects_v2(Bucket=b)) == ["k"]


@test
def errors_say_what(b):
    r = fails("NoSuchKey", 404, get, b, "a<b")
    assert r["ResponseMetadata"]["RequestId"]
    assert r["Error"]["Key"] == "a<b", r
    status, body, headers = http("GET", endpoint + "/" + b)
    assert b"<Resource>/" + b.encode() in body
    assert headers["x-amz-request-id"].encode() in body


@test
def payload_forms(b):
    """Signed and unsigned payloads; trailers where the SDK has them."""
    d = data(300000)
    configs = [{"s3": {"payload_signing_enabled": v,
                       "addressing_style": "path"}} for v in (True, False)]
    if tuple(map(int, botocore.__version__.split(".")[:2])) >= (1, 36):
        configs += [{"request_checksum_calculation": v}
                    for v in ("when_required", "when_supported")]
    for i, config in enumerate(configs):
        c = client(**config)
        c.put_object(Bucket=b, Key="k%d" % i, Body=io.BytesIO(d))
        assert get(b, "k%d" % i) == d


def main():
    load_groups()
    chosen = [t for t in tests if not names or
              t.__name__ in names or t.group in names]
    passed, failed = {}, {}
    print("1..%d" % len(chosen))
    for n, t in enumerate(chosen, 1):
        b = "t-%s-%d" % (t.__name__.replace("_", "-")[:40], os.getpid())
        try:
            s3.create_bucket(Bucket=b)
            t(b)
            try:
                empty(b)
                s3.delete_bucket(Bucket=b)
            except ClientError as e:
                if e.response["Error"]["Code"] != "NoSuchBucket":
                    raise
            passed[t.group] = passed.get(t.group, 0) + 1
            print("ok %d - %s" % (n, t.__name__), flush=True)
        except Exception:
            failed[t.group] = failed.get(t.group, 0) + 1
            print("not ok %d - %s" % (n, t.__name__))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            sys.stdout.flush()
    for group in sorted(set(passed) | set(failed)):
        print("# %-12s %3d passed, %d failed" %
              (group, passed.get(group, 0), failed.get(group, 0)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
