"""Versions, delete markers, conditional deletes, locks."""

import datetime
import urllib.parse
from xml.etree import ElementTree

from s3_conformance import (fails, get, header, headers, http, put, s3,
                            test)


def enable(b, status="Enabled"):
    s3.put_bucket_versioning(Bucket=b,
                             VersioningConfiguration={"Status": status})


def listed(b, **kw):
    """(key, version id, newest, marker) as they come, in pages of two.  SDKs
    sort versions from markers, whose times may be the same."""
    out, at = [], {}
    while at is not None:
        url = s3.generate_presigned_url("list_object_versions", Params=dict(
            Bucket=b, MaxKeys=2, **at, **kw))
        page = ElementTree.fromstring(http("GET", url)[1])
        space = page.tag[:page.tag.index("}") + 1]

        def text(e, name):
            return urllib.parse.unquote(e.findtext(space + name) or "")
        for e in page:
            tag = e.tag[len(space):]
            if tag in ("Version", "DeleteMarker"):
                out.append((text(e, "Key"), text(e, "VersionId"),
                            text(e, "IsLatest") == "true",
                            tag == "DeleteMarker"))
        at = {"KeyMarker": text(page, "NextKeyMarker"),
              "VersionIdMarker": text(page, "NextVersionIdMarker")} \
            if text(page, "IsTruncated") == "true" else None
    return out


@test
def versioning_states(b):
    assert "Status" not in s3.get_bucket_versioning(Bucket=b)
    for status in ["Suspended", "Enabled", "Suspended", "Enabled"]:
        enable(b, status)
        assert s3.get_bucket_versioning(Bucket=b)["Status"] == status
    fails("MalformedXML", 400, enable, b, "Enable")
    fails("NoSuchBucket", 404, enable, b + "x")


@test
def versions_of_a_key(b):
    assert "VersionId" not in put(b, "k", b"zero")
    enable(b)
    ids = [put(b, "k", b"%d" % i)["VersionId"] for i in range(5)]
    assert len(set(ids)) == 5 and "null" not in ids
    assert get(b, "k") == b"4"
    assert get(b, "k", VersionId="null") == b"zero"
    for i, v in enumerate(ids):
        assert get(b, "k", VersionId=v) == b"%d" % i
        assert s3.head_object(Bucket=b, Key="k",
                              VersionId=v)["VersionId"] == v
    assert s3.head_object(Bucket=b, Key="k",
                          VersionId="null")["VersionId"] == "null"
    assert [v for _, v, _, _ in listed(b)] == ids[::-1] + ["null"]
    assert [n for _, _, n, _ in listed(b)] == [True] + [False] * 5
    s3.delete_object(Bucket=b, Key="k", VersionId=ids[4])
    assert get(b, "k") == b"3"
    fails("NoSuchVersion", 404, get, b, "k", VersionId=ids[4])
    s3.delete_object(Bucket=b, Key="k", VersionId="null")
    fails("NoSuchVersion", 404, get, b, "k", VersionId="null")
    fails("InvalidArgument", 400, get, b, "k", VersionId="nonsense")
    answer = s3.delete_object(Bucket=b, Key="k", VersionId=ids[4])
    assert answer["VersionId"] == ids[4]
    fails("BucketNotEmpty", 409, s3.delete_bucket, Bucket=b)


@test
def delete_markers(b):
    enable(b)
    v1 = put(b, "k", b"1")["VersionId"]
    gone = s3.delete_object(Bucket=b, Key="k")
    assert gone["DeleteMarker"] is True
    m = gone["VersionId"]
    e = fails("NoSuchKey", 404, get, b, "k")
    assert header(e, "x-amz-delete-marker") == "true"
    assert header(e, "x-amz-version-id") == m
    fails("404", 404, s3.head_object, Bucket=b, Key="k")
    e = fails("MethodNotAllowed", 405, get, b, "k", VersionId=m)
    assert header(e, "x-amz-delete-marker") == "true"
    assert header(e, "allow") == "DELETE"
    assert get(b, "k", VersionId=v1) == b"1"
    assert "Contents" not in s3.list_objects_v2(Bucket=b)
    assert listed(b) == [("k", m, True, True), ("k", v1, False, False)]
    answer = s3.delete_object(Bucket=b, Key="k", VersionId=m)
    assert answer["DeleteMarker"] is True and answer["VersionId"] == m
    assert get(b, "k") == b"1"
    other = s3.delete_object(Bucket=b, Key="never there")
    assert other["DeleteMarker"] is True


