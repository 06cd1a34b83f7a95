"""bugs: the defects that seeded.py plants."""
from dataclasses import dataclass


@dataclass
class Bug:
    name: str
    what: str
    file: str
    old: str
    new: str
    tests: list
    only: str = ""      # of a bats file's tests: those of this name


def unit(*names):
    return ["build/plain/t/unit/" + n for n in names]


POWER = ["t/8600-power.bats"]

BUGS = [
    Bug("no-flush", "a batch of records is answered without fdatasync",
        "libec/drive/journal.c",
        "		if (fdatasync(s->fd) != 0) {",
        "		if (0) {", POWER),
    Bug("no-folder-flush", "a shard file's folder is not flushed",
        "libec/drive/shards.c",
        "	if (e == EC_OK && fsync(w->folder_fd) != 0)",
        "	if (0)", ["t/8200-fault-put.bats"], only="cannot be flushed"),
    Bug("quorum-less-one", "a write is answered one drive too early",
        "libec/set/quorum.c",
        "	return k == m ? k + 1 : k;", "	return k;",
        unit("set-quorum")),
    Bug("no-bitrot-check", "a hash that differs is taken as good",
        "libec/codec/bitrot.c",
        "	return memcmp(have, sum, sizeof(have)) == 0;",
        "	return have[0] == sum[0] || len > 0;", unit("heal-key")),
    Bug("unverified-rebuild", "a leaf is rebuilt from what was not verified",
        "libec/codec/sources.c",
        "		have[i] = leaf == leaves;",
        "		have[i] = true;", unit("heal-key", "decode-rebuild")),
    Bug("record-before-data", "a version is committed without its shards",
        "libec/set/put_stream.c",
        "		durable[slot] = put_flow_err(ps->flow, i) == EC_OK;",
        "		durable[slot] = true;", unit("set-faults")),
    Bug("stale-generation", "a drive takes an older record over a newer one",
        "libec/drive/index_apply.c",
        "	if (stamp_cmp(&s, &r->stamp) <= 0)",
        "	if (true)", unit("store-locks", "drive-follow", "drive-model")),
    Bug("unsigned-header", "an x-amz- header need not be signed",
        "cmd/ec-s3d/sigv4.c",
        '		if (strncasecmp(in->headers[i].name, "x-amz-", 6) == 0 &&',
        '		if (strncasecmp(in->headers[i].name, "x-amz-", 6) > 9 &&',
        unit("s3d-sigv4")),
    Bug("tombstone-dropped", "heal drops tombstones that still hide something",
        "libec/set/heal.c",
        "	HEAL_TOMBSTONE_AGE_S = 7 * 86400,",
        "	HEAL_TOMBSTONE_AGE_S = 0,",
        ["t/3100-ec-heal.bats"], only="a tombstone stays"),
    Bug("heal-done-early", "an item leaves the heal queue without being healed",
        "libec/store/repair_work.c",
        "	if (e == EC_OK && !w->p->dry)\n		heal_queue_done(j->s,",
        "	if (!w->p->dry)\n		heal_queue_done(j->s,",
        ["t/3100-ec-heal.bats"], only="what was written without a drive"),
    Bug("no-lock", "a commit does not take the lock of its key",
        "libec/store/store_lock.c",
        "	lock_name(name, bucket, key);\n"
        "	return lock_service_take(st->locks, name, true, STORE_LOCK_MS,\n"
        "	    &h->own[1]);", "	return EC_OK;", unit("store-locks")),
    Bug("strcmp-on-secrets", "signatures are compared up to a difference",
        "libec/base/digest.c",
        "	return CRYPTO_memcmp(a, b, len) == 0;",
        "	return memcmp(a, b, len) == 0;",
        unit("base-digest") + ["t/0100-constant-time.bats"]),
]
