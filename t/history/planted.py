#!/usr/bin/python3
"""planted: does history.py find what is wrong, and nothing else?

    planted.py [OPERATIONS [SEED]]

First thousands of tiny histories with random answers, right and wrong ones,
each judged by trying all orders as well.  Then a large one made by a register
that is right, which must pass, and the same with each kind of violation
planted in turn, which must be found, on the key where it is and no other.
Prints TAP."""

import itertools
import random
import sys
import time

sys.dont_write_bytecode = True
import history

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 1000000
rng = random.Random(SEED)
count = 0


def result(good, name, note=""):
    global count
    count += 1
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    if not good:
        print("# seed %d: %s" % (SEED, note))
        sys.exit(1)
    sys.stdout.flush()


def tiny():
    """Up to six operations whose answers were thrown with dice."""
    out, values = [], ["a", "b", "c", "d", "e", "f"]
    for n in range(rng.randint(1, 6)):
        start = rng.randint(0, 12)
        r = {"op": rng.choice(("put", "put", "put", "get", "get", "delete")),
             "key": "k", "start": start, "end": start + rng.randint(0, 6)}
        if r["op"] == "put":
            r["value"] = values[n]
            if rng.random() < 0.4:
                r["match"] = rng.choice(values[:3] + [None, None])
                if rng.random() < 0.4:
                    r["refused"] = True
        if r["op"] != "get" and not r.get("refused") and rng.random() < 0.3:
            r["end"] = None
        out.append(r)
    puts = [r["value"] for r in out if "value" in r]
    for r in out:
        if r["op"] == "get":
            r["value"] = rng.choice(puts + [None])
    return out


def in_order(order):
    """A register that is given the operations so answers so."""
    state = None
    for n, r in enumerate(order):
        if any(b["end"] is not None and b["end"] < r["start"]
               for b in order[n + 1:]):
            return False
        if r["op"] == "get":
            if r["value"] != state:
                return False
        elif r.get("refused"):
            if r["match"] == state:
                return False
        elif "match" in r and r["match"] != state:
            return False
        else:
            state = r.get("value")
    return True


def some_order(records):
    """The verdict by trying everything."""
    sure = [r for r in records if r["end"] is not None]
    open_ = [r for r in records if r["end"] is None]
    return any(in_order(order)
               for n in range(len(open_) + 1)
               for some in itertools.combinations(open_, n)
               for order in itertools.permutations(sure + list(some)))


class Register:
    """Clients of registers that are right: each operation happens at one
    moment between its start and its end."""

    def __init__(self, clients, keys):
        self.clients, self.keys = clients, ["k%d" % n for n in range(keys)]
        self.held = dict.fromkeys(self.keys)
        self.values = 0

    def value(self):
        self.values += 1
        return "v%d" % self.values

    def operations(self, n):
        busy = [(0, c) for c in range(self.clients)]
        moments, out = [], []
        for _ in range(n):
            at, c = min(busy)
            start = at + rng.randint(1, 5)
            moment = start + rng.randint(0, 30)
            end = moment + rng.randint(0, 30)
            busy[c] = (end, c)
            r = {"start": start, "end": end, "key": rng.choice(self.keys),
                 "op": rng.choices(("put", "get", "delete", "list", "match"),
                                   (30, 50, 8, 1, 11))[0]}
            if rng.random() < 0.02:     # not answered, may happen much later
                r["end"] = None
                moment += rng.choice((0, 0, 300, 10 ** 9))
            moments.append((moment, rng.random(), r))
        for moment, _, r in sorted(moments, key=lambda m: m[:2]):
            self.happen(r)
            out.append(r)
        return out

    def happen(self, r):
        key = r["key"]
        if r["op"] == "list":
            r.update(prefix="k", keys={k: v for k, v in self.held.items()
                                       if v is not None})
        elif r["op"] == "get":
            r["value"] = self.held[key]
        elif r["op"] == "delete":
            self.held[key] = None
        else:
            r["value"] = self.value()
            if r["op"] == "match":
                r["op"] = "put"
                r["match"] = rng.choice((self.held[key], None))
                if r["match"] != self.held[key]:
                    if r["end"] is not None:
                        r["refused"] = True
                    return
            self.held[key] = r["value"]


