# Secrets are compared in a time that does not depend on them.
load lib/common

@test "the comparison of digests does not branch on what it compares" {
	need valgrind
	[ ! -e "$EC_BIN/fault-sanitized.so" ] ||
	    skip "no valgrind on a build with a sanitizer"
	valgrind -q --error-exitcode=99 "$EC_BIN/t/unit/base-digest" unset
}
