"""sigv4: Signature Version 4, for tests that make requests by themselves."""

import hashlib
import hmac


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def scope(date, region):
    return "%s/%s/s3/aws4_request" % (date[:8], region)


def signing_key(secret, date, region):
    key = ("AWS4" + secret).encode()
    for part in scope(date, region).split("/"):
        key = mac(key, part)
    return key


def sign(key, region, method, target, headers, payload):
    """The signature of a request; ${headers} are all signed, their names in
    lower case, x-amz-date among them."""
    path, _, query = target.partition("?")
    query = "&".join(sorted(q if "=" in q else q + "="
                            for q in query.split("&") if q))
    names = sorted(headers)
    text = "\n".join([method, path, query] + [
        "%s:%s" % (n, headers[n]) for n in names] + [
        "", ";".join(names), payload])
    date = headers["x-amz-date"]
    return mac(key, "\n".join([
        "AWS4-HMAC-SHA256", date, scope(date, region),
        hashlib.sha256(text.encode()).hexdigest()])).hex()


def authorization(user, region, headers, signature):
    """The header's value."""
    return ("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s"
            % (user, scope(headers["x-amz-date"], region),
               ";".join(sorted(headers)), signature))
