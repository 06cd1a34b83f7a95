"""model: what S3 promises of one bucket, as plain lists and dictionaries.

A version is a Version; a key's are in a list, the newest first.  Each method
does one operation and returns what a client must see: (status, facts), where
facts are compared as far as both sides have them.  Version ids are the
server's own; the model is told of them (bind), and knows the rest.
"""
import hashlib
from dataclasses import dataclass, field


@dataclass
class Version:
    data: bytes = b""
    etag: str = ""
    marker: bool = False
    null: bool = False
    id: str = "null"
    meta: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)


@dataclass
class Upload:
    key: str
    id: str = ""
    parts: dict = field(default_factory=dict)   # number: bytes


def md5(data):
    return hashlib.md5(data).hexdigest()


class Model:
    def __init__(self):
        self.keys = {}
        self.uploads = []
        self.versioning = "Off"

    def current(self, key):
        """The object, or None: there is none, or a marker on top."""
        versions = self.keys.get(key)
        return versions[0] if versions and not versions[0].marker else None

    def nth(self, key, n):
        versions = self.keys.get(key)
        return versions[n % len(versions)] if versions else None

    def add(self, key, version):
        versions = self.keys.setdefault(key, [])
        if self.versioning != "Enabled":
            version.null = True
            versions[:] = [v for v in versions if not v.null]
        versions.insert(0, version)
        return version

    def drop(self, key, version):
        self.keys[key].remove(version)
        if not self.keys[key]:
            del self.keys[key]

    def put(self, key, data, meta, tags, match=None):
        """${match}: "*" for only if there is none, or an ETag."""
        now = self.current(key)
        if match == "*" and now is not None:
            return 412, {}
        if match not in (None, "*"):
            if now is None:
                return 404, {}
            if now.etag != match:
                return 412, {}
        v = self.add(key, Version(data, md5(data), meta=meta, tags=tags))
        return 200, {"etag": v.etag, "new": v}

    def seen(self, v):
        return {"data": v.data, "etag": v.etag, "meta": v.meta,
                "tags": len(v.tags)}

    def get(self, key):
        v = self.current(key)
        if v is None:
            return 404, {"marker": bool(self.keys.get(key))}
        return 200, self.seen(v)

    def get_version(self, v):
        return (405, {"marker": True}) if v.marker else (200, self.seen(v))

    def get_range(self, key, first, last):
        v = self.current(key)
        if v is None:
            return 404, {}
        if first >= len(v.data):
            return 416, {}
        return 206, {"data": v.data[first:last + 1], "etag": v.etag}

    def delete(self, key):
        if self.versioning == "Off":
            self.keys.pop(key, None)
            return 204, {}
        return 204, {"new": self.add(key, Version(marker=True))}

    def delete_version(self, key, v):
        self.drop(key, v)
        return 204, {}

    def copy(self, source, key, meta):
        """${meta} None: that of the source."""
        v = self.current(source)
        if v is None:
            return 404, {}
        if source == key and meta is None:
            return 400, {}
        new = self.add(key, Version(v.data, md5(v.data), meta=dict(
            v.meta if meta is None else meta), tags=dict(v.tags)))
        return 200, {"etag": new.etag, "new": new}

    def list(self, prefix, delimiter):
        """Keys with ETag and size, and common prefixes, all in order."""
        entries, common = {}, set()
        for key in self.keys:
            v = self.current(key)
            if v is None or not key.startswith(prefix):
                continue
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            if at >= 0:
                common.add(key[:at + len(delimiter)])
            else:
                entries[key] = (v.etag, len(v.data))
        return 200, {"keys": [(k, *entries[k]) for k in sorted(
            entries, key=str.encode)], "prefixes": sorted(common,
                                                          key=str.encode)}

    def list_versions(self):
        return 200, {"versions": [
            (key, v.id, v is versions[0], v.marker)
            for key, versions in sorted(self.keys.items(),
                                        key=lambda e: e[0].encode())
            for v in versions]}

    def begin(self, key):
        self.uploads.append(Upload(key))
        return 200, {"upload": self.uploads[-1]}

    def part(self, upload, number, data):
        upload.parts[number] = data
        return 200, {"etag": md5(data)}

    def complete(self, upload):
        if not upload.parts:
            return 400, {}
        numbers = sorted(upload.parts)
        if any(len(upload.parts[n]) < 5 << 20 for n in numbers[:-1]):
            return 400, {}
        self.uploads.remove(upload)
        data = b"".join(upload.parts[n] for n in numbers)
        sums = b"".join(hashlib.md5(upload.parts[n]).digest()
                        for n in numbers)
        v = self.add(upload.key, Version(data, "%s-%d" % (
            md5(sums), len(numbers))))
        return 200, {"etag": v.etag, "new": v}

    def abort(self, upload):
        self.uploads.remove(upload)
        return 204, {}

    def list_parts(self, upload):
        return 200, {"parts": [(n, md5(d), len(d)) for n, d in sorted(
            upload.parts.items())]}

    def list_uploads(self):
        return 200, {"uploads": sorted((u.key, u.id) for u in self.uploads)}

    def tag(self, key, tags):
        v = self.current(key)
        if v is None:
            return 404, {}
        v.tags = tags
        return (200 if tags else 204), {}

    def tags(self, key):
        v = self.current(key)
        return (404, {}) if v is None else (200, {"tagset": v.tags})

    def version_on(self, status):
        self.versioning = status
        return 200, {}
