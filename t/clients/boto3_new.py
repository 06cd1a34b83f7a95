"""The newest boto3 with its default settings, and its transfer manager."""

import hashlib
import io
import os

import boto3
from boto3.s3.transfer import TransferConfig

s3 = boto3.client("s3", endpoint_url=os.environ["S3_URL"],
                  region_name="us-east-1")
b = "boto3-%d" % os.getpid()
s3.create_bucket(Bucket=b)
for size in [0, 1, 70000, 20000000]:
    data = os.urandom(size)
    s3.upload_fileobj(io.BytesIO(data), b, "ä k", Config=TransferConfig(
        multipart_threshold=8000000))
    out = io.BytesIO()
    s3.download_fileobj(b, "ä k", out)
    assert hashlib.md5(out.getvalue()).digest() == hashlib.md5(data).digest()
s3.put_object(Bucket=b, Key="k", Body=b"one", IfNoneMatch="*")
try:
    s3.put_object(Bucket=b, Key="k", Body=b"two", IfNoneMatch="*")
    raise AssertionError("overwrote")
except s3.exceptions.ClientError as e:
    assert e.response["Error"]["Code"] == "PreconditionFailed", e
etag = s3.head_object(Bucket=b, Key="k")["ETag"]
s3.put_object(Bucket=b, Key="k", Body=b"three", IfMatch=etag)
s3.delete_object(Bucket=b, Key="k", IfMatch="*")
answer = s3.get_object_attributes(Bucket=b, Key="ä k", ObjectAttributes=[
    "ETag", "Checksum", "ObjectParts", "ObjectSize"])
assert answer["ObjectSize"] == 20000000
assert answer["ObjectParts"]["TotalPartsCount"] == 3
s3.delete_object(Bucket=b, Key="ä k")
s3.delete_bucket(Bucket=b)
