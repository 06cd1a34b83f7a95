#!/usr/bin/python3
"""sim: run seeds of the simulator and judge what its clients saw.

    sim.py [-u] SIM FIRST COUNT

Two processes share the seeds; -u: with locks that do not hold.  A seed that goes
wrong is made smaller: with fewer harms and shorter clients as long as it stays
wrong, and the line that repeats it is printed.  Prints a line of counts; exit
status 1 when a seed is wrong."""

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../history"))
import history

BATCH = 25
HARMS = ("node", "drive", "lost", "late", "cut", "full", "hung", "clock",
         "lease", "rot", "empty")
COUNTS = ("seeds", "operations done", "failed", "harms", "turns")


def run(sim, first, count, *options):
    """(wrong seeds: what is wrong, counts)"""
    done = subprocess.run([sim, *options, str(first), str(count)], text=True,
                          capture_output=True, check=False)
    wrong = {}
    for line in done.stderr.splitlines():
        said = re.match(r"sim: seed (\d+)\W* *(.*)", line)
        if said:
            wrong.setdefault(int(said[1]), said[2])
    judged, _ = history.judge(map(json.loads, done.stdout.splitlines()))
    for key, why in judged:
        seed, _, name = key.partition("/")
        wrong.setdefault(int(seed), f"{name}: {why}")
    counts = [int(n) for n in re.findall(r"(\d+) (?:%s)" % "|".join(COUNTS),
                                         done.stderr)]
    if len(counts) != len(COUNTS):
        wrong.setdefault(first, "no counts: " + done.stderr[-200:])
    return wrong, counts


def smaller(sim, seed, *unlocked):
    """The options with which the seed is still wrong."""
    harms, operations = list(HARMS), 25
    for harm in HARMS:
        fewer = [h for h in harms if h != harm]
        if fewer and run(sim, seed, 1, *unlocked, "-h",
                         ",".join(fewer))[0]:
            harms = fewer
    options = [*unlocked, "-h", ",".join(harms)]
    for n in (3, 6, 12):
        if run(sim, seed, 1, *options, "-o", str(n))[0]:
            operations = n
            break
    return " ".join([*options, "-o", str(operations)])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-u", dest="unlocked", action="store_const", const=["-u"],
                   default=[])
    p.add_argument("sim")
    p.add_argument("first", type=int)
    p.add_argument("count", type=int)
    args = p.parse_args()
    wrong, sums = {}, [0] * len(COUNTS)

    def batch(first):
        return run(args.sim, first,
                   min(BATCH, args.first + args.count - first),
                   *args.unlocked)

    with ThreadPoolExecutor(2) as pool:
        for more, counts in pool.map(batch, range(
                args.first, args.first + args.count, BATCH)):
            wrong.update(more)
            sums = [a + b for a, b in zip(sums, counts or [0] * len(sums))]
    for seed, why in sorted(wrong.items())[:5]:
        print(f"wrong: seed {seed}: {why}")
        print(f"repeat: {args.sim} {smaller(args.sim, seed, *args.unlocked)} "
              f"{seed}")
    print(", ".join(f"{n} {what}" for n, what in zip(sums, COUNTS)) +
          f", {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
