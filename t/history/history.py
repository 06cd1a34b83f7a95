#!/usr/bin/python3
"""history: judge recorded histories of clients: is each key a register?

    history.py [FILE ...]

A history is JSON lines, one operation each, in any order:

    {"op": "put", "key": k, "value": v, "start": t, "end": t}
    {"op": "put", ..., "match": w}      done if and because the key held w
    {"op": "put", ..., "refused": true} not done: the key did not hold "match"
    {"op": "get", "key": k, "value": v, "start": t, "end": t}
    {"op": "delete", "key": k, "start": t, "end": t}
    {"op": "list", "prefix": p, "keys": {k: v, ...}, "start": t, "end": t}

Times are of one clock.  A value names the bytes and whose they are: no two
puts have the same.  null is the value of a key that is not there.  A write
without "end" was not answered: it may have happened at any time from its start
on, or never.  Reads without answer tell nothing and are left out.  A list is
one read of each key below its prefix, at any moment of its own.

A key's history is right if its operations can be put in one order, each at a
moment between its start and its end, so that every read gives what the write
before it left.  The search (Wing and Gong's, just in time as Lowe has it) goes
through the answers in order and keeps every state that the key may be in: what
it holds, and which of the operations under way have happened.  What keeps it
short, none of which changes the verdict:

 1. A read that fits what the key holds happens at once.
 2. Values are unique, so none is replaced while a read of it is to come.
 3. Values that nobody reads are all alike (UNREAD), and such puts happen just
    before any other write, unless a put was refused on that key.
 4. Of unanswered writes that are alike the oldest happens first, and a state
    that took more of them than another like it is left out.
 5. Unanswered puts that nobody saw are left out, unless a put was refused
    on that key: one of them may be why.

Prints a line for each key that is wrong and one of counts; exit status 1 when
one is wrong, 2 when a history cannot be read."""

import collections
import json
import sys

UNREAD = ("value", "that nobody reads")
SEARCH_MAX = 2000000


class Op:
    """One operation on one key."""
    __slots__ = ("kind", "value", "start", "end", "line", "match", "bit",
                 "conditional")

    def __init__(self, kind, value, record, line):
        self.kind, self.value, self.line = kind, value, line
        self.start, self.end = record["start"], record.get("end")
        self.conditional = "match" in record and kind != "get"
        self.match = record.get("match")
        self.bit = 0

    def writes(self):
        return self.kind in ("put", "delete")

    def fits(self, state):
        """It may happen when the key holds ${state}."""
        if self.kind == "get":
            return state == self.value
        if self.kind == "refused":
            return state != self.match
        return not self.conditional or state == self.match


LOST, WRONG, OLD = "lost", "wrong bytes", "resurrected"


