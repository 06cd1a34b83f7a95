# Each tool's manual says what its --help says, and has the parts that every
# manual has.
load lib/common.bash

tools()
{
	find "$EC_BIN" -maxdepth 1 -name 'ec-*' -type f -perm -100 \
	    -printf '%f\n' | sort
}

page()
{
	find "$ROOT/share/man" -name "$1.[18]"
}

rendered()
{
	mandoc -T ascii "$(page "$1")" | sed $'s/.\b//g'
}

@test "each tool has a manual with EXIT STATUS and EXAMPLES" {
	local tool section bad=0

	need mandoc
	for tool in $(tools); do
		if [ -z "$(page "$tool")" ]; then
			echo "$tool has no manual"
			bad=1
			continue
		fi
		for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES
		do
			rendered "$tool" | grep -qx "$section" && continue
			echo "$tool has no $section"
			bad=1
		done
	done
	[ $bad -eq 0 ]
}

@test "help and manual have the same options" {
	local tool bad=0

	need mandoc
	for tool in $(tools); do
		[ -n "$(page "$tool")" ] || continue
		"$tool" --help >help
		grep -oE '^ +(-., )?--[a-z0-9-]+' help | grep -oE -e \
		    '--[a-z0-9-]+' | sort -u >in-help
		rendered "$tool" | grep -E '^ +-' | grep -oE -e \
		    '(^|[ ,])--[a-z][a-z0-9-]+' | tr -d ' ,' | sort -u >in-page
		# -h and -V are the same everywhere; a page need not have them.
		comm -3 in-help in-page | grep -vE -e '--(help|version)$' \
		    >differ || true
		[ -s differ ] || continue
		echo "$tool (left: only in help, right: only in manual):"
		cat differ
		bad=1
	done
	[ $bad -eq 0 ]
}

@test "help goes to standard output, misuse to standard error with status 2" {
	local tool

	for tool in $(tools); do
		exits 0 "$tool" --help
		[[ $OUT == "Usage: $tool"* ]]
		[ -z "$ERR" ]
		exits 0 "$tool" --version
		[[ $OUT == "$tool "[0-9]* ]]
		exits 2 "$tool" --no-such-option
		[ -z "$OUT" ]
		[[ $ERR == "$tool: "* ]]
	done
}

@test "help that cannot be written is a failure" {
	local tool status

	for tool in $(tools); do
		status=0
		"$tool" --help >/dev/full 2>err || status=$?
		[ $status -eq 9 ] || { echo "$tool: $status"; false; }
	done
}

@test "completion is made from the help of each tool" {
	local tool

	for tool in $(tools); do
		"$ROOT/share/completion/generate" "$EC_BIN/$tool" >"$tool.bash"
		bash -n "$tool.bash"
		bash -c '. "$1"
		COMP_WORDS=("$2" --hel) COMP_CWORD=1
		compopt() { :; }
		"$(complete -p "$2" | sed "s/.*-F \([^ ]*\).*/\1/")"
		[ "${COMPREPLY[*]}" = --help ]' - "$PWD/$tool.bash" "$tool"
	done
}
