#!/usr/bin/python3
"""seeded: build the store with one defect at a time; a test must go red.

    seeded.py [NAME ...]

A test that cannot fail proves nothing, and nobody can see that from a green
run.  Each entry of bugs.py says in which file which text becomes which other,
and the tests of which at least one must then fail.  Prints a line a defect and
"N of N caught"; exit status 1 when one was not, or when a test fails without
any.  A test that EC_RESULTS (t/lib/run) says has passed is taken to do so.
"""
import os
import sys

sys.dont_write_bytecode = True
from bugs import BUGS
from tree import Tree


def passed(test):
    """By what an earlier run of it left."""
    verdict = os.path.join(os.environ.get("EC_RESULTS", ""),
                           test.replace("/", "_") + ".verdict")
    if not os.path.exists(verdict):
        return False
    with open(verdict) as f:
        return f.read().startswith("ok ")


def main():
    bugs = [b for b in BUGS if not sys.argv[1:] or b.name in sys.argv[1:]]
    tree = Tree("seeded")
    tests = sorted({t for b in bugs for t in b.tests if not passed(t)})
    fine, said = tree.green(tests) if tests else (True, "")
    if not fine:
        print(said)
        raise SystemExit("seeded: the tests fail without a defect")
    for b in bugs:
        if b.only and not tree.green(b.tests, b.only)[0]:
            raise SystemExit(f"seeded: {b.name}: no test \"{b.only}\"")
    caught = 0
    for b in bugs:
        text = tree.read(b.file)
        if text.count(b.old) != 1:
            raise SystemExit(f"seeded: {b.name}: {b.file} has the text "
                             f"{text.count(b.old)} times")
        tree.write(b.file, text.replace(b.old, b.new))
        fine, _ = tree.green(b.tests, b.only)
        tree.write(b.file, text)
        caught += not fine
        print(f"{'MISSED' if fine else 'caught'}  {b.name}: {b.what}",
              flush=True)
    print(f"{caught} of {len(bugs)} caught")
    tree.remove()
    sys.exit(caught < len(bugs))


main()
