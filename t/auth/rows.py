"""rows: one for each operation of the server's route table: what a good
request has for a body (None: it is not read), and headers."""

import base64
import hashlib
import io
import os
import re
import tarfile

ROUTE_C = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../cmd/ec-s3d/route.c")
ROUTE = re.compile(r"""
    (?: ROW | NONE ) \( \s* "(\w+)", \s* "(\w+)", \s* (\w+), \s*
        (NULL | "[\w-]+") (?: , \s* \w+ )? \s* \)
  | \{ \s* "(\w+)", \s* "(\w+)", \s* ROUTE_(\w+), \s* (NULL | "[\w-]+"), \s*
        "([\w-]+)", \s* \w+ \s* \}""", re.X)

# A line feed behind each can be changed without making it wrong.
TAGS = (b"<Tagging><TagSet><Tag><Key>k</Key><Value>changed</Value></Tag>"
        b"</TagSet></Tagging>\n")
ACL = b"<AccessControlPolicy/>\n"
POLICY = b'{"Version":"2012-10-17","Statement":[]}\n'
DELETE = b"<Delete><Object><Key>k</Key></Object></Delete>\n"


def tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        t.addfile(tarfile.TarInfo("from-an-archive"))
    return out.getvalue()


READ = {
    "AssumeRole": b"Action=AssumeRole&Version=2011-06-15&RoleSessionName=abc"
                  b"&RoleArn=arn:aws:iam::000000000000:user/x&Tail=\n",
    "PutBucketVersioning": b"<VersioningConfiguration><Status>Suspended"
                           b"</Status></VersioningConfiguration>\n",
    "PutBucketAcl": ACL,
    "PutObjectAcl": ACL,
    "PutBucketOwnershipControls":
        b"<OwnershipControls><Rule><ObjectOwnership>ObjectWriter"
        b"</ObjectOwnership></Rule></OwnershipControls>\n",
    "PutBucketPolicy": POLICY,
    "PutBucketCors": b"<CORSConfiguration><CORSRule><AllowedOrigin>*"
                     b"</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
                     b"</CORSRule></CORSConfiguration>\n",
    "PutBucketTagging": TAGS,
    "PutObjectTagging": TAGS,
    "PutPublicAccessBlock":
        b"<PublicAccessBlockConfiguration><BlockPublicAcls>true"
        b"</BlockPublicAcls></PublicAccessBlockConfiguration>\n",
    "PutObjectLockConfiguration":
        b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
        b"</ObjectLockEnabled></ObjectLockConfiguration>\n",
    "PutObjectRetention": b"<Retention><Mode>GOVERNANCE</Mode>"
                          b"<RetainUntilDate>2099-01-01T00:00:00Z"
                          b"</RetainUntilDate></Retention>\n",
    "PutObjectLegalHold": b"<LegalHold><Status>ON</Status></LegalHold>\n",
    "CreateBucket": b"<CreateBucketConfiguration/>\n",
    "DeleteObjects": DELETE,
    "PutObject": b"what was not there before\n",
    "PutObjectExtract": tar(),
    "UploadPart": b"a part that was not there before\n",
    "CompleteMultipartUpload":
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        b"<ETag>x</ETag></Part></CompleteMultipartUpload>\n",
}
UNREAD = """
ListBuckets GetBucketLocation GetBucketVersioning GetBucketAcl
GetBucketOwnershipControls GetBucketRequestPayment GetBucketLogging
GetBucketAccelerateConfiguration GetBucketNotificationConfiguration
GetBucketLifecycleConfiguration GetBucketPolicyStatus GetBucketPolicy
GetBucketCors GetBucketTagging GetBucketWebsite GetBucketEncryption
GetObjectLockConfiguration GetBucketReplication GetPublicAccessBlock
GetBucketAnalyticsConfiguration GetBucketIntelligentTieringConfiguration
GetBucketInventoryConfiguration GetBucketMetricsConfiguration
GetBucketMetadataTableConfiguration GetBucketMetadataConfiguration
CreateSession GetBucketAbac ListMultipartUploads ListObjectVersions
GetBucketArchive ListObjectsV2 ListObjects HeadBucket PutBucketRequestPayment PutBucketLogging
PutBucketAccelerateConfiguration PutBucketNotificationConfiguration
PutBucketLifecycleConfiguration PutBucketWebsite PutBucketEncryption
PutBucketReplication
PutBucketAnalyticsConfiguration PutBucketIntelligentTieringConfiguration
PutBucketInventoryConfiguration PutBucketMetricsConfiguration
PutBucketMetadataTableConfiguration PutBucketMetadataConfiguration
PutBucketAbac UpdateBucketMetadataJournalTable
UpdateBucketMetadataInventoryTable DeleteBucketOwnershipControls
DeleteBucketLifecycleConfiguration DeleteBucketPolicy DeleteBucketCors
DeleteBucketTagging DeleteBucketWebsite DeleteBucketEncryption
DeleteBucketReplication DeletePublicAccessBlock
DeleteBucketAnalyticsConfiguration DeleteBucketIntelligentTieringConfiguration
DeleteBucketInventoryConfiguration DeleteBucketMetricsConfiguration
DeleteBucketMetadataTableConfiguration DeleteBucketMetadataConfiguration
DeleteBucketAbac DeleteBucket CreateBucketMetadataTable
CreateBucketMetadataConfiguration PostObject ListParts GetObjectAcl
GetObjectTagging GetObjectAttributes GetObjectRetention GetObjectLegalHold
GetObjectTorrent GetObject HeadObject UploadPartCopy
RenameObject UpdateObjectEncryption CopyObject
CreateMultipartUpload SelectObjectContent RestoreObject AbortMultipartUpload
DeleteObjectTagging DeleteObject
""".split()
QUERY = {
    "archive": "archive=tar",
    "list-type": "list-type=2",
    "uploadId": "partNumber=1&uploadId=%s",
}
HEADERS = {
    "PutObjectExtract": {"x-amz-meta-snowball-auto-extract": "true"},
    "GetObjectAttributes": {"x-amz-object-attributes": "ETag"},
    "DeleteObjects": {"content-md5": base64.b64encode(
        hashlib.md5(DELETE).digest()).decode()},
}


