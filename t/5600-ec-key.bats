# ec-key: users, keys, groups and policies from the shell.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	export EC_VOLUMES="$DIR/d{1...4}"
	ec-put --format --bucket box
}

@test "what is not given is made, and said" {
	exits 0 ec-key user add ann
	[[ $OUT =~ ^AKIA[A-Z2-7]{16}$'\t'[A-Z2-7]{40}$ ]]
	exits 0 ec-key user list
	grep -qP '^ann\tuser\t[0-9a-f]{64}\tann\t\t-\t-$' <<<"$OUT"
	exits 0 ec-key key list
	[[ $OUT == AKIA*$'\t'ann$'\t'enabled$'\t'0$'\t'- ]]
	exits 0 ec-key user add bob --no-key
	[ -z "$OUT" ]
}

@test "a secret from standard input" {
	echo 'from-the-pipe' >secret
	exits 0 ec-key user add ann --access-key ANN --secret-file secret
	[ "$OUT" = $'ANN\tfrom-the-pipe' ]
}

@test "names once; what is not there" {
	ec-key user add ann --id one --email ann@example.org --access-key ANN
	exits 6 ec-key user add ann
	exits 6 ec-key user add bob --id one
	exits 6 ec-key user add bob --email ANN@example.org
	exits 6 ec-key key add ann --access-key ANN
	exits 6 ec-key user add tester
	exits 5 ec-key user remove bob
	exits 5 ec-key key add bob
	exits 5 ec-key key remove BOB
	exits 5 ec-key group join staff ann
	exits 5 ec-key policy attach none --user ann
	exits 5 ec-key policy show none
	exits 2 ec-key user add 'a b'
	exits 2 ec-key user add bob --secret short
	exits 2 ec-key user
	exits 2 ec-key user add
	exits 2 ec-key user list x
	exits 2 ec-key policy attach readonly
	exits 2 ec-key policy show x --user a --group b
	exits 0 ec-key user list
	[ "$(wc -l <<<"$OUT")" -eq 1 ]
}

@test "policies are checked when they are set" {
	echo '{"Statement":[{"Effect":"Allow","Action":"s3:*"}]}' >bad.json
	exits 2 ec-key policy set mine bad.json
	[[ $ERR == *Resource* ]]
	echo '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}' \
	    >good.json
	exits 2 ec-key policy set readonly good.json
	exits 0 ec-key policy set mine good.json
	exits 0 ec-key policy show mine
	[[ $OUT == *'"s3:*"'* ]]
	exits 0 ec-key policy list
	[ "$OUT" = $'readonly\nreadwrite\nwriteonly\nmine' ]
	ec-key user add ann --policy mine
	exits 6 ec-key policy remove mine
	ec-key user remove ann
	exits 0 ec-key policy remove mine
}

@test "explain says what decides" {
	ec-key user add ann --access-key ANN
	ec-key user add low --member
	date | ec-put box/key
	exits 7 ec-key explain ann GetObject box/key
	[ "$OUT" = $'denied\tno policy allows it and the access control list does not grant READ' ]
	exits 0 ec-key explain tester GetObject box/key
	[ "$OUT" = $'allowed\troot may do all' ]
	exits 0 ec-key explain ann CreateBucket
	exits 7 ec-key explain low CreateBucket
	ec-key policy attach readonly --user low
	exits 0 ec-key explain low GetObject box/key
	[ "$OUT" = $'allowed\tpolicy readonly allows it in statement 1' ]
	exits 7 ec-key explain anonymous GetObject box/key
	exits 7 ec-key explain anonymous GetObject box/absent
	[ "$OUT" = $'denied\tthere is no such object' ]
	exits 5 ec-key explain nobody GetObject box/key
	exits 2 ec-key explain ann Foo box/key
	ec-key user disable ann
	exits 7 ec-key explain ANN GetObject box/key
	[ "$OUT" = $'denied\tthe user is disabled' ]
}

@test "many at once, through a server: none is lost" {
	s3d_start
	seq 1 8 | xargs -P 4 -I{} ec-key user add user-{} --no-key
	[ "$(ec-key user list | wc -l)" -eq 8 ]
}
