#!/usr/bin/python3
"""prove: what the tests show, row by row.

    prove.py [--long] [--only] BINARIES [ROW ...]

Runs what the rows (rows.py; default: all) name and prints a line for each:
what was done, how often, how many checks failed, and what repeats it.  A row
that is not there, or did less than its goal, says so.  With --long the counts
of a release, for hours.  What a test printed is kept in EC_RESULTS (default: a
folder of its own), and a test whose output is there already is not run again;
--only: nor is any other.  Exit status 1 when a check failed.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from rows import ROWS

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
LONG_S = 6 * 3600


class Source:
    """A test or a command, and what it printed."""

    def __init__(self, text, binaries, results):
        words = text.split()
        self.env = {}
        while words and re.match(r"[A-Z_]+=", words[0]):
            name, _, self.env[name] = words.pop(0).partition("=")
        self.test = words[0] if len(words) == 1 and not \
            words[0].endswith(".py") else None
        if self.test and not self.test.endswith(".bats"):
            self.test = f"{binaries}/t/unit/{self.test}"
        self.command = " ".join(words)
        self.text = text.replace("$EC_BIN", binaries)
        name = self.test or ("fuzz" if " fuzz " in text else self.text)
        self.settings = " ".join(f"{n}={v}" for n, v in self.env.items())
        if self.settings:       # another run than that of check
            results = os.path.join(results, self.settings)
            os.makedirs(results, exist_ok=True)
        self.file = os.path.join(results, re.sub("[^A-Za-z0-9_.+-]", "_",
                                                 name) + ".out")
        self.env["EC_BIN"] = binaries
        self.env["EC_RESULTS"] = results

    def run(self):
        env = {**os.environ, **self.env}
        if self.test:
            subprocess.run(["sh", "t/lib/run", "-t", str(LONG_S), self.test],
                           cwd=ROOT, env=env, stdout=sys.stderr, check=False)
            return
        done = subprocess.run(["sh", "-c", self.command], cwd=ROOT, env=env,
                              stdout=subprocess.PIPE, check=False, text=True,
                              stderr=subprocess.STDOUT)
        with open(self.file, "w") as f:
            f.write(done.stdout)
        if done.returncode != 0:
            with open(self.verdict(), "w") as f:
                f.write(f"FAIL {self.text}: exit status {done.returncode}\n")

    def verdict(self):
        return self.file[:-len(".out")] + ".verdict"

    def there(self):
        return os.path.exists(self.file)

    def printed(self):
        with open(self.file, errors="replace") as f:
            return f.read()

    def failures(self):
        """How many checks failed; a test that broke off counts as one."""
        failed = len(re.findall(r"^not ok |^FAIL |^MISSED ", self.printed(),
                                re.M))
        if failed == 0 and os.path.exists(self.verdict()):
            with open(self.verdict()) as f:
                failed = f.read().startswith("FAIL")
        return int(failed)


def run_tests(sources, results):
    """Those without settings of their own, two at a time."""
    tests = list(dict.fromkeys(s.test for s in sources if s.test and
                               not s.settings))
    if tests:
        env = {**os.environ, **sources[0].env, "EC_RESULTS": results}
        subprocess.run(["sh", "t/lib/run", "-j", "2", "-t", "900", *tests],
                       cwd=ROOT, env=env, stdout=sys.stderr, check=False)
    for s in sources:
        if not s.there():
            s.run()


def count(pattern, text):
    """The sum of the numbers in its groups; a group that is none is one."""
    total = 0
    for match in re.finditer(pattern, text, re.M):
        found = [g for g in match.groups() if g is not None]
        total += sum(int(g) if g.isdigit() else 1 for g in found) \
            if found else 1
    return total


def line(row, sources, goal):
    """(failures, text) of a row."""
    there = [s for s in sources if s.there()]
    if not there:
        why = "not run" if sources else "long only" if row.long else "not yet"
        return 0, f"{row.name:4} {why:9} {row.what}"
    text = "\n".join(s.printed() for s in there)
    failed = sum(s.failures() for s in there)
    done = [(count(pattern, text), what) for what, pattern in row.counts]
    verdict = "ok"
    if failed:
        verdict = "VIOLATED"
    elif done[0][0] < max(goal, 1):
        verdict = "short"
    said = ", ".join(f"{n:,} {what}" for n, what in done)
    if goal:
        said += f" (goal {goal:,})"
    return failed, (f"{row.name:4} {verdict:9} {row.what}: {said}, {failed} "
                    f"wrong\n{'':15}{'; '.join(s.text for s in sources)}")


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    long, only = "--long" in sys.argv, "--only" in sys.argv
    binaries, names = args[0], args[1:]
    results = os.path.realpath(os.environ.get("EC_RESULTS") or
                               tempfile.mkdtemp(prefix="ec-prove."))
    os.makedirs(results, exist_ok=True)
    rows = [(r, [Source(t, binaries, results) for t in
                 (long and r.long or r.quick)])
            for r in ROWS if not names or r.name in names]
    if not only:
        run_tests([s for _, sources in rows for s in sources
                   if not s.there()], results)
    violations = 0
    for row, sources in rows:
        failed, text = line(row, sources, row.goals[long])
        violations += failed
        print(text)
    print(f"{violations} violations; what was printed is in {results}")
    sys.exit(violations > 0)


main()
