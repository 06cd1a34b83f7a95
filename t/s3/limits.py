"""What is just allowed, and a little more; XML that is an attack."""

from s3_conformance import (fails, get, http, keys, put, s3, test, upload,
                            complete)


@test
def limits_of_objects(b):
    put(b, "k" * 1024)
    fails("KeyTooLongError", 400, put, b, "k" * 1025)
    put(b, "m", Metadata={"a": "v" * 1023, "b": "v" * 1023})
    fails("MetadataTooLarge", 400, put, b, "m",
          Metadata={"a": "v" * 1023, "b": "v" * 1024})
    head = s3.head_object(Bucket=b, Key="m")
    assert head["Metadata"]["b"] == "v" * 1023
    ten = "&".join("k%d=v" % i for i in range(10))
    put(b, "t", Tagging=ten)
    fails("InvalidTag", 400, put, b, "t", Tagging=ten + "&more=v")


@test
def limits_of_parts(b):
    u, done = upload(b, "m", [(10000, b"the last there can be")])
    fails("InvalidArgument", 400, s3.upload_part, Bucket=b, Key="m",
          UploadId=u, PartNumber=10001, Body=b"x")
    fails("MalformedXML", 400, complete, b, "m", u,
          [{"PartNumber": min(i, 10000), "ETag": done[0]["ETag"]}
           for i in range(1, 10002)])
    fails("InvalidPart", 400, complete, b, "m", u,
          [{"PartNumber": i, "ETag": done[0]["ETag"]}
           for i in range(1, 10001)])
    complete(b, "m", u, done)
    assert get(b, "m") == b"the last there can be"


@test
def limits_of_bulk_deletes(b):
    put(b, "k999")
    many = [{"Key": "k%d" % i} for i in range(1000)]
    fails("MalformedXML", 400, s3.delete_objects, Bucket=b,
          Delete={"Objects": many + [{"Key": "k1000"}]})
    assert keys(s3.list_objects_v2(Bucket=b)) == ["k999"]
    gone = s3.delete_objects(Bucket=b, Delete={"Objects": many})
    assert len(gone["Deleted"]) == 1000
    assert keys(s3.list_objects_v2(Bucket=b)) == []


@test
def xml_attacks(b):
    url = s3.generate_presigned_url("get_bucket_versioning",
                                    Params={"Bucket": b}, HttpMethod="PUT")
    root = "<VersioningConfiguration>%s</VersioningConfiguration>"
    lol = "".join('<!ENTITY l%d "%s">' % (i, "&l%d;" % (i - 1) * 10)
                  for i in range(1, 10))
    for attack in [
            '<!DOCTYPE v [<!ENTITY l0 "lol">%s]>' % lol + root % "&l9;",
            '<!DOCTYPE v SYSTEM "file:///etc/passwd">' + root % "",
            '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]>' +
            root % "<Status>&x;</Status>",
            root % ("<a>" * 1000 + "</a>" * 1000),
            root % ("<a/>" * 1000000), root % ("&amp;" * 1000000),
            root % "<Status>Enabled</Status>" + "<v/>",
            root % "<Status>Enabled", root % "<Status>\0</Status>"]:
        status, answer, _ = http("PUT", url, attack.encode())
        assert status == 400 and b"<Code>MalformedXML</Code>" in answer, (
            attack[:80], status, answer)
        assert "Status" not in s3.get_bucket_versioning(Bucket=b)