class Op:
    def __init__(self, upload, name, method, on, query, header):
        self.name, self.method = name, method
        self.target = {"SERVICE": "/", "BUCKET": "/box",
                       "OBJECT": "/box/k"}[on]
        if name == "CreateBucket":
            self.target += "-new"
        if query:
            q = QUERY.get(query, query)
            self.target += "?" + (q % upload if "%" in q else q)
        self.service = "sts" if on == "SERVICE" and method == "POST" else "s3"
        self.headers = dict(HEADERS.get(name, {}))
        if header:
            self.headers.setdefault(header, "/box/k")
        self.body = READ.get(name)


def table(upload):
    """All operations, and what is wrong with the rows."""
    with open(ROUTE_C, encoding="ascii") as f:
        text = f.read().split("table[] = {")[1].split("\n};")[0]
    ops = []
    for m in ROUTE.finditer(text):
        name, method, on, query = (m.group(i) or m.group(i + 4)
                                   for i in (1, 2, 3, 4))
        ops.append(Op(upload, name, method, on,
                      None if query == "NULL" else query.strip('"'),
                      m.group(9)))
    names, rows = {op.name for op in ops}, set(READ) | set(UNREAD)
    wrong = ["no row for " + n for n in sorted(names - rows)]
    wrong += ["no operation " + n for n in sorted(rows - names)]
    left = re.sub(r"[\s,]", "", ROUTE.sub("", text))
    if left:
        wrong.append("not understood in route.c: " + left[:100])
    return ops, wrong
