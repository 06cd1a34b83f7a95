#!/usr/bin/python3
"""matrix: operation x form of authentication x mutation against a server.

usage: matrix.py HOST:PORT

Each request of an operation of the server's route table is made in each form,
and then wrong in each way: nothing may be accepted, nothing may change that
any operation can read, and the error must be the one that says why.  Then
each goes unchanged and must pass, so that what was refused was refused for
the change.  Takes a share of the cases by EC_AUTH_SEED (1); all with
EC_AUTH_FULL=1.  Prints TAP."""

import collections
import os
import random
import re
import sys

sys.dont_write_bytecode = True
import ask
import form
import mutations
import rows

PER_OP = 60
CODES = (mutations.BAD | mutations.DENIED | mutations.SCOPE |
         {"InvalidToken", "XAmzContentSHA256Mismatch"})
result = ask.s3_raw.result


class Tally:
    def __init__(self):
        self.cases = self.wrong = 0
        self.accepted, self.dead = [], []
        self.codes = collections.Counter()

    def add(self, name, codes, head, status, code):
        self.cases += 1
        if 200 <= status < 400:
            self.accepted.append(name)
        elif status == 0:
            self.dead.append(name)
        elif not (head and code == "") and code not in codes:
            self.wrong += 1
            self.codes["%s: %s" % (name.split(": ", 1)[1], code)] += 1


def matrix(ops):
    """All cases: (operation, form, mutation)."""
    return [(op, f, m) for op in ops for m in mutations.LIST for f in m[1]
            if m[5] is None or m[5](op)]


def share(cases, seed):
    by_op, rng = collections.defaultdict(list), random.Random(seed)
    for case in cases:
        by_op[case[0].name, case[0].target].append(case)
    return [c for some in by_op.values() for c in rng.sample(
        some, min(PER_OP, len(some)))]


def run(case, tally):
    op, kind, (name, _, codes, before, after, _) = case
    a = ask.Ask(op, kind)
    if before:
        before(a)
    a.sign()
    if after:
        after(a)
    status, code, _ = a.ask()
    tally.add("%s %s: %s" % (op.name, kind, name), codes,
              a.method == "HEAD", status, code)


def state(ops):
    """What every operation that reads says."""
    seen = {}
    for op in ops:
        if op.method == "GET":
            status, _, text = ask.Ask(op, "signed").ask()
            seen[op.name] = status, re.sub(
                b"<(RequestId|HostId)>.*?</", b"", text)
    return seen


def good(ops):
    """Requests that are refused though nothing is wrong with them: the last
    ones remove what the others need."""
    bad = []
    for op in sorted(ops, key=lambda op: op.method == "DELETE"):
        for kind in ask.SIGNED:
            # The body of a request to STS is always signed.
            if op.service == "sts" and kind != "signed":
                continue
            status, code, text = ask.Ask(op, kind).ask()
            if status == 0 or code in CODES:
                bad.append((op.name, kind, status, code, text[:300]))
    return bad


def prepare():
    for target, data in (("/box", b""), ("/box/k", b"what was there")):
        op = rows.Op("", "PutObject", "PUT", "OBJECT", None, None)
        op.target, op.body = target, data
        op.headers = {} if data else {
            "x-amz-bucket-object-lock-enabled": "true"}
        status, _, text = ask.Ask(op, "signed").ask()
        if status != 200:
            sys.exit("%s: %s" % (target, text))
    op.method, op.target, op.body = "POST", "/box/k?uploads", b""
    return re.search(b"<UploadId>(.*?)<", ask.Ask(op, "signed").ask()[2]
                     ).group(1).decode()


def main():
    full = os.environ.get("EC_AUTH_FULL") == "1"
    seed = os.environ.get("EC_AUTH_SEED", "1")
    ops, wrong = rows.table(prepare())
    result(not wrong, "every route has a row", wrong)
    before, tally = state(ops), Tally()
    cases = matrix(ops)
    for case in cases if full else share(cases, seed):
        run(case, tally)
    for name, codes, status, code in form.cases():
        tally.add("PostObject form: " + name, codes, False, status, code)
    after = state(ops)
    result(not tally.accepted, "nothing is accepted", tally.accepted[:20])
    result(not tally.dead, "each gets an answer", tally.dead[:20])
    result(before == after, "nothing is changed", [
        (n, before[n], after[n]) for n in before if before[n] != after[n]])
    result(tally.wrong * 100 <= tally.cases, "99 % of the codes are right",
           tally.codes.most_common(10))
    bad = good(ops) + form.good()
    result(not bad, "what is not changed passes", bad[:3])
    print("# %d of %d cases (seed %s) of %d operations: %d accepted, %d wrong "
          "codes" % (tally.cases,
                     len(cases) + len(form.LIST) + 1, seed, len(ops),
                     len(tally.accepted), tally.wrong))
    if os.environ.get("EC_AUTH_VERBOSE"):
        print("# %s" % tally.codes.most_common(100))
    print("1..%d" % ask.s3_raw.count)
    return ask.s3_raw.failed > 0


sys.exit(main())
