#!/usr/bin/env bash
# Sets up the gateway bridge on a machine's own Open vSwitch: what docs/production.md describes.
# Shows each command that it runs. Run again, it changes only what differs; what is not named
# on the command line (other bridges, ports that were added otherwise) is left alone.
set -euo pipefail
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

usage() {
    cat <<'END'
Usage: setup.sh --datapath-id ID [OPTION]... PORT...

Makes a bridge of the given PORTs, network interfaces of this machine, and sets it up for
ryu-alg.

  --datapath-id ID     16 hex digits, as in the configuration's gateway.datapath_id
  --bridge NAME        default br-alg
  --controller TARGET  default tcp:127.0.0.1:6653. Elsewhere, ssl:ADDRESS:PORT, with
                       certificates that were set by ovs-vsctl set-ssl before
  --datapath TYPE      system (kernel, the default) or netdev (userspace)
  --zone N             conntrack zone, as in the configuration's gateway.ct_zone; default 4242
  --established SEC    conntrack time-out of an idle TCP connection; default 86400. Must be
                       longer than the configuration's timers.data_idle
  --dry-run            show the commands, run none

Example:
  setup.sh --dry-run --datapath-id 0000000000000001 eth1 eth2
END
}

fail() {
    printf 'setup.sh: %s\n' "$*" >&2
    exit 1
}

bridge=br-alg
datapath_id=
controller=tcp:127.0.0.1:6653
datapath=system
zone=4242
established=86400
dry_run=
ports=()

while (($#)); do
    case $1 in
    -h | --help)
        usage
        exit
        ;;
    --dry-run) dry_run=yes ;;
    --bridge | --datapath-id | --controller | --datapath | --zone | --established)
        (($# > 1)) || fail "$1 needs a value"
        name=${1#--}
        printf -v "${name//-/_}" %s "$2"
        shift
        ;;
    -*) fail "no option $1; see setup.sh --help" ;;
    *) ports+=("$1") ;;
    esac
    shift
done

[[ $datapath_id =~ ^[0-9a-f]{16}$ ]] || fail "--datapath-id: expected 16 hex digits (lower case), not '$datapath_id'"
[[ $datapath == system || $datapath == netdev ]] || fail "--datapath: expected system or netdev, not '$datapath'"
[[ $zone =~ ^[0-9]{1,5}$ ]] && ((10#$zone >= 1 && 10#$zone <= 65535)) || fail "--zone: expected 1 to 65535, not '$zone'"
[[ $established =~ ^[0-9]{1,9}$ ]] || fail "--established: expected seconds, not '$established'"
[[ $controller =~ ^(tcp|ssl):.+:[0-9]+$ ]] || fail "--controller: expected something like tcp:127.0.0.1:6653, not '$controller'"
[[ $controller =~ ^(ssl:|tcp:(127\.[0-9.]+|\[::1\]):) ]] || fail "--controller: plain TCP to another machine lets whoever is on the way control the switch; use ssl:${controller#tcp:}"
((${#ports[@]})) || fail "no PORT given; see setup.sh --help"

show() {
    printf '+'
    printf ' %q' "$@"
    printf '\n'
}

run() {
    show "$@"
    [[ $dry_run ]] || "$@"
}

# Asks Open vSwitch; gives nothing where there is nothing, or no Open vSwitch to be asked.
ask() {
    ovs-vsctl --timeout=10 "$@" 2>/dev/null || true
}

if [[ ! $dry_run ]]; then
    ((EUID == 0)) || fail "needs root: run it with sudo, or with --dry-run"
    command -v ovs-vsctl >/dev/null || fail "ovs-vsctl is missing: apt-get install openvswitch-switch"
    ovs-vsctl --timeout=10 --no-wait show >/dev/null 2>&1 || fail "Open vSwitch does not run: systemctl start openvswitch-switch"
    if [[ $controller == ssl:* && -z $(ask get-ssl) ]]; then
        fail "Open vSwitch has no certificates: ovs-vsctl set-ssl KEY CERTIFICATE CA"
    fi
    for port in "${ports[@]}"; do
        [[ -e /sys/class/net/$port ]] || fail "there is no network interface $port"
    done
fi

# --- The bridge: closed before anything is plugged into it ----------------------------------

run ovs-vsctl --may-exist add-br "$bridge" -- set bridge "$bridge" \
    "datapath_type=$datapath" \
    fail_mode=secure \
    protocols=OpenFlow13 \
    "other-config:datapath-id=$datapath_id" \
    other-config:disable-in-band=true

for port in "${ports[@]}"; do
    run ovs-vsctl --may-exist add-port "$bridge" "$port"
    run ip link set "$port" up
done

# --- The controller -------------------------------------------------------------------------

# Setting a controller again, even the same, would drop the connection to it.
if [[ $(ask get-controller "$bridge") != "$controller" ]]; then
    run ovs-vsctl set-controller "$bridge" "$controller" -- set controller "$bridge" \
        connection_mode=out-of-band inactivity_probe=5000
fi
# Reconnect every second, not every 8: Open vSwitch 3.1 takes that up only while connected.
case $(ask get controller "$bridge" is_connected max_backoff | xargs) in
"true []") run ovs-vsctl set controller "$bridge" max_backoff=1000 ;;
"false []") echo "# no controller is connected; run this again then, for quicker reconnections" ;;
esac

# --- The datapath's memory ------------------------------------------------------------------

# Of all bridges: what somebody has set is left alone. docs/production.md says why.
if [[ -z $(ask --if-exists get Open_vSwitch . other_config:max-idle) ]]; then
    run ovs-vsctl set Open_vSwitch . other_config:max-idle=1000
fi

# --- Connection tracking --------------------------------------------------------------------

if [[ -z $(ask --if-exists get Open_vSwitch . "datapaths:$datapath") ]]; then
    run ovs-vsctl --id=@it create Datapath datapath_version=0 \
        -- set Open_vSwitch . "datapaths:$datapath=@it"
fi
policy=( # in alphabetical order, as Open vSwitch lists them; docs/production.md says why
    icmp_first=60
    icmp_reply=60
    tcp_close=240
    tcp_close_wait=240
    "tcp_established=$established"
    tcp_fin_wait=240
    tcp_syn_recv=240
    tcp_syn_sent=240
    tcp_time_wait=240
    udp_first=300
    udp_multiple=300
    udp_single=300
)
present=$(ask list-zone-tp "$datapath" | sed -n "s/^Zone:$zone, Timeout Policies: //p")
if [[ $present != "${policy[*]}" ]]; then
    # There is no command that changes a policy.
    run ovs-vsctl --if-exists del-zone-tp "$datapath" "zone=$zone"
    run ovs-vsctl add-zone-tp "$datapath" "zone=$zone" "${policy[@]}"
fi
