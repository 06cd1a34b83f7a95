"""sigv4: Signature Version 4, for tests that make requests by themselves."""

import hashlib
import hmac


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def scope(date, region, service="s3"):
    return "%s/%s/%s/aws4_request" % (date[:8], region, service)


def signing_key(secret, date, region, service="s3"):
    key = ("AWS4" + secret).encode()
    for part in scope(date, region, service).split("/"):
        key = mac(key, part)
    return key


def sign(key, region, method, target, headers, payload, date=None,
         service="s3"):
    """The signature of a request; ${headers} are all signed, their names in
    lower case, x-amz-date among them if ${date} is not given."""
    path, _, query = target.partition("?")
    query = "&".join(sorted(q if "=" in q else q + "="
                            for q in query.split("&") if q))
    names = sorted(headers)
    text = "\n".join([method, path, query] + [
        "%s:%s" % (n, headers[n]) for n in names] + [
        "", ";".join(names), payload])
    date = date or headers["x-amz-date"]
    return mac(key, "\n".join([
        "AWS4-HMAC-SHA256", date, scope(date, region, service),
        hashlib.sha256(text.encode()).hexdigest()])).hex()


def authorization(user, region, headers, signature, date=None,
                  service="s3"):
    """The header's value."""
    return ("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s"
            % (user, scope(date or headers["x-amz-date"], region, service),
               ";".join(sorted(headers)), signature))