@test
def suspended(b):
    enable(b)
    v1 = put(b, "k", b"1")["VersionId"]
    enable(b, "Suspended")
    assert "VersionId" not in put(b, "k", b"2")
    assert "VersionId" not in put(b, "k", b"3")
    assert s3.get_object(Bucket=b, Key="k")["VersionId"] == "null"
    assert [v for _, v, _, _ in listed(b)] == ["null", v1]
    gone = s3.delete_object(Bucket=b, Key="k")
    assert gone["DeleteMarker"] is True and gone["VersionId"] == "null"
    assert listed(b) == [("k", "null", True, True), ("k", v1, False, False)]
    s3.delete_object(Bucket=b, Key="k", VersionId="null")
    assert get(b, "k") == b"1"
    enable(b)
    v2 = put(b, "k", b"4")["VersionId"]
    assert [v for _, v, _, _ in listed(b)] == [v2, v1]


@test
def versions_deleted_many(b):
    enable(b)
    ids = [put(b, "k%d" % (i % 2), b"x")["VersionId"] for i in range(6)]
    done = s3.delete_objects(Bucket=b, Delete={"Objects": [
        {"Key": "k0"}, {"Key": "k0", "VersionId": ids[0]},
        {"Key": "k1", "VersionId": "bad"}]})
    deleted = {(d["Key"], d.get("VersionId")): d for d in done["Deleted"]}
    marker = deleted["k0", None]["DeleteMarkerVersionId"]
    assert deleted["k0", None]["DeleteMarker"] is True
    assert "DeleteMarker" not in deleted["k0", ids[0]]
    assert done["Errors"][0]["Code"] == "NoSuchVersion"
    done = s3.delete_objects(Bucket=b, Delete={"Objects": [
        {"Key": "k0", "VersionId": marker}]})["Deleted"][0]
    assert done["DeleteMarker"] is True
    assert done["DeleteMarkerVersionId"] == marker
    assert len(listed(b)) == 5


