#!/usr/bin/env bash
# Stops an Envoy so that its last requests reach the bill.
#
# Envoy's gRPC stats sink sends nothing at exit. So: let it fail its health check and drain, wait until its ports refuse
# connections and none is left, wait one flush more, and only then end it. Needs bash alone: no curl.
#
#   drain.sh [--admin HOST:PORT] [--flush-interval SECONDS] [--timeout SECONDS] [--pid PID] PORT...
#
#   PORT               the ports that the listeners accept on, at 127.0.0.1
#   --admin            Envoy's admin address; default 127.0.0.1:9901
#   --flush-interval   stats_flush_interval of the bootstrap, in whole seconds; default 1
#   --timeout          how long connections may take to end; default 30. Envoy refuses new ones after its --drain-time-s
#                      (default 600 s): start it with less than this time-out, and with --drain-strategy immediate
#   --pid              the process that gets SIGTERM at the end. Without it the caller stops Envoy: as a preStop hook,
#                      Kubernetes does, and terminationGracePeriodSeconds must exceed the time-out by 10 s or so
#
# Exit code: 0 drained; 3 the time-out came first (Envoy was stopped, what was still open may be unreported); 1 error.
set -euo pipefail

admin=127.0.0.1:9901 flush_interval=1 timeout=30 pid='' ports=()
while [ $# -gt 0 ]; do
    case $1 in
        --admin) admin=$2 && shift 2 ;;
        --flush-interval) flush_interval=$2 && shift 2 ;;
        --timeout) timeout=$2 && shift 2 ;;
        --pid) pid=$2 && shift 2 ;;
        -*) echo "drain: unknown option $1" >&2 && exit 2 ;;
        *) ports+=("$1") && shift ;;
    esac
done
[ ${#ports[@]} -gt 0 ] || { echo "drain: name the ports of the listeners" >&2 && exit 2; }

# The answer's body, in HTTP's chunks: the lines with their sizes stay in it. Usage: ask METHOD PATH
ask() {
    local line
    exec 3<>"/dev/tcp/${admin%:*}/${admin##*:}" || return 1
    printf '%s %s HTTP/1.1\r\nhost: admin\r\ncontent-length: 0\r\nconnection: close\r\n\r\n' "$1" "$2" >&3
    read -r line <&3
    [[ $line == *' 200 '* ]] || { echo "drain: $1 $2: $line" >&2 && exec 3>&- && return 1; }
    while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
    cat <&3
    exec 3>&-
}

# The connections that clients still have. The admin's own connection is not one of them.
connections() {
    local name value sum=0
    while IFS=': ' read -r name value; do
        [[ $name == *.downstream_cx_active && $name != http.admin.* ]] && sum=$((sum + ${value//[!0-9]/}))
    done < <(ask GET '/stats?filter=%5E(http%7Ctcp)%5C..*downstream_cx_active%24')
    echo "$sum"
}

# Zero connections are not enough: there are moments without one while the listeners still accept.
accepts() {
    local port
    for port in "${ports[@]}"; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
    done
    return 1
}

ask POST /healthcheck/fail >/dev/null
ask POST '/drain_listeners?graceful' >/dev/null

code=0 deadline=$((SECONDS + timeout))
while accepts || [ "$(connections)" -gt 0 ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "drain: still accepting, or connections open, after $timeout s" >&2
        code=3
        break
    fi
    sleep 0.2
done

# The last values leave with the next flush; half a second is for the way.
sleep "$flush_interval"
sleep 0.5
[ -z "$pid" ] || kill -TERM "$pid"
exit "$code"
