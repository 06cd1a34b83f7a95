"""The minio Python client."""

import io
import os
from urllib.parse import urlparse

from minio import Minio
from minio.commonconfig import CopySource, Tags
from minio.versioningconfig import ENABLED, VersioningConfig

client = Minio(endpoint=urlparse(os.environ["S3_URL"]).netloc,
               access_key=os.environ["AWS_ACCESS_KEY_ID"],
               secret_key=os.environ["AWS_SECRET_ACCESS_KEY"], secure=False)
b = "minio-py-%d" % os.getpid()
client.make_bucket(bucket_name=b)
for size in [0, 1, 70000, 17 * 1024 * 1024]:
    data = os.urandom(size)
    client.put_object(bucket_name=b, object_name="a/b c",
                      data=io.BytesIO(data), length=size)
    answer = client.get_object(bucket_name=b, object_name="a/b c")
    assert answer.read() == data
    answer.close()
client.copy_object(bucket_name=b, object_name="copy",
                   source=CopySource(bucket_name=b, object_name="a/b c"))
client.set_bucket_versioning(bucket_name=b, config=VersioningConfig(ENABLED))
tags = Tags.new_object_tags()
tags["k"] = "v"
client.set_object_tags(bucket_name=b, object_name="copy", tags=tags)
assert client.get_object_tags(bucket_name=b, object_name="copy") == {"k": "v"}
client.remove_object(bucket_name=b, object_name="copy")
for o in client.list_objects(bucket_name=b, recursive=True,
                             include_version=True):
    client.remove_object(bucket_name=b, object_name=o.object_name,
                         version_id=o.version_id)
client.remove_bucket(bucket_name=b)
