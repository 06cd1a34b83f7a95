#!/usr/bin/python3
"""seeded: build the store with one defect at a time; a test must go red.

    seeded.py [NAME ...]

A test that cannot fail proves nothing, and nobody can see that from a green
run.  Each entry of bugs.py says in which file which text becomes which other,
and the tests of which at least one must then fail.  Works in a copy of the
tree below build/.  Prints a line a defect and "N of N caught"; exit status 1
when one was not, or when a test fails without any.
"""
import os
import shutil
import subprocess
import sys

from bugs import BUGS

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
COPY = os.path.join(ROOT, "build/seeded")
BUILD = "build/plain"


def copy_tree():
    """What is tracked, and the objects, so that little is compiled again."""
    shutil.rmtree(COPY, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True,
                           capture_output=True).stdout.decode().split("\0")
    for name in filter(None, names):
        os.makedirs(os.path.dirname(os.path.join(COPY, name)), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), os.path.join(COPY, name))
    if os.path.isdir(os.path.join(ROOT, BUILD)):
        shutil.copytree(os.path.join(ROOT, BUILD), os.path.join(COPY, BUILD),
                        copy_function=shutil.copy2)


def green(tests):
    """Whether it builds and its tests pass."""
    programs = [t for t in tests if not t.endswith(".bats")]
    build = subprocess.run(["make", "-s", "-j2", "all", *programs], cwd=COPY,
                           capture_output=True, text=True)
    if build.returncode != 0:
        raise SystemExit(f"seeded: does not build:\n{build.stderr[-2000:]}")
    env = {k: v for k, v in os.environ.items()
           if k not in ("EC_TOTALS", "EC_RESULTS")}     # red is no failure
    run = subprocess.run(["sh", "t/lib/run", "-t", "300", *tests], cwd=COPY,
                         env={**env, "EC_BIN": BUILD, "EC_POWER": "5"},
                         capture_output=True, text=True)
    return run.returncode == 0, run.stdout


def main():
    bugs = [b for b in BUGS if not sys.argv[1:] or b.name in sys.argv[1:]]
    copy_tree()
    fine, said = green(sorted({t for b in bugs for t in b.tests}))
    if not fine:
        print(said)
        raise SystemExit("seeded: the tests fail without a defect")
    caught = 0
    for b in bugs:
        path = os.path.join(COPY, b.file)
        with open(path) as f:
            text = f.read()
        if text.count(b.old) != 1:
            raise SystemExit(f"seeded: {b.name}: {b.file} has the text "
                             f"{text.count(b.old)} times")
        with open(path, "w") as f:
            f.write(text.replace(b.old, b.new))
        fine, _ = green(b.tests)
        with open(path, "w") as f:
            f.write(text)
        caught += not fine
        print(f"{'MISSED' if fine else 'caught'}  {b.name}: {b.what}",
              flush=True)
    print(f"{caught} of {len(bugs)} caught")
    shutil.rmtree(COPY)
    sys.exit(caught < len(bugs))


main()