class Wrong(Exception):
    """No register answers so; the first answer that shows it was of ${kind}:
    what was acknowledged is not there, what is read was never put, or it is an
    older state."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def split(records):
    """{key: [Op, ...]} of all records."""
    keys, lists = collections.defaultdict(list), []
    for line, r in enumerate(records, 1):
        if r["op"] == "list":
            lists.append((line, r))
            continue
        kind = "refused" if r.get("refused") else r["op"]
        if kind not in ("put", "get", "delete", "refused"):
            raise ValueError("line %d: what is %r?" % (line, kind))
        value = None if kind == "delete" else r["value"]
        if r.get("end") is not None or kind in ("put", "delete"):
            keys[r["key"]].append(Op(kind, value, r, line))
    for line, r in lists:
        if r.get("end") is None:
            continue
        for key in set(r["keys"]) - set(keys):
            keys[key] = []
        for key, ops in keys.items():
            if key.startswith(r.get("prefix", "")):
                ops.append(Op("get", r["keys"].get(key), r, line))
    return keys


class Fewest:
    """States, less those that took more unanswered writes than another that
    is like them otherwise (rule 4)."""

    def __init__(self, writes):
        self.open = sum(op.bit for op in writes if op.end is None)
        self.kept = {}

    def taken(self, s):
        return (s[0] & self.open).bit_count()

    def add(self, s):
        """False: there is one as good."""
        took = s[0] & self.open
        kept = self.kept.setdefault((s[0] ^ took, s[1]), [])
        for other in kept:
            if other & took == other:
                return False
        kept[:] = [k for k in kept if k & took != took]
        kept.append(took)
        return True

    def all(self):
        return [(done | took, state) for (done, state), kept in
                self.kept.items() for took in kept]


class Search:
    """The states that one key may be in, from answer to answer."""

    def __init__(self, ops):
        self.ops = ops
        self.free, self.bits = [], 0
        self.writes, self.reads = [], []    # under way or unanswered
        self.last = {}      # value: start of the last answered use of it
        self.states = {(0, None)}
        self.refused = any(op.kind == "refused" for op in ops)
        for op in ops:
            used = op.match if op.conditional else op.value
            if op.kind == "get" or op.conditional:
                needed = op.end is not None and op.kind != "refused"
                self.last[used] = max(self.last.get(used, float("-inf")),
                                      op.start if needed else float("-inf"))
        self.check_values()
        for op in ops:
            if op.kind == "put" and op.value not in self.last:
                op.value = UNREAD
        self.ops = [op for op in ops if op.end is not None or self.refused or
                    op.value is not UNREAD]

    def check_values(self):
        written = {}
        for op in self.ops:
            if op.kind == "put" and written.setdefault(op.value, op) is not op:
                raise ValueError("line %d: a value put twice" % op.line)
        for op in self.ops:
            if op.kind == "get" and op.value is not None:
                put = written.get(op.value)
                if put is None:
                    raise Wrong(WRONG, "line %d: %s was never put" % (
                        op.line, op.value))
                if put.start > op.end:
                    raise Wrong(WRONG, "line %d: %s is read before line %d "
                                "puts it" % (op.line, op.value, put.line))

    def begin(self, op):
        op.bit = self.free.pop() if self.free else 1 << self.bits
        self.bits += op.bit == 1 << self.bits
        if op.writes():
            self.writes.append(op)
        else:
            self.reads.append(op)
            self.states = {self.settle(*s) for s in self.states}

    def settle(self, done, state):
        """Rule 1."""
        for op in self.reads:
            if not done & op.bit and op.fits(state):
                done |= op.bit
        return done, state

    def replaceable(self, state, now):
        """Rule 2: no use of it is to come."""
        return state is None or state is UNREAD or \
            self.last.get(state, now) <= now

    def following(self, done, state, now):
        """The states one write further on."""
        if not self.replaceable(state, now):
            return
        unread, oldest = 0, set()
        for op in self.writes:
            if op.value is UNREAD and op.end is not None and \
                    not op.conditional and not self.refused:
                unread |= op.bit
        for op in self.writes:
            if done & op.bit or not op.fits(state):
                continue
            if op.end is None:
                like = op.value, op.conditional, op.match
                if like in oldest:
                    continue    # rule 4
                oldest.add(like)
            after = done | op.bit
            if not op.conditional:
                after |= unread
            yield self.settle(after, op.value)

    def finish(self, op, now):
        """${op} is answered: only states in which it happened remain."""
        few = Fewest(self.writes)
        edge = [s for s in sorted(self.states, key=few.taken) if few.add(s)]
        steps = 0
        while edge:
            again = []
            for done, state in edge:
                if not done & op.bit:
                    again += [s for s in self.following(done, state, now)
                              if few.add(s)]
            edge = again
            steps += len(edge)
            if steps > SEARCH_MAX:
                raise ValueError("the search is too long; more keys, please")
        out = [s for s in few.all() if s[0] & op.bit]
        if not out:
            held = sorted({str(state) for _, state in self.states})
            old = op.kind == "get" and op.value is not None
            raise Wrong(OLD if old else LOST,
                        "line %d: no order explains this %s of %s; before it "
                        "the key may hold %s" % (op.line, op.kind, op.value,
                                                 ", ".join(held[:6])))
        (self.writes if op.writes() else self.reads).remove(op)
        self.states = {(done & ~op.bit, state) for done, state in out}
        self.free.append(op.bit)

    def forget(self):
        """Unanswered writes that happened in every state need no bit."""
        happened = -1
        for done, _ in self.states:
            happened &= done
        for op in [w for w in self.writes
                   if w.end is None and happened & w.bit]:
            self.writes.remove(op)
            self.states = {(d & ~op.bit, s) for d, s in self.states}
            self.free.append(op.bit)

    def run(self):
        events = [(op.start, 0, n) for n, op in enumerate(self.ops)]
        events += [(op.end, 1, n) for n, op in enumerate(self.ops)
                   if op.end is not None]
        for now, answered, n in sorted(events):
            if not answered:
                self.begin(self.ops[n])
                continue
            self.finish(self.ops[n], now)
            self.forget()


def judge(records):
    """[(key, Wrong), ...] and the number of operations."""
    wrong, count = [], 0
    for key, ops in sorted(split(records).items()):
        count += len(ops)
        try:
            Search(sorted(ops, key=lambda op: op.start)).run()
        except Wrong as e:
            wrong.append((key, e))
    return wrong, count


def main():
    bad = False
    for name in sys.argv[1:] or ["/dev/stdin"]:
        try:
            with open(name) as f:
                wrong, count = judge([json.loads(line) for line in f])
        except (OSError, ValueError, KeyError, TypeError) as e:
            print("history: %s: %r" % (name, e), file=sys.stderr)
            sys.exit(2)
        for key, why in wrong:
            print("%s: %s: %s" % (name, key, why))
        print("%s: %d operations on keys, %d keys wrong" % (
            name, count, len(wrong)))
        bad = bad or bool(wrong)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