def op(what, start, end, value=None, **more):
    return {"op": what, "start": start, "end": end, "value": value, **more}


PLANTED = {
    "a stale read": [op("put", 0, 10, "A"), op("put", 20, 30, "B"),
                     op("get", 31, 40, "A")],
    "a lost write": [op("put", 0, 10, "A"), op("get", 11, 20)],
    "a lost overwrite that nobody read": [
        op("put", 0, 10, "A"), op("put", 11, 20, "B"), op("put", 12, 21, "C"),
        op("get", 22, 23, "A")],
    "a resurrection": [op("put", 0, 10, "A"), op("delete", 11, 20),
                       op("get", 21, 30), op("get", 31, 40, "A")],
    "a resurrection that nobody saw gone": [
        op("put", 0, 10, "A"), op("delete", 11, 20), op("get", 31, 40, "A")],
    "a split winner": [op("put", 0, 10, "A"), op("put", 0, 10, "B"),
                       op("get", 11, 12, "A"), op("get", 13, 14, "B")],
    "readers that do not agree while two write": [
        op("put", 0, 100, "A"), op("put", 0, 100, "B"),
        op("get", 10, 20, "A"), op("get", 21, 30, "B"),
        op("get", 31, 40, "A")],
    "a new value, then the old one, while it is written": [
        op("put", 0, 10, "A"), op("put", 20, 90, "B"),
        op("get", 30, 40, "B"), op("get", 41, 50, "A")],
    "two who made the key": [op("put", 0, 10, "A", match=None),
                             op("put", 5, 15, "B", match=None)],
    "two who replaced one value": [
        op("put", 0, 10, "A"), op("put", 20, 30, "B", match="A"),
        op("put", 25, 35, "C", match="A")],
    "a condition refused that held": [
        op("put", 0, 10, "A"),
        op("put", 20, 30, "B", match="A", refused=True),
        op("get", 31, 40, "A")],
    "bytes that nobody wrote": [op("put", 0, 10, "A"),
                                op("get", 20, 30, "Z")],
    "a value from the future": [op("get", 0, 10, "A"),
                                op("put", 20, 30, "A")],
    "a failed write that comes and goes": [
        op("put", 0, 10, "A"), op("put", 20, None, "B"),
        op("get", 30, 40, "B"), op("get", 41, 50, "A")],
    "one failed delete that took two values": [
        op("put", 0, 10, "A"), op("delete", 15, None), op("get", 16, 17),
        op("put", 20, 30, "B"), op("get", 31, 32, "B"), op("get", 33, 34)],
    "a list that is behind": [
        op("put", 0, 10, "A"), op("delete", 11, 20),
        op("list", 21, 30, keys={"x": "A"}, prefix="x")],
    "a list that lacks a key": [
        op("put", 0, 10, "A"), op("list", 21, 30, keys={}, prefix="x")],
}


def main():
    verdicts = [0, 0]
    for n in range(4000):
        records = tiny()
        right = some_order(records)
        verdicts[right] += 1
        wrong, _ = history.judge(records)
        if right == bool(wrong):
            result(False, "tiny histories", "%s: %s" % (wrong, records))
    result(min(verdicts) > 500, "%d right and %d wrong tiny histories, as all "
           "orders say" % (verdicts[1], verdicts[0]), verdicts)

    good = Register(16, 20).operations(SIZE)
    began = time.monotonic()
    wrong, n = history.judge(good)
    result(not wrong, "%d operations that are right pass (%d, with lists, on "
           "20 keys, %.1f s)" % (SIZE, n, time.monotonic() - began), wrong[:1])

    good = Register(8, 5).operations(2000)
    last = max(r["end"] or 0 for r in good)
    for name, ops in PLANTED.items():
        at = rng.randint(0, last)
        plant = [{**r, "key": "x", "start": r["start"] + at,
                  "end": None if r["end"] is None else r["end"] + at}
                 for r in ops]
        records = good + plant
        rng.shuffle(records)
        found = [key for key, _ in history.judge(records)[0]]
        result(found == ["x"], "found: " + name, found)
    print("1..%d" % count)


main()
