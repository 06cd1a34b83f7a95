# Damage of every kind, a sample of what make check-heal goes through in full.
load lib/common

@test "all of the sample is found and healed" {
	run /usr/bin/python3 "$ROOT/t/heal/faults.py" "$EC_BIN" --short
	echo "$output"
	[ "$status" -eq 0 ]
	echo "# ${output//$'\n'/$'\n# '}" >&3
}
