# README: its tour works when pasted, its names exist.
load lib/common.bash

# The indented lines between two headings.
lines_between()
{
	sed -n "/^$1\$/,/^$2\$/s/^	//p" "$ROOT/README"
}

@test "the tour works when pasted" {
	need curl zstd cksum
	free_port
	# The port and the folder are this test's own.
	lines_between 'A TOUR' 'A DRIVE PULLED AND REPLACED' | sed "s,/tmp/ec-tour,$DIR/tour,g
	    s,:9000,:$PORT,g" >script
	[ "$(wc -l <script)" -gt 20 ]
	run bash -euxo pipefail script
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"+ wait %1"* ]]
	[ "$(grep -cx 0 <<<"$output")" -eq 0 ]	# nothing counted is empty
}

@test "each tool it names is built, each tool built is named" {
	lines_between 'THE TOOLS' 'A TOUR' | sed -n 's/^\(ec-[a-z0-9]*\)	.*/\1/p' |
	    sort >named
	find "$EC_BIN" -maxdepth 1 -name 'ec-*' -type f -perm -100 \
	    -printf '%f\n' | sort >built
	diff named built
}
