"""CORS: rules, preflight, headers on answers."""

from s3_conformance import endpoint, fails, http, put, s3, test

ALLOW = "Access-Control-Allow-"


def rules(b, *every):
    s3.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": list(every)})


def asked(method, b, key="", **headers):
    status, body, h = http(method, endpoint + "/" + b + key, headers={
        k.replace("_", "-"): v for k, v in headers.items()})
    return status, h.get(ALLOW + "Origin"), h.get(ALLOW + "Methods"), h, body


@test
def cors_rules(b):
    fails("NoSuchCORSConfiguration", 404, s3.get_bucket_cors, Bucket=b)
    rule = {"ID": "one", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins":
            ["http://*.example.com", "*x"], "AllowedHeaders": ["x-amz-*"],
            "ExposeHeaders": ["x-amz-version-id"], "MaxAgeSeconds": 60}
    rules(b, rule, {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]})
    got = s3.get_bucket_cors(Bucket=b)["CORSRules"]
    assert got[0] == rule and got[1]["AllowedMethods"] == ["HEAD"]
    for bad in [dict(rule, AllowedMethods=["OPTIONS"]),
                dict(rule, AllowedOrigins=["*a*"]),
                dict(rule, AllowedHeaders=["*a*"]),
                dict(rule, ExposeHeaders=["*"])]:
        fails("InvalidRequest", 400, rules, b, bad)
    fails("MalformedXML", 400, rules, b, {"AllowedMethods": ["GET"],
                                          "AllowedOrigins": []})
    fails("MalformedXML", 400, rules, b, *[rule] * 101)
    assert len(s3.get_bucket_cors(Bucket=b)["CORSRules"]) == 2
    s3.delete_bucket_cors(Bucket=b)
    fails("NoSuchCORSConfiguration", 404, s3.get_bucket_cors, Bucket=b)


@test
def cors_preflight(b):
    def preflight(method, origin, headers=None):
        more = {"Access_Control_Request_Headers": headers} if headers else {}
        return asked("OPTIONS", b, "/k", Origin=origin,
                     Access_Control_Request_Method=method, **more)
    assert preflight("GET", "http://a.b")[0] == 403
    rules(b, {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins":
              ["http://*.example.com"], "AllowedHeaders": ["x-amz-*"],
              "MaxAgeSeconds": 60},
          {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]})
    s, origin, methods, h, _ = preflight("PUT", "http://a.example.com",
                                         "x-amz-date, X-Amz-Acl")
    assert (s, origin, methods) == (200, "http://a.example.com", "GET, PUT")
    assert h[ALLOW + "Credentials"] == "true"
    assert h["Access-Control-Max-Age"] == "60" and "Origin" in h["Vary"]
    assert h[ALLOW + "Headers"] == "x-amz-date, x-amz-acl"
    for origin, method in ("", "GET"), ("http://other", "PATCH"):
        s, _, _, _, body = preflight(method, origin)
        assert s == 400 and b"<Code>BadRequest<" in body, body
    s, origin, methods, h, _ = preflight("GET", "http://other")
    assert (s, origin, methods) == (200, "*", "GET")
    assert ALLOW + "Credentials" not in h
    s, origin, _, _, body = preflight("PUT", "http://other")
    assert (s, origin) == (403, None) and b"AccessForbidden" in body
    assert preflight("PUT", "http://a.example.com", "content-type")[0] == 403
    assert asked("OPTIONS", b)[0] == 400
    assert asked("OPTIONS", b, Origin="http://a.example.com")[0] == 400
    assert asked("OPTIONS", b + "x", Origin="http://a",
                 Access_Control_Request_Method="GET")[0] == 404


@test
def cors_on_answers(b):
    put(b, "k")
    rules(b, {"AllowedMethods": ["GET"], "AllowedOrigins": ["*suffix"],
              "ExposeHeaders": ["etag"]})
    url = s3.generate_presigned_url("get_object", {"Bucket": b, "Key": "k"})
    status, body, h = http("GET", url, headers={"Origin": "foo.suffix"})
    assert status == 200 and body == b"x"
    assert h[ALLOW + "Origin"] == "foo.suffix"
    assert h["Access-Control-Expose-Headers"] == "etag"
    status, _, h = http("GET", url, headers={"Origin": "foo.other"})
    assert status == 200 and ALLOW + "Origin" not in h
    assert asked("GET", b, "/k", Origin="a.suffix")[:2] == (403, "a.suffix")
    assert asked("PUT", b, "/k", Origin="a.suffix")[:2] == (403, None)
