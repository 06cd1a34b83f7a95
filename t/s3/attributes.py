"""GetObjectAttributes, parts of objects."""

from s3_conformance import (MIB, complete, data, fails, http, put, s3, test,
                            upload)

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


@test
def attributes(b):
    etag = put(b, "k", b"abc", ChecksumAlgorithm="SHA256")["ETag"]
    a = s3.get_object_attributes(Bucket=b, Key="k", ObjectAttributes=ALL)
    assert a["ETag"] == etag.strip('"') and a["ObjectSize"] == 3
    assert a["StorageClass"] == "STANDARD" and "ObjectParts" not in a
    assert "ChecksumSHA256" in a["Checksum"] and "LastModified" in a
    a = s3.get_object_attributes(Bucket=b, Key="k",
                                 ObjectAttributes=["ObjectSize"])
    assert "ETag" not in a and a["ObjectSize"] == 3
    fails("InvalidArgument", 400, s3.get_object_attributes, Bucket=b,
          Key="k", ObjectAttributes=["Nonsense"])
    fails("NoSuchKey", 404, s3.get_object_attributes, Bucket=b, Key="none",
          ObjectAttributes=ALL)


@test
def attributes_of_parts(b):
    parts = [data(5 * MIB, 1), data(5 * MIB, 2), b"end"]
    kw = dict(Bucket=b, Key="k")
    u = s3.create_multipart_upload(ChecksumAlgorithm="CRC32", **kw)
    kw["UploadId"] = u["UploadId"]
    done = [dict(s3.upload_part(PartNumber=i, Body=p,
                                ChecksumAlgorithm="CRC32", **kw),
                 PartNumber=i) for i, p in enumerate(parts, 1)]
    sums = [d["ChecksumCRC32"] for d in done]
    s3.complete_multipart_upload(MultipartUpload={"Parts": [
        {k: d[k] for k in ["ETag", "PartNumber", "ChecksumCRC32"]}
        for d in done]}, **kw)
    a = s3.get_object_attributes(Bucket=b, Key="k", ObjectAttributes=ALL)
    got = a["ObjectParts"]
    assert got["TotalPartsCount"] == 3 and not got["IsTruncated"]
    assert [p["ChecksumCRC32"] for p in got["Parts"]] == sums
    assert [p["Size"] for p in got["Parts"]] == [5 * MIB, 5 * MIB, 3]
    assert a["Checksum"]["ChecksumCRC32"].endswith("-3")
    got = s3.get_object_attributes(
        Bucket=b, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1,
        PartNumberMarker=1)["ObjectParts"]
    assert [p["PartNumber"] for p in got["Parts"]] == [2]
    assert got["IsTruncated"] and got["NextPartNumberMarker"] == 2
    h = s3.head_object(Bucket=b, Key="k", PartNumber=2)
    assert h["PartsCount"] == 3 and h["ContentLength"] == 5 * MIB
    assert s3.get_object(Bucket=b, Key="k", PartNumber=3)["Body"].read() \
        == b"end"
    fails("InvalidPartNumber", 416, s3.get_object, Bucket=b, Key="k",
          PartNumber=4)


@test
def attributes_of_parts_without_checksums(b):
    u, done = upload(b, "k", enumerate([data(5 * MIB), b"x"], 1))
    complete(b, "k", u, done)
    got = s3.get_object_attributes(Bucket=b, Key="k",
                                   ObjectAttributes=ALL)["ObjectParts"]
    assert got["TotalPartsCount"] == 2
    assert [(p["PartNumber"], p["Size"]) for p in got["Parts"]] == [
        (1, 5 * MIB), (2, 1)]


@test
def lists_tell_checksums(b):
    """As text, for older SDKs do not know the elements."""
    put(b, "a")
    put(b, "b", ChecksumAlgorithm="SHA256")
    u, done = upload(b, "c", [(1, b"x")], ChecksumAlgorithm="CRC32")
    complete(b, "c", u, done)
    put(b, "b", ChecksumAlgorithm="SHA256")
    s3.put_object_tagging(Bucket=b, Key="b", Tagging={"TagSet": []})
    for name in "list_objects", "list_objects_v2", "list_object_versions":
        url = s3.generate_presigned_url(name, Params={"Bucket": b})
        text = http("GET", url)[1].decode()
        got = [tuple(part.split(tag)[1][1:].split("<")[0]
                     for tag in ("ChecksumAlgorithm", "ChecksumType"))
               for part in text.split("<Key>")[1:]]
        assert got[1:] == [("SHA256", "FULL_OBJECT"),
                           ("CRC32", "COMPOSITE")], (name, got)
        assert got[0][1] == "FULL_OBJECT" and got[0][0], got
