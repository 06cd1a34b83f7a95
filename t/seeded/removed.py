#!/usr/bin/python3
"""removed: take out each flush, each comparison with a quorum and each check of
a hash or signature in turn; a test must go red.

    removed.py [-l] [FILE[:LINE] ...]

Finds the places by patterns, so that none is left out because nobody thought of
it; -l only lists them.  Of the tests for the folder one after the other is run
until one is red.  Prints a line a place and "N of N missed by nobody"; exit
status 1 when all tests stay green for one.
"""
import fnmatch
import os
import re
import sys

sys.dont_write_bytecode = True
from tree import BUILD, ROOT, Tree

# Calls that are taken out become these; make compiles anew only what changed.
FLAGS = ("CFLAGS=-O2 -g -w '-Dplanted_true(...)=1' '-Dplanted_zero(...)=0'",)
CALL = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
QUORUM = r"(?:\w+(?:->|\.))*(?:quorum|need)\b(?!\()|quorum_\w+" + CALL

KINDS = [
    ("flush", "*.c", r"\b(?:fsync|fdatasync)" + CALL + r"(?= [=!]= 0)", "0"),
    ("quorum", "libec/[!bd]*.c", r"(?<= )(<|>=) (%s)" % QUORUM, r"\1 (\2) - 1"),
    ("hash", "*.c", r"(?<!^)\b(?:bitrot_check|digest_equal)(?=\()",
     "planted_true"),
    ("hash", "libec/*.c", r"(?<= != )(?:checksum_crc32c|frame_crc)(?=\()",
     None),
]

TESTS = [       # the first that fits a file
    ("libec/base/outfile.c", "base-outfile t/8100-fault-encode.bats"),
    ("libec/base/*", "drive-crash drive-fault"),
    ("libec/drive/clone.c", "t/3110-ec-heal-replace.bats"),
    ("libec/drive/quarantine.c", "drive-kept drive-local t/3100-ec-heal.bats"),
    ("libec/drive/*", "drive-crash drive-journal drive-local drive-fault "
     "drive-follow drive-full t/8200-fault-put.bats t/8600-power.bats"),
    ("libec/codec/outputs.c", "t/1020-ec-encode-safety.bats "
     "t/8100-fault-encode.bats"),
    ("libec/codec/*", "decode decode-large shard heal-key heal-parity "
     "t/1010-ec-decode-damage.bats"),
    ("libec/set/*", "set-quorum set-resolve set-basic set-subsets set-faults "
     "heal-key set-drives set-versions set-multipart t/6600-sim.bats set-model"),
    ("libec/net/lock*", "net-lock-client net-lock-state net-lock-own "
     "t/4000-ec-lockd-run.bats t/4100-ec-lockd-faults.bats"),
    ("libec/net/*", "net-peer-auth net-peer-request net-remote-drive"),
    ("libec/store/*", "store-endpoints store-locks t/3100-ec-heal.bats"),
    ("cmd/ec-s3d/*", "s3d-sigv4 s3d-chunked s3d-body s3d-access "
     "t/5000-s3d-basic.bats t/5200-s3d-refusals.bats t/5500-s3d-access.bats "
     "t/5700-s3d-auth-matrix.bats"),
]


def sources():
    for top in ("libec", "cmd"):
        for folder, _, names in sorted(os.walk(os.path.join(ROOT, top))):
            for name in sorted(names):
                if name.endswith(".c"):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def places():
    """(file, line, kind, offset, end, text instead)"""
    for file in sources():
        with open(os.path.join(ROOT, file)) as f:
            text = f.read()
        for kind, where, pattern, instead in KINDS:
            if not fnmatch.fnmatch(file, where):
                continue
            for m in re.finditer(pattern, text, re.M):
                line = text.count("\n", 0, m.start()) + 1
                if instead is None:     # what it is compared with, too
                    left = re.search(r"le32_get%s != $" % CALL,
                                     text[:m.start()])
                    if left:
                        yield (file, line, kind, left.start(), m.end(),
                               "0 != planted_zero")
                    continue
                yield file, line, kind, m.start(), m.end(), m.expand(instead)


def tests_of(file):
    for pattern, names in TESTS:
        if fnmatch.fnmatch(file, pattern):
            return [n if n.endswith(".bats") else f"{BUILD}/t/unit/{n}"
                    for n in names.split() if n.endswith(".bats") or
                    os.path.exists(os.path.join(ROOT, f"t/unit/{n}.c"))]
    return []


def main():
    only = [a for a in sys.argv[1:] if a != "-l"]
    chosen = [p for p in places() if not only or p[0] in only or
              f"{p[0]}:{p[1]}" in only]
    if "-l" in sys.argv:
        for file, line, kind, *_ in chosen:
            print(f"{file}:{line}: {kind}")
        return
    tree = Tree("removed", *FLAGS)
    seen = 0
    for file, line, kind, start, end, instead in chosen:
        text = tree.read(file)
        tree.write(file, text[:start] + instead + text[end:])
        by = next((t for t in tests_of(file) if not tree.green([t])[0]), None)
        tree.write(file, text)
        seen += by is not None
        print(f"{'seen' if by else 'MISSED':7} {file}:{line}: {kind}"
              f"{', ' + os.path.basename(by) if by else ''}", flush=True)
    print(f"{seen} of {len(chosen)} removals seen")
    tree.remove()
    sys.exit(seen < len(chosen))


main()
