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
