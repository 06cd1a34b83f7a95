#!/bin/sh
# heal.sh: how fast a scan and a heal are, and what a heal does to clients; see
# t/heal/speed.py and t/bench/METRICS.
set -eu

exec python3 "$(dirname "$0")/../heal/speed.py" "${EC_BIN:-build/plain}"
