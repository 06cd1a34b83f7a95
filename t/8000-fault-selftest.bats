# The fault library itself, on programs of the system.
load lib/common.bash

@test "a call fails with the errno asked for, and only that call" {
	fault_run write:1:ENOSPC dd if=/dev/zero of=f bs=1k count=3
	[ "$STATUS" -eq 1 ]
	[ "$FAULT_MET" = yes ]
	grep -q 'No space left' .err
	[ "$(stat -c %s f)" -eq 0 ]

	fault_run write:3 dd if=/dev/zero of=f bs=1k count=3
	[ "$STATUS" -eq 1 ]
	grep -q 'Input/output error' .err
	[ "$(stat -c %s f)" -eq 2048 ]
}

@test "a loop ends when no fault is met" {
	local n

	for ((n = 1; n < 10; n++)); do
		fault_run "write:$n" dd if=/dev/zero of=f bs=1k count=3
		[ "$FAULT_MET" = yes ] || break
		[ "$STATUS" -eq 1 ]
	done
	[ "$n" -eq 4 ]
	[ "$STATUS" -eq 0 ]
}

@test "calls are counted without a fault" {
	fault_run fsync:0,write:0 dd if=/dev/zero of=f bs=1k count=5 conv=fsync
	[ "$STATUS" -eq 0 ]
	[ "$FAULT_MET" = no ]
	[ "$(fault_seen write)" -eq 5 ]
	[ "$(fault_seen fsync)" -eq 1 ]
}

@test "only files whose path has the text are counted" {
	mkdir a b
	EC_FAULT_PATH=/b/ fault_run write:1 dd if=/dev/zero of="$DIR/a/f" \
	    bs=1k count=1
	[ "$FAULT_MET" = no ]
	EC_FAULT_PATH=/b/ fault_run write:1 dd if=/dev/zero of="$DIR/b/f" \
	    bs=1k count=1
	[ "$FAULT_MET" = yes ]
	grep -qx "met write 1 $DIR/b/f" .fault
}

@test "a plus means all later calls too" {
	touch a b c
	fault_run unlink:2+:EROFS rm -f a b c
	[ "$STATUS" -eq 1 ]
	[ ! -e a ]
	[ -e b ]
	[ -e c ]
}

@test "kill comes instead of the call, torn after half of it" {
	touch a
	fault_run kill@renameat:1 mv a b
	[ "$STATUS" -eq 137 ]
	[ "$FAULT_MET" = yes ]
	[ -e a ]
	[ ! -e b ]

	fault_run torn@write:2 dd if=/dev/zero of=f bs=1000 count=3
	[ "$STATUS" -eq 137 ]
	[ "$(stat -c %s f)" -eq 1500 ]
}

@test "short reads and writes succeed with half" {
	fault_run short@write:1 dd if=/dev/zero of=f bs=1000 count=1
	[ "$FAULT_MET" = yes ]
	[ "$STATUS" -eq 0 ]
	[ "$(stat -c %s f)" -eq 1000 ]	# dd wrote the rest itself

	head -c 1000 /dev/zero >in
	fault_run short@read:1 dd if=in of=f bs=1000 count=1
	[ "$(stat -c %s f)" -eq 500 ]
}

@test "memory runs out at call n" {
	local n

	for ((n = 1; n < 1000; n++)); do
		fault_run "malloc:$n" cat /dev/null
		[ "$FAULT_MET" = yes ] || break
	done
	[ "$n" -gt 5 ]
	[ "$n" -lt 1000 ]
	[ "$STATUS" -eq 0 ]
}

@test "of the calls for memory the program's own are counted apart" {
	fault_run malloc:0,own:0 cat /dev/null
	[ "$(fault_seen own)" -gt 0 ]
	[ "$(fault_seen malloc)" -gt "$(fault_seen own)" ]
}

@test "a delayed call is made all the same" {
	local begin=$EPOCHREALTIME took

	fault_run delay@write:1:300 dd if=/dev/zero of=f bs=1k count=1
	took=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
	[ "$STATUS" -eq 0 ]
	[ "$took" -ge 300 ]
	[ "$(stat -c %s f)" -eq 1024 ]
}

@test "a specification that is not understood is refused" {
	local spec

	for spec in fsync nosuch:1 fsync:x fsync:1:ENOSUCH nosuch@fsync:1; do
		exits 99 env EC_FAULT="$spec" LD_PRELOAD="$EC_BIN/fault.so" true
		[[ $ERR == *"cannot understand EC_FAULT: $spec"* ]]
	done
}