@test
def version_listing(b):
    enable(b)
    ids = {}
    for key in ["a/1", "a/2", "b", "c/1"]:
        ids[key] = [put(b, key, b"x")["VersionId"] for _ in range(3)]
    s3.delete_object(Bucket=b, Key="b")
    assert [k for k, _, _, _ in listed(b)] == ["a/1"] * 3 + ["a/2"] * 3 + \
        ["b"] * 4 + ["c/1"] * 3
    page = s3.list_object_versions(Bucket=b, Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a/", "c/"]
    assert len(page["Versions"]) == 3 and len(page["DeleteMarkers"]) == 1
    page = s3.list_object_versions(Bucket=b, MaxKeys=2)
    assert page["IsTruncated"] and page["NextKeyMarker"] == "a/1"
    page = s3.list_object_versions(Bucket=b, KeyMarker="a/1",
                                   VersionIdMarker=ids["a/1"][1], MaxKeys=1)
    assert page["Versions"][0]["VersionId"] == ids["a/1"][0]
    page = s3.list_object_versions(Bucket=b, KeyMarker="a/1", Prefix="a/")
    assert [v["Key"] for v in page["Versions"]] == ["a/2"] * 3
    fails("InvalidArgument", 400, s3.list_object_versions, Bucket=b,
          VersionIdMarker=ids["b"][0])


@test
def versions_copied(b):
    enable(b)
    ids = [put(b, "k", b"%d" % i)["VersionId"] for i in range(2)]
    answer = s3.copy_object(Bucket=b, Key="c", CopySource={
        "Bucket": b, "Key": "k", "VersionId": ids[0]})
    assert answer["CopySourceVersionId"] == ids[0]
    assert answer["VersionId"] not in ids
    assert get(b, "c") == b"0"
    s3.copy_object(Bucket=b, Key="k", CopySource={
        "Bucket": b, "Key": "k", "VersionId": ids[0]})
    assert get(b, "k") == b"0" and len(listed(b)) == 4
    fails("NoSuchVersion", 404, s3.copy_object, Bucket=b, Key="c",
          CopySource={"Bucket": b, "Key": "k", "VersionId": "0" * 31 + "1"})


@test
def conditional_deletes(b):
    etag = put(b, "k")["ETag"]
    with headers(If_Match='"other"'):
        fails("PreconditionFailed", 412, s3.delete_object, Bucket=b, Key="k")
    get(b, "k")
    for _ in range(2):      # that nothing is there is no failure
        with headers(If_Match=etag):
            s3.delete_object(Bucket=b, Key="k")
        fails("NoSuchKey", 404, get, b, "k")
    put(b, "k")
    with headers(x_amz_if_match_size="2"):
        fails("PreconditionFailed", 412, s3.delete_object, Bucket=b, Key="k")
    with headers(x_amz_if_match_size="1"):
        s3.delete_object(Bucket=b, Key="k")
    fails("NoSuchKey", 404, get, b, "k")


def until(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + \
        datetime.timedelta(seconds=seconds)


@test
def object_lock(b):
    fails("ObjectLockConfigurationNotFoundError", 404,
          s3.get_object_lock_configuration, Bucket=b)
    fails("InvalidBucketState", 409, s3.put_object_lock_configuration,
          Bucket=b, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    put(b, "k")
    fails("InvalidRequest", 400, s3.put_object_legal_hold, Bucket=b, Key="k",
          LegalHold={"Status": "ON"})
    fails("InvalidRequest", 400, put, b, "k", ObjectLockLegalHoldStatus="ON")
    lock = b[:50] + "-l"
    s3.create_bucket(Bucket=lock, ObjectLockEnabledForBucket=True)
    try:
        locked(lock)
    finally:
        for v in s3.list_object_versions(Bucket=lock).get("Versions", []):
            kw = dict(Bucket=lock, Key=v["Key"], VersionId=v["VersionId"])
            s3.put_object_legal_hold(LegalHold={"Status": "OFF"}, **kw)
            s3.delete_object(BypassGovernanceRetention=True, **kw)
        for v in s3.list_object_versions(Bucket=lock).get(
                "DeleteMarkers", []):
            s3.delete_object(Bucket=lock, Key=v["Key"],
                             VersionId=v["VersionId"])
        s3.delete_bucket(Bucket=lock)


def locked(b):
    assert s3.get_bucket_versioning(Bucket=b)["Status"] == "Enabled"
    fails("InvalidBucketState", 409, enable, b, "Suspended")
    fails("NoSuchObjectLockConfiguration", 404, lambda: s3.
          get_object_retention(Bucket=b, Key=put(b, "n") and "n"))
    for rule, code in [({"Mode": "GOVERNANCE", "Days": 1, "Years": 1},
                        "MalformedXML"),
                       ({"Mode": "GOVERNANCE", "Days": 0},
                        "InvalidRetentionPeriod"),
                       ({"Mode": "abc", "Years": 1}, "MalformedXML")]:
        fails(code, 400, s3.put_object_lock_configuration, Bucket=b,
              ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
                                       "Rule": {"DefaultRetention": rule}})
    v = put(b, "k", ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=until(3600))["VersionId"]
    kw = dict(Bucket=b, Key="k", VersionId=v)
    assert s3.head_object(**kw)["ObjectLockMode"] == "GOVERNANCE"
    fails("AccessDenied", 403, s3.delete_object, **kw)
    done = s3.delete_objects(Bucket=b, Delete={"Objects": [
        {"Key": "k", "VersionId": v}]})
    assert done["Errors"][0]["Code"] == "AccessDenied"
    s3.delete_object(Bucket=b, Key="k")     # a marker is always possible

    def retain(mode, seconds, **more):
        s3.put_object_retention(Retention={
            "Mode": mode, "RetainUntilDate": until(seconds)}, **kw, **more)
    fails("AccessDenied", 403, retain, "GOVERNANCE", 60)
    retain("GOVERNANCE", 7200)
    retain("GOVERNANCE", 60, BypassGovernanceRetention=True)
    assert s3.get_object_retention(**kw)["Retention"]["Mode"] == "GOVERNANCE"
    fails("InvalidArgument", 400, retain, "GOVERNANCE", -60)
    fails("MalformedXML", 400, retain, "abc", 60)
    s3.put_object_legal_hold(LegalHold={"Status": "ON"}, **kw)
    assert s3.get_object_legal_hold(**kw)["LegalHold"]["Status"] == "ON"
    fails("AccessDenied", 403, s3.delete_object,
          BypassGovernanceRetention=True, **kw)
    fails("MalformedXML", 400, s3.put_object_legal_hold,
          LegalHold={"Status": "abc"}, **kw)
    s3.put_object_legal_hold(LegalHold={"Status": "OFF"}, **kw)
    s3.delete_object(BypassGovernanceRetention=True, **kw)
    fails("NoSuchVersion", 404, s3.get_object, **kw)
    s3.put_object_lock_configuration(Bucket=b, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {
            "Mode": "GOVERNANCE", "Days": 2}}})
    rule = s3.get_object_lock_configuration(Bucket=b)[
        "ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Mode": "GOVERNANCE", "Days": 2}
    v = put(b, "d")["VersionId"]
    left = s3.get_object_retention(Bucket=b, Key="d")["Retention"][
        "RetainUntilDate"] - until(0)
    assert 86400 < left.total_seconds() <= 2 * 86400
    fails("AccessDenied", 403, s3.delete_object, Bucket=b, Key="d",
          VersionId=v)
