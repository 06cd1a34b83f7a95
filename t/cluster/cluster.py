"""cluster: N nodes of D drives, each drive a directory, to be hurt."""

import http.client
import os
import signal
import subprocess
import time

import hosts

WAIT_S = 60     # for what must come; nothing depends on how soon


class Cluster:
    def __init__(self, binaries, folder, nodes, drives, ports=False):
        self.binaries, self.folder = binaries, folder
        self.nodes, self.drives = range(1, nodes + 1), drives
        self.net = hosts.make(os.path.join(binaries, "t/cluster/switch"),
                              nodes, ports)
        self.process = {}
        self.environment = {n: {} for n in self.nodes}
        self.options = []
        self.user, self.secret = "cluster", "cluster-secret-key"
        for n in self.nodes:
            for d in range(1, drives + 1):
                os.makedirs(self.drive(n, d))

    def drive(self, n, d):
        return "%s/n%d/d%d" % (self.folder, n, d)

    def line(self):
        """The endpoints: the same words on every node."""
        if len(self.nodes) == 1:
            return self.folder + "/n1/d{1...%d}" % self.drives
        return ",".join("http://%s%s/n%d/d{1...%d}" % (
            self.net.address[n], self.folder, n, self.drives)
            for n in self.nodes)

    def variables(self, n):
        return {**os.environ, "EC_ROOT_USER": self.user,
                "EC_ROOT_PASSWORD": self.secret,
                "EC_CLUSTER_SECRET": "secret-of-the-cluster",
                **self.environment[n]}

    def start(self, n):
        with open("%s/n%d.log" % (self.folder, n), "ab") as log:
            self.process[n] = subprocess.Popen(
                self.net.command(n, [
                    os.path.join(self.binaries, "ec-s3d"), "--address",
                    self.net.address[n], "--plaintext", *self.options,
                    self.line()]),
                env=self.variables(n), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

    def start_all(self):
        for n in self.nodes:
            self.start(n)
        for n in self.nodes:
            self.ready(n)

    def preload(self, n, library, **variables):
        """From its next start on; without ${library} as it was."""
        self.environment[n] = {}
        if library == "fault.so" and os.path.exists(os.path.join(
                self.binaries, "fault-sanitized.so")):
            library = "fault-sanitized.so"
        if library is not None:
            self.environment[n] = {
                "LD_PRELOAD": os.path.join(self.binaries, library),
                "ASAN_OPTIONS": "verify_asan_link_order=0:" +
                os.environ.get("ASAN_OPTIONS", ""), **variables}

    def alive(self, n):
        return n in self.process and self.process[n].poll() is None

    def health(self, n, path="ready", timeout=2):
        """The status of a health page; 0 when there is no answer."""
        host, port = self.net.address[n].split(":")
        c = http.client.HTTPConnection(host, int(port), timeout=timeout)
        try:
            c.request("GET", "/ec/health/" + path)
            return c.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            c.close()

    def ready(self, n):
        """Wait until it serves; how long that was."""
        began = time.monotonic()
        while self.health(n) != 200:
            if not self.alive(n):
                raise RuntimeError("node %d ended: %s" % (n, self.log(n)))
            if time.monotonic() - began > WAIT_S:
                raise RuntimeError("node %d is not ready: %s" % (
                    n, self.log(n)))
            time.sleep(0.02)
        return time.monotonic() - began

    def log(self, n):
        with open("%s/n%d.log" % (self.folder, n), errors="replace") as f:
            return "".join(f.readlines()[-12:])

    def signal(self, n, sig):
        self.process[n].send_signal(sig)

    def kill(self, *nodes):
        for n in nodes:
            self.signal(n, signal.SIGKILL)
        for n in nodes:
            self.process.pop(n).wait()

    def stop(self, n):
        """SIGTERM, to be obeyed with status 0."""
        self.signal(n, signal.SIGTERM)
        status = self.process.pop(n).wait(WAIT_S)
        if status != 0:
            raise RuntimeError("node %d ended with %d: %s" % (
                n, status, self.log(n)))

    def tool(self, n, *argv):
        """A tool beside the server of that node; its status and output."""
        done = subprocess.run(
            self.net.command(n, [os.path.join(self.binaries, argv[0]),
                                 *argv[1:], self.line()]),
            env=self.variables(n), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=2 * WAIT_S)
        return done.returncode, done.stdout

    def whole(self, n):
        """Wait until a scan from there finds nothing to heal; how long."""
        began = time.monotonic()
        while True:
            status, said = self.tool(n, "ec-scan")
            if status == 0:
                return time.monotonic() - began
            if time.monotonic() - began > 2 * WAIT_S:
                raise RuntimeError("ec-scan on node %d: %d: %s" % (
                    n, status, said[-600:]))
            time.sleep(0.2)

    def close(self):
        for n in list(self.process):
            if self.alive(n):
                self.signal(n, signal.SIGCONT)
                self.signal(n, signal.SIGKILL)
            self.process.pop(n).wait()
        self.net.close()
