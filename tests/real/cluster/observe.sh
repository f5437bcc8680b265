# shellcheck shell=bash
# What the API servers say of the Deployment while something is done to the cluster. Each one is asked by itself, without
# end, in two ways: twice a second whether it answers, and by a watch, which shows every change. Judging what was written
# down is done by functions of files alone, and they are tried on bad files first.

BACKGROUND=()

# Certificates as files, for curl.
write_certificates() {
	local config
	config=$(kubectl config view --raw --output json)
	(
		umask 077
		jq -r '.clusters[0].cluster["certificate-authority-data"]' <<<"$config" | base64 -d >"$STATE/ca.crt"
		jq -r '.users[0].user["client-certificate-data"]' <<<"$config" | base64 -d >"$STATE/client.crt"
		jq -r '.users[0].user["client-key-data"]' <<<"$config" | base64 -d >"$STATE/client.key"
	)
}

ask() { # NODE PATH [OPTION…]
	curl --silent --fail --cacert "$STATE/ca.crt" --cert "$STATE/client.crt" --key "$STATE/client.key" \
		"${@:3}" "https://$(address "$1"):6443/apis/apps/v1/namespaces/default/deployments$2"
}

# Lines: when the request began, in ms; ok or away; ready pods.
poll() { # NODE FILE
	local begin ready
	while :; do
		begin=$(date +%s%3N)
		if ready=$(ask "$1" /web --max-time 5 | jq -e '.status.readyReplicas // 0' 2>/dev/null); then
			echo "$begin ok $ready"
		else
			echo "$begin away"
		fi >>"$2"
		sleep 0.5
	done
}

# Lines: when it was seen, in ms; kind of change; ready pods. It begins again when its server goes away.
follow() { # NODE FILE
	while :; do
		ask "$1" '?watch=true&fieldSelector=metadata.name=web' --no-buffer | jq -r --unbuffered '
			select(.type | IN("ADDED", "MODIFIED", "DELETED"))
			| "\(now * 1000 | floor) \(.type) \(if .type == "DELETED" then 0 else .object.status.readyReplicas // 0 end)"' >>"$2" 2>/dev/null || true
		sleep 0.2
	done
}

start_observing() { # DIRECTORY
	local node
	write_certificates
	rm -rf "$1"
	mkdir -p "$1"
	for node in "${MASTERS[@]}"; do
		in_background poll "$node" "$1/poll.$node"
		in_background follow "$node" "$1/watch.$node"
	done
	for node in "${MASTERS[@]}"; do
		eventually 30 "the API server of $node is observed" grep -q ' ok 4' "$1/poll.$node"
		eventually 30 "the Deployment is watched on $node" grep -q ' ADDED 4' "$1/watch.$node"
	done
}

# In a session of its own, so that what it started ends with it.
in_background() { # FUNCTION ARGUMENT…
	set -m
	"$@" 9>&- &
	set +m
	BACKGROUND+=($!)
}

end_background() {
	local group
	for group in "${BACKGROUND[@]}"; do kill -KILL -- "-$group" 2>/dev/null || true; done
	wait "${BACKGROUND[@]}" 2>/dev/null || true
	BACKGROUND=()
}

fewest_ready() { # FILE…
	awk 'NF == 3 && (!seen || $3 + 0 < least) { least = $3 + 0; seen = 1 } END { print seen ? least : "nothing seen" }' "$@"
}

# The longest time, in whole seconds, in which nobody asked: between two lines of a file, or before the end.
longest_silence() { # END-IN-MS FILE…
	local end=$1 file
	shift
	for file in "$@"; do
		awk -v end="$end" 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 }
			END { if (!NR) most = end; else if (end - last > most) most = end - last; print int(most / 1000) }' "$file"
	done | sort -n | tail -n 1
}

# How often a second server went away while another had not come back.
away_together() { # FILE…
	awk '{ print $1, FILENAME, $2 }' "$@" | sort -n | awk '
		$3 == "away" && !away[$2] { away[$2] = 1; if (++together == 2) times++ }
		$3 == "ok" && away[$2] { away[$2] = 0; together-- }
		END { print times + 0 }'
}

# How many of the files show that their server went away at all.
went_away() { grep -l ' away' "$@" | wc -l; } # FILE…

# The functions above, on files that they must not be content with.
prove_judgement() {
	local directory
	directory=$(mktemp -d)
	printf '1000 ok 4\n1500 ok 2\n2000 ok 4\n' >"$directory/dip"
	printf '1000 ok 4\n1500 away\n2000 away\n2500 ok 4\n' >"$directory/one"
	printf '1000 ok 4\n1700 ok 4\n2400 away\n3000 ok 4\n' >"$directory/other"
	printf '1000 ok 4\n9000 ok 4\n' >"$directory/asleep"
	: >"$directory/empty"
	# shellcheck disable=SC2015 # whichever fails
	[ "$(fewest_ready "$directory"/{one,dip})" = 2 ] && [ "$(fewest_ready "$directory/empty")" = "nothing seen" ] &&
		[ "$(longest_silence 10000 "$directory"/{one,asleep})" = 8 ] && [ "$(longest_silence 60000 "$directory/one")" = 57 ] &&
		[ "$(longest_silence 60000 "$directory/empty")" = 60 ] &&
		[ "$(away_together "$directory"/{one,other})" = 1 ] && [ "$(away_together "$directory"/{one,dip})" = 0 ] &&
		[ "$(went_away "$directory"/{one,other,dip})" = 2 ] || fail "its own judgement is wrong: observe.sh"
	rm -rf "$directory"
}
