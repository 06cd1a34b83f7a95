"""Tags of buckets and objects."""

from s3_conformance import fails, s3, test


def tag_set(**tags):
    return {"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}


@test
def bucket_tags(b):
    fails("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=b)
    tags = tag_set(a="b", leer="", **{"ä ö&<>": "=+ /:@"})
    s3.put_bucket_tagging(Bucket=b, Tagging=tags)
    assert s3.get_bucket_tagging(Bucket=b)["TagSet"] == tags["TagSet"]
    s3.put_bucket_tagging(Bucket=b, Tagging=tag_set(
        **{"k%d" % i: "v" * 256 for i in range(50)}))
    assert len(s3.get_bucket_tagging(Bucket=b)["TagSet"]) == 50
    for bad in [tag_set(**{"k%d" % i: "v" for i in range(51)}),
                tag_set(**{"k" * 129: "v"}), tag_set(k="v" * 257),
                {"TagSet": [{"Key": "a", "Value": "1"}] * 2},
                tag_set(**{"aws:x": "y"})]:
        fails("InvalidTag", 400, s3.put_bucket_tagging, Bucket=b, Tagging=bad)
    assert len(s3.get_bucket_tagging(Bucket=b)["TagSet"]) == 50
    s3.delete_bucket_tagging(Bucket=b)
    fails("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=b)
    s3.delete_bucket_tagging(Bucket=b)
    fails("NoSuchBucket", 404, s3.put_bucket_tagging, Bucket=b + "x",
          Tagging=tag_set(a="b"))


def tags_of(b, key, **kw):
    return {t["Key"]: t["Value"] for t in s3.get_object_tagging(
        Bucket=b, Key=key, **kw)["TagSet"]}


@test
def object_tags(b):
    for size in [0, 1, 5 * 1024 * 1024]:
        s3.put_object(Bucket=b, Key="k", Body=b"x" * size,
                      Metadata={"m": "n"})
        etag = s3.head_object(Bucket=b, Key="k")["ETag"]
        assert tags_of(b, "k") == {}
        for tags in [{"a": "1"}, {"b": "", "ä&=": "+ /"}, {}, {"c": "3"}]:
            s3.put_object_tagging(Bucket=b, Key="k", Tagging=tag_set(**tags))
            assert tags_of(b, "k") == tags
            got = s3.get_object(Bucket=b, Key="k")
            assert got.get("TagCount", 0) == len(tags)
            assert got["Metadata"] == {"m": "n"} and got["ETag"] == etag
            assert len(got["Body"].read()) == size
        s3.delete_object_tagging(Bucket=b, Key="k")
        assert tags_of(b, "k") == {}
    s3.put_object_tagging(Bucket=b, Key="k", Tagging=tag_set(x="y"))
    s3.put_object(Bucket=b, Key="k", Body=b"new")
    assert tags_of(b, "k") == {}
    for bad in [tag_set(**{"k%d" % i: "v" for i in range(11)}),
                tag_set(**{"k" * 129: "v"}), tag_set(k="v" * 257)]:
        fails("InvalidTag", 400, s3.put_object_tagging, Bucket=b, Key="k",
              Tagging=bad)
    fails("NoSuchKey", 404, s3.put_object_tagging, Bucket=b, Key="none",
          Tagging=tag_set(a="b"))
    fails("NoSuchKey", 404, s3.get_object_tagging, Bucket=b, Key="none")


@test
def object_tags_with_the_object(b):
    s3.put_object(Bucket=b, Key="k", Tagging="a=1&b=%C3%A4+x")
    assert tags_of(b, "k") == {"a": "1", "b": "ä x"}
    source = {"Bucket": b, "Key": "k"}
    s3.copy_object(Bucket=b, Key="c", CopySource=source)
    assert tags_of(b, "c") == {"a": "1", "b": "ä x"}
    s3.copy_object(Bucket=b, Key="c", CopySource=source, Tagging="z=9",
                   TaggingDirective="REPLACE")
    assert tags_of(b, "c") == {"z": "9"}
    u = s3.create_multipart_upload(Bucket=b, Key="m", Tagging="q=r")
    part = s3.upload_part(Bucket=b, Key="m", UploadId=u["UploadId"],
                          PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        Bucket=b, Key="m", UploadId=u["UploadId"], MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert tags_of(b, "m") == {"q": "r"}
    s3.put_object_tagging(Bucket=b, Key="m", Tagging=tag_set(s="t"))
    assert tags_of(b, "m") == {"s": "t"}
    assert s3.get_object(Bucket=b, Key="m")["Body"].read() == b"x"
    fails("InvalidTag", 400, s3.put_object, Bucket=b, Key="k", Tagging="&".
          join("k%d=v" % i for i in range(11)))


@test
def object_tags_of_versions(b):
    s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={
        "Status": "Enabled"})
    ids = [s3.put_object(Bucket=b, Key="k", Body=b"%d" % i)["VersionId"]
           for i in range(3)]
    for i, v in enumerate(ids):
        for again in range(3):
            s3.put_object_tagging(Bucket=b, Key="k", VersionId=v,
                                  Tagging=tag_set(n=str(i * again)))
    for i, v in enumerate(ids):
        assert tags_of(b, "k", VersionId=v) == {"n": str(i * 2)}
        assert s3.get_object(Bucket=b, Key="k", VersionId=v)["Body"].read() \
            == b"%d" % i
    assert tags_of(b, "k") == {"n": "4"}
    versions = s3.list_object_versions(Bucket=b)["Versions"]
    assert [v["VersionId"] for v in versions] == ids[::-1]
    assert [v["IsLatest"] for v in versions] == [True, False, False]
    s3.delete_object(Bucket=b, Key="k", VersionId=ids[2])
    assert tags_of(b, "k") == {"n": "2"}
    marker = s3.delete_object(Bucket=b, Key="k")["VersionId"]
    fails("MethodNotAllowed", 405, s3.get_object_tagging, Bucket=b, Key="k",
          VersionId=marker)
    fails("NoSuchKey", 404, s3.get_object_tagging, Bucket=b, Key="k")
