# shellcheck shell=bash
# Nothing is left of a cluster but what is built and the logs. Only what carries our name is touched.

anything_up() {
	[ -n "$(docker ps --all --quiet --filter "label=$NAME")" ] || [ -n "$(docker network ls --quiet --filter "label=$NAME")" ]
}

down() {
	local containers
	containers=$(docker ps --all --quiet --filter "label=$NAME")
	# shellcheck disable=SC2086
	[ -z "$containers" ] || docker rm --force --volumes $containers >/dev/null
	if docker network inspect "$NAME" >/dev/null 2>&1; then docker network rm "$NAME" >/dev/null; fi
	while as_root iptables -C DOCKER-USER -i "$BRIDGE" ! -o "$BRIDGE" -j DROP 2>/dev/null; do
		as_root iptables -D DOCKER-USER -i "$BRIDGE" ! -o "$BRIDGE" -j DROP
	done
	rm -rf "$STATE"
}
