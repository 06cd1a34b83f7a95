"""tree: a copy of the sources in which a defect can be planted and tested."""
import os
import shutil
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = "build/plain"


class Tree:
    def __init__(self, name, *variables):
        """Below build/${name}: what is tracked, and the objects, so that
        little is compiled again; ${variables} are make's."""
        self.dir = os.path.join(ROOT, "build", name)
        self.variables = variables
        shutil.rmtree(self.dir, ignore_errors=True)
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True,
                               capture_output=True).stdout.decode().split("\0")
        for name in filter(None, names):
            to = os.path.join(self.dir, name)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), to)
        if os.path.isdir(os.path.join(ROOT, BUILD)):
            shutil.copytree(os.path.join(ROOT, BUILD),
                            os.path.join(self.dir, BUILD),
                            copy_function=shutil.copy2)

    def read(self, name):
        with open(os.path.join(self.dir, name)) as f:
            return f.read()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def green(self, tests, only=""):
        """Whether the tests pass, those of the bats files whose names hold
        ${only}, and what they said."""
        wanted = [t for t in tests if not t.endswith(".bats")]
        if len(wanted) < len(tests):
            wanted += ["all"] + [f"{BUILD}/{name}" for name in
                                 ("t/sim/sim", "fault.so", "clock.so")]
        build = subprocess.run(["make", "-s", "-j2", *self.variables, *wanted],
                               cwd=self.dir, capture_output=True, text=True,
                               check=False)
        if build.returncode != 0:
            raise SystemExit(f"does not build:\n{build.stderr[-2000:]}")
        env = {k: v for k, v in os.environ.items()
               if k not in ("EC_TOTALS", "EC_RESULTS")}     # red is no failure
        run = subprocess.run(
            ["sh", "t/lib/run", "-j", "2", "-t", "300", *tests], cwd=self.dir,
            env={**env, "EC_BIN": BUILD, "EC_POWER": "5",
                 "EC_TEST_ONLY": only}, text=True, capture_output=True,
            check=False)
        return run.returncode == 0, run.stdout

    def remove(self):
        shutil.rmtree(self.dir)
