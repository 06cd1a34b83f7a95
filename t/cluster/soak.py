"""soak: a row of faults.py with faults of all kinds, one after the other in any
order, for as long as the count says, and what a node grows by that lives
through all of them."""

import os
import re
import shutil
import signal
import time

import load
from table import row

STEADY = 1          # is never ended
GROWTH = 0.05       # of memory, after the first quarter
SLACK_KIB, SLACK_FILES = 4096, 16
QUIET_S = 75        # connections that nobody uses are closed by then


def killed(r, n):
    r.c.kill(n)
    r.some_time()
    r.c.start(n)


def ended(r, n):
    r.c.stop(n)
    r.some_time()
    r.c.start(n)


def power(r, _):
    nodes = r.others(STEADY)
    r.c.kill(*nodes)
    for n in nodes:
        r.c.start(n)


def stopped(r, n):
    r.c.signal(n, signal.SIGSTOP)
    r.load.progress(10, 2)
    r.c.signal(n, signal.SIGCONT)


def pulled(r, n):
    d = r.c.drive(n, r.random.randint(1, r.args.drives))
    os.rename(d, d + ".away")
    r.load.progress(10, 2)
    if os.path.exists(d):
        shutil.rmtree(d)
    os.rename(d + ".away", d)


def emptied(r, n):
    """Replaced by a new one."""
    d = r.c.drive(n, r.random.randint(1, r.args.drives))
    os.rename(d, d + ".old")
    os.mkdir(d)
    shutil.rmtree(d + ".old")
    load.until(lambda: os.path.exists(d + "/.ec/format.json"), 60,
               "%s is not formatted" % d)
    r.c.whole(STEADY)       # it is needed before the next one is emptied


def apart(r, n):
    r.c.net.apart([n], r.others(n))
    r.load.progress(10, 2)
    r.c.net.together()


def one_way(r, n):
    for m in r.others(n):
        r.c.net.drop(n, m)
    r.load.progress(10, 2)
    r.c.net.together()


def uses(r):
    """(KiB resident, open files, threads) of the node that is never ended: the
    least of several looks, for requests come and go."""
    pid, looks = r.c.process[STEADY].pid, []
    if r.args.long:
        time.sleep(QUIET_S)
    for _ in range(20):
        with open("/proc/%d/status" % pid) as f:
            status = f.read()
        looks.append((
            int(re.search(r"VmRSS:\s*(\d+)", status)[1]),
            len(os.listdir("/proc/%d/fd" % pid)),
            int(re.search(r"Threads:\s*(\d+)", status)[1])))
        r.at_work(5)
    return [min(values) for values in zip(*looks)]


@row("soak", 8, 1500)
def soak(r):
    """all of that in any order, for hours: what lives through it stays small"""
    r.up(timeout=10).start()
    harms = [killed, ended, power, stopped, pulled, emptied] + (
        [apart, one_way] if r.c.net.network else [])
    times = dict.fromkeys((h.__name__ for h in harms), 0)
    before = None
    for i in range(r.count):
        if i == (r.count + 3) // 4:
            before = uses(r)
        harm = r.random.choice(harms)
        n = r.node()
        if harm in (killed, ended) and n == STEADY:
            n = r.random.choice(r.others(n))
        r.at_work()
        harm(r, n)
        for m in r.c.nodes:
            r.c.ready(m)
        times[harm.__name__] += 1
    after = uses(r)
    r.said.append(", ".join("%d %s" % (k, h) for h, k in times.items()))
    r.said += ["%s %d to %d" % row for row in zip(
        ("KiB of memory", "files", "threads"), before, after)]
    wrong = r.finish()
    if r.args.long:         # the short form is over before it is warm
        wrong += ["%s grew" % what for what, was, now, slack in zip(
            ("memory", "the number of open files"), before, after,
            (SLACK_KIB, SLACK_FILES)) if now > was * (1 + GROWTH) + slack]
    return wrong
