#!/bin/sh
# Fetch FILE from three servers on loopback at once, and compare the copy.
#
#   e2e/loopback.sh FILE [SESSIONS]          SESSIONS is 8 if not given
#   KILL=1 e2e/loopback.sh FILE [SESSIONS]   kill a server with SIGKILL in the middle
#
# The exit code is 0 if the copy is the same, and with KILL=1 if a server was
# killed after it had sent a part of the file and before all of it was there.
# CHUNKCP names the program to run, which is built otherwise. KEEP=1 keeps the
# directory with the logs.
set -eu

say() { printf '%s\n' "$*"; }
die() {
	printf 'loopback.sh: %s\n' "$*" >&2
	exit 1
}

usage='usage: [KILL=1] e2e/loopback.sh FILE [SESSIONS]'
[ $# -ge 1 ] && [ $# -le 2 ] || die "$usage"
[ -f "$1" ] || die "$1 is no file; $usage"
file=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
name=$(basename "$1")
sessions=${2:-8}
kill_one=${KILL:-0}
repository=$(cd "$(dirname "$0")/.." && pwd)

umask 022 # a config that others may write to is not read
dir=$(mktemp -d "${TMPDIR:-/tmp}/chunkcp-loopback.XXXXXX")
pids=
client=
clean_up() {
	for pid in $pids $client; do
		kill -9 "$pid" 2>/dev/null || :
	done
	# The shell must not tell of each one killed.
	wait 2>/dev/null || :
	if [ "${KEEP:-0}" = 1 ]; then
		say "kept: $dir"
	else
		rm -rf "$dir"
	fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "${CHUNKCP:-}" ]; then
	chunkcp=$(command -v "$CHUNKCP") || die "CHUNKCP=$CHUNKCP is no program"
	case $chunkcp in /*) ;; *) chunkcp=$(pwd)/$chunkcp ;; esac
else
	say 'building chunkcp'
	chunkcp=$dir/chunkcp
	(cd "$repository" && go build -o "$chunkcp" .)
fi

# The size, from a program that every system has.
size=$(wc -c <"$file" | tr -d ' ')
mib=1048576
middle=$((size / 4 / mib * mib))
if [ "$kill_one" = 1 ] && [ "$size" -lt $((16 * mib)) ]; then
	die "KILL=1 needs a file of 16 MiB or more: $name would be fetched before anything can be killed"
fi

# start_server N: serves a copy of the file at a port that the kernel chooses,
# with a key of its own. Sets addr and pid.
start_server() {
	home=$dir/server$1
	mkdir -p "$home/files"
	: >"$home/log" # the server may be slower to open it than we are to read
	ln "$file" "$home/files/$name" 2>/dev/null || cp "$file" "$home/files/$name"
	XDG_STATE_HOME=$home "$chunkcp" serve --root "$home/files" --listen 127.0.0.1:0 2>"$home/log" &
	pid=$!
	pids="$pids $pid"
	addr=
	tries=0
	while [ -z "$addr" ]; do
		addr=$(sed -n 's/.*"msg":"listening","addr":"\([^"]*\)".*/\1/p' "$home/log")
		kill -0 "$pid" 2>/dev/null || die "server $1 has ended: $(cat "$home/log")"
		tries=$((tries + 1))
		[ "$tries" -lt 1000 ] || die "server $1 does not listen: $(cat "$home/log")"
		[ -n "$addr" ] || sleep 0.02
	done
	say "server $1: chunkcp serve, process $pid, listens on $addr"
}

mkdir -p "$dir/client"
config=$dir/client/chunkcp.toml
for n in 1 2 3; do
	start_server "$n"
	printf '[[peer]]\naddr = "%s"\n' "$addr" >>"$config"
	echo "$n $pid $addr" >>"$dir/servers"
done

# fetch: runs the client in a directory with only the config file. Sets client.
fetch() {
	rm -f "$dir/client/$name" "$dir/client/.$name.chunkcp-part"
	(
		cd "$dir/client"
		unset CHUNKCP_CONFIG
		XDG_STATE_HOME=$dir/client/state exec "$chunkcp" fetch "$name" -n "$sessions" --json >"$dir/report"
	) &
	client=$!
}

# has_quarter: the client has written the piece at a quarter of the file.
has_quarter() {
	cmp -s -n $mib "$file" "$dir/client/.$name.chunkcp-part" $middle $middle 2>/dev/null
}

# choose_victim: the server that opened the file first, which has surely sent
# some of it. Sets victim (its number), pid and addr.
choose_victim() {
	victim=$(
		for n in 1 2 3; do
			sed -n "s/.*\"ts\":\"\([^\"]*\)\".*\"outcome\":\"opened\".*/\1 $n/p" "$dir/server$n/log"
		done | sort | sed -n '1s/.* //p'
	)
	[ -n "$victim" ] || die 'no server has opened the file'
	pid=$(sed -n "s/^$victim \([0-9]*\) .*/\1/p" "$dir/servers")
	addr=$(sed -n "s/^$victim [0-9]* //p" "$dir/servers")
}

# kill_in_the_middle: waits for the client's progress, then kills a server. The
# client is stopped for that moment, so that it surely is not done.
kill_in_the_middle() {
	until has_quarter; do
		kill -0 "$client" 2>/dev/null || die 'the fetch ended before a quarter of the file was seen: use a larger file'
	done
	kill -STOP "$client" 2>/dev/null || die 'the fetch ended before the server could be killed: use a larger file'
	if [ -e "$dir/client/$name" ]; then
		die 'the file is complete already: use a larger file'
	fi
	choose_victim
	kill -9 "$pid"
	# Gone, and not about to be: what it sends from here on is nothing.
	wait "$pid" 2>/dev/null || :
	if kill -0 "$pid" 2>/dev/null; then
		die "process $pid is alive after SIGKILL"
	fi
	say "a quarter is written: server $victim, process $pid, was killed with SIGKILL"
	kill -CONT "$client"
}

say "client: chunkcp fetch $name -n $sessions, $size bytes"
fetch
[ "$kill_one" = 1 ] && kill_in_the_middle
code=0
wait "$client" || code=$?
client=
[ "$code" = 0 ] || die "the fetch failed with exit code $code: $(cat "$dir/report")"

cmp "$file" "$dir/client/$name" || die 'the copy differs'
say "the copy is the same as the original, byte for byte"

if [ "$kill_one" = 1 ]; then
	bytes=$(sed -n "s/.*\"addr\":\"$addr\"[^}]*\"bytes\":\([0-9]*\).*/\1/p" "$dir/report")
	[ "${bytes:-0}" -gt 0 ] || die "the server that was killed had sent nothing: $(cat "$dir/report")"
	[ "$bytes" -lt "$size" ] || die "the server that was killed had sent everything: $(cat "$dir/report")"
	say "server $victim had sent $bytes bytes before it was killed; the others sent the rest"
fi
