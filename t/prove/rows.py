"""rows: the table that prove.py prints, one entry a row.

A source is a test of make check (a bats file, or the name of a unit test) or a
command of the shell.  VAR=value before it are set for it.
"""
from dataclasses import dataclass, field

CHECK = r"^ok \d+"      # a check of a test that held


@dataclass
class Row:
    name: str
    what: str
    counts: list            # (what is counted, pattern: its groups are added up)
    goals: tuple            # least first count of prove, and of prove-long; 0:
                            # whatever there is
    quick: list
    long: list = field(default_factory=list)    # empty: as quick


def faults(*rows):
    return ["t/cluster/faults.py -l -n %s $EC_BIN %s" % (n, " ".join(rows))
            for n in ("3 -d 4", "5 -d 3")]


CLUSTER = r"^(?:# )?(?:%s), .*: (\d+) times[,:] "     # a row of faults.py
FAULTS = r"(?:: (\d+) faults|: (\d+) points$)"
OPERATIONS = r" times[,:] .*?(\d+) done"

ROWS = [
    Row("C1", "power of all drives cut under load, ext4 and XFS",
        [("cuts", r"(\d+) power cuts and (\d+) of new"),
         ("acknowledged", r"(\d+) acknowledged")], (10, 400),
        ["t/8600-power.bats"], ["EC_POWER=200 t/8600-power.bats"]),
    Row("C2", "kill -9 under load, drives pulled and replaced",
        [("kills", r"(\d+) kills"), ("acknowledged", r"(\d+) acknowledged")],
        (30, 1000), ["t/8400-s3d-kill.bats"],
        ["EC_KILLS=1000 t/8400-s3d-kill.bats"]),
    Row("C3", "each system call of an operation fails, or kills",
        [("faults", FAULTS)], (0, 10000),
        ["t/8100-fault-encode.bats", "t/8200-fault-put.bats",
         "t/8210-fault-get.bats", "t/8300-fault-heal.bats",
         "t/8310-fault-refill.bats", "t/8400-fault-lockd.bats",
         "t/8420-fault-s3d.bats", "drive-fault", "set-faults"],
        ["EC_FAULT_FULL=1 " + t for t in (
            "t/8100-fault-encode.bats", "t/8200-fault-put.bats",
            "t/8210-fault-get.bats", "t/8300-fault-heal.bats",
            "t/8310-fault-refill.bats", "t/8400-fault-lockd.bats",
            "t/8420-fault-s3d.bats", "drive-fault", "set-faults")]),
    Row("C3b", "states that a crash may leave on a drive",
        [("states", r"(\d+) states after a crash")], (2000, 100000),
        ["EC_STATES=2000 drive-crash"], ["EC_STATES=100000 drive-crash"]),
    Row("C3c", "failed fsync and fdatasync",
        [("faults", r"failing fd?a?t?a?sync: (\d+) points")], (0, 1000),
        ["drive-fault"], ["EC_FAULT_FULL=1 drive-fault"]),
    Row("C4", "bits flipped in shards and records",
        [("flips", r"^(?:# )?(?:journal|shards) +\d+ of (\d+)|"
          r"each of (\d+) flipped")], (1000, 800000),
        ["heal-key", "t/3200-heal-faults.bats", "decode"],
        ["heal-key", "t/heal/faults.py $EC_BIN journal shards lost", "decode"]),
    Row("C5", "drives full", [("checks", CHECK)], (0, 0),
        ["drive-full"]),
    Row("C6", "drives pulled, emptied, swapped while it runs",
        [("drives", r"(\d+) drives pulled, (\d+) replaced")], (0, 0),
        ["t/8400-s3d-kill.bats", "t/5400-s3d-hammer.bats"],
        ["EC_KILLS=1000 t/8400-s3d-kill.bats", "t/5400-s3d-hammer.bats"]),
    Row("C7", "every subset of drives away: what can be done, and no more",
        [("subsets", r"(\d+) subsets")], (4096, 4096),
        ["EC_SUBSETS=1 set-subsets"]),
    Row("C8", "a host killed under load",
        [("kills", CLUSTER % "kill-one|kill-all|down")], (0, 0),
        ["t/6510-cluster.bats"], faults("kill-one", "kill-all", "down")),
    Row("C9", "a host hung, cut off, slow",
        [("faults", CLUSTER % "silent|partition|stalled")], (0, 0),
        ["t/6510-cluster.bats",
         "t/cluster/faults.py -n 3 -d 4 $EC_BIN silent stalled"],
        faults("silent", "partition", "stalled")),
    Row("C10", "a drive hung", [("checks", r"a drive hangs( )")], (0, 0),
        ["set-faults"]),
    Row("C11", "replaced drives healed to the same bytes",
        [("patterns", r"^(?:# )?(?:\d\+\d|random) +(\d+) of|"
          r"healed to the same bytes \((\d+)\)")], (0, 800),
        ["heal-key", "t/3200-heal-faults.bats"],
        ["t/heal/faults.py $EC_BIN 2+2 4+2 8+4 random half"]),
    Row("C12", "heal killed or failing at a system call",
        [("faults", FAULTS)], (5, 100),
        ["t/8300-fault-heal.bats", "t/8310-fault-refill.bats"],
        ["EC_FAULT_FULL=1 t/8300-fault-heal.bats",
         "EC_FAULT_FULL=1 t/8310-fault-refill.bats"]),
    Row("C13", "a drive or host returns with what was deleted since",
        [("times", r"^(?:# )?(?:away|week) +(\d+) of|" + CLUSTER % "down")], (0, 0),
        ["t/3200-heal-faults.bats", "t/6510-cluster.bats"],
        ["t/heal/faults.py $EC_BIN away week"] + faults("down")),
    Row("C14", "clients' histories linearizable per key under faults",
        [("operations", OPERATIONS)], (0, 2000000),
        ["t/6510-cluster.bats"],
        faults("kill-one", "kill-all", "drives", "partition", "pairs",
               "coordinator")),
    Row("C15", "clocks an hour apart",
        [("operations", "clocks.*" + OPERATIONS)], (0, 0),
        ["t/cluster/faults.py -n 3 -d 4 $EC_BIN clocks"], faults("clocks")),
    Row("C16", "races of writers, readers, heal and scan",
        [("writes", r"(\d+) writes|(\d+) puts")], (100, 10000),
        ["set-threads", "heal-race", "store-locks"]),
    Row("C17", "deterministic simulation of nodes, drives, messages",
        [("seeds", r"(\d+) seeds"), ("operations", r"(\d+) operations done"),
         ("turns", r"(\d+) turns")], (200, 10000),
        ["t/6600-sim.bats"], ["EC_SEED=1000 EC_SEEDS=10000 t/6600-sim.bats"]),
    Row("C18", "random requests against a model of S3",
        [("requests", r"(\d+) requests against")], (20000, 1000000),
        ["EC_OPERATIONS=20000 t/5900-model.bats"],
        ["EC_OPERATIONS=1000000 t/5900-model.bats"]),
    Row("C19", "keys and paths of every kind",
        [("cases", r"(\d+) cases of keys")], (0, 0), ["t/5910-keys.bats"]),
    Row("C20", "operation x authentication x mutation",
        [("cases", r"(\d+) of \d+ cases")], (1000, 10000),
        ["t/5700-s3d-auth-matrix.bats"],
        ["EC_AUTH_FULL=1 t/5700-s3d-auth-matrix.bats"]),
    Row("C21", "fuzzing of every decoder",
        [("inputs", r"(\d+) inputs"), ("fuzzers", r"^ok +fuzz()/")],
        (0, 1000000000),
        ["make -s fuzz FUZZ_SECONDS=10"], ["make -s fuzz FUZZ_SECONDS=3600"]),
    Row("C22", "requests that parsers disagree on", [("cases", CHECK)],
        (0, 2000), ["net-http-battery", "t/5200-s3d-refusals.bats"]),
    Row("C23", "bounds of memory and connections",
        [("checks", CHECK), ("silent connections", r"(\d+) silent conn")],
        (0, 0), ["t/5800-s3d-ceilings.bats", "t/5710-s3d-advisories.bats",
                 "net-http-server"]),
    Row("B6", "how other stores were broken, by the names of the advisories",
        [("advisories", r"(\d+) advisories")], (50, 50),
        ["t/5710-s3d-advisories.bats"]),
    Row("C24", "hours of load and faults of all kinds, nothing grows",
        [("faults", CLUSTER % "soak"), ("operations", OPERATIONS)],
        (0, 1500), ["t/cluster/faults.py -n 5 -d 3 $EC_BIN soak"],
        ["t/cluster/faults.py -l -n 5 -d 3 $EC_BIN soak"]),
    Row("C25", "sanitizers, static analysis", [("checks", CHECK)], (0, 0),
        ["t/9300-lint.bats"],
        ["make -s lint", "make -s check SANITIZE=address,undefined"]),
    Row("C26", "drives and shards of earlier versions",
        [("checks", CHECK)], (0, 0), ["drive-golden", "shard-golden"]),
    Row("C28", "builds with one defect each, caught",
        [("caught", r"^(\d+) of \d+ caught")], (12, 12),
        ["t/seeded/seeded.py"]),
    Row("", "each flush, quorum and hash check taken out, seen",
        [("seen", r"^(\d+) of \d+ removals")], (0, 0),
        [], ["t/seeded/removed.py"]),
]
