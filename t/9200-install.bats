# make install, uninstall and dist.
load lib/common.bash

in_tree()
{
	# Not part of the make that runs the tests.
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" \
	    BUILD="$EC_BIN" "$@"
}

@test "install puts everything below DESTDIR, uninstall takes all of it away" {
	local tool

	in_tree install DESTDIR="$DIR/root" PREFIX=/usr
	for tool in "$EC_BIN"/ec-*; do
		[ -f "$tool" ] && [ -x "$tool" ] || continue
		cmp "$tool" "root/usr/bin/${tool##*/}"
		[ -s "root/usr/share/bash-completion/completions/${tool##*/}" ]
	done
	[ -s root/usr/share/doc/ec/README ]
	[ -s root/usr/lib/systemd/system/ec-s3d.service ]
	grep -q '^ExecStart=/usr/bin/ec-s3d' \
	    root/usr/lib/systemd/system/ec-s3d.service
	run ! grep -r @BINDIR@ root/usr/lib
	in_tree uninstall DESTDIR="$DIR/root" PREFIX=/usr
	[ -z "$(find root ! -type d)" ]
}

@test "the manuals are installed where man finds them" {
	local page

	in_tree install DESTDIR="$DIR/root" PREFIX=/usr
	find "$ROOT/share/man" -type f >pages
	while read -r page; do
		cmp "$page" "root/usr/share/man/${page#"$ROOT"/share/man/}"
	done <pages
}

@test "dist holds the tree, the same bytes each time" {
	need git
	git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1 || skip "not a clone"
	git clone -q "$ROOT" tree
	env -u MAKEFLAGS -u MAKELEVEL make -s -C tree dist
	sha256sum tree/build/ec-*.tar.gz >first
	sleep 1
	env -u MAKEFLAGS -u MAKELEVEL make -s -C tree dist
	sha256sum -c --quiet first
	tar xzf tree/build/ec-*.tar.gz
	diff -r -x .git -x build tree ec-[0-9]*/
}
