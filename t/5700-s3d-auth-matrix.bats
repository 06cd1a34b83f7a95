# Every operation in every form of authentication, wrong in every way: a share
# of some 6,000 cases, or all with EC_AUTH_FULL=1.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
}

@test "what is not signed as it must be is refused, and changes nothing" {
	export EC_VOLUMES="$DIR/d{1...4}"
	s3d_start
	ec-key user add other --access-key OTHERKEY --secret other-secret
	"$ROOT/t/auth/matrix.py" "127.0.0.1:$PORT" >cases || {
		cat cases
		return 1
	}
	grep '^# ' cases >&3
}
