#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# snpnv-paravisor --qemu, with a client that plays QEMU and its enemies: power cycles, cancelling,
# malformed requests, descriptors that are none, peers that stall.
. "$(dirname "$0")/lib.sh"

cat >client.py <<'EOF'
import array, os, socket, struct, sys

NAMES = dict(GET_CAPABILITY=1, INIT=2, SHUTDOWN=3, GET_TPMESTABLISHED=4, SET_LOCALITY=5,
             CANCEL_TPM_CMD=9, RESET_TPMESTABLISHED=11, GET_STATEBLOB=12, SET_STATEBLOB=13, STOP=14,
             GET_CONFIG=15, SET_DATAFD=16, SET_BUFFERSIZE=17, GET_INFO=18)
STARTUP_CLEAR = bytes.fromhex("80010000000c000001440000")
STARTUP_STATE = bytes.fromhex("80010000000c000001440001")
GET_RANDOM = bytes.fromhex("80010000000c0000017b0008")

def exactly(sock, n):
    out = b""
    while len(out) < n:
        part = sock.recv(n - len(out))
        if not part:
            raise EOFError(f"closed after {len(out)} of {n} octets")
        out += part
    return out

class Qemu:
    def __init__(self, path):
        self.control = socket.socket(socket.AF_UNIX)
        self.control.settimeout(300)
        self.control.connect(path)
    def ask(self, name, arguments=b"", size=4, fds=()):
        code = NAMES.get(name, name)
        socket.send_fds(self.control, [struct.pack(">I", code) + arguments], fds)
        answer = exactly(self.control, size)
        return struct.unpack(f">{size // 4}I", answer)
    def open_commands(self):
        self.commands, theirs = socket.socketpair()
        self.commands.settimeout(300)
        result = self.ask("SET_DATAFD", fds=[theirs.fileno()])
        theirs.close()
        return result
    def send(self, command):
        self.commands.sendall(command)
    def answer(self):
        head = exactly(self.commands, 10)
        size, rc = struct.unpack(">2xII", head)
        exactly(self.commands, size - 10)
        return rc
    def tpm(self, command):
        self.send(command)
        return self.answer()
    def boot(self):
        assert self.ask("INIT", struct.pack(">I", 0)) == (0,)
        assert self.tpm(STARTUP_CLEAR) == 0

def closed(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True

def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, wanted {wanted!r}")

exec(sys.stdin.read(), globals())
EOF

# qemu WHAT: the client's program on standard input runs to its end.
qemu() {
  cat >program
  check "$1" timeout "$patience" python3 client.py <program
}
pcr16() { tpm2_pcrread sha256:16 | grep -o '0x[0-9A-F]*'; }

start_paravisor --qemu "$work/socket"
check "the socket is there" [ -S socket ]
qemu "What QEMU asks before the machine runs" <<'EOF'
q = Qemu("socket")
expect(q.open_commands(), (0,))
expect(q.tpm(GET_RANDOM), 0x100)  # TPM_RC_INITIALIZE: it is off
result, capabilities = q.ask("GET_CAPABILITY", size=8)
expect((result, capabilities & 0x300), (0, 0))  # no state to migrate
expect(q.ask("GET_TPMESTABLISHED", size=8), (0, 0))
expect(q.ask("STOP"), (0,))
expect(q.ask("SET_BUFFERSIZE", struct.pack(">I", 0), 16), (0, 4096, 4096, 4096))
expect(q.ask("INIT", struct.pack(">I", 0)), (0,))
expect(q.ask("SET_LOCALITY", bytes(4)), (0,))
expect(q.ask("SET_LOCALITY", bytes([3, 0, 0, 0])), (0x907,))
expect(q.ask("RESET_TPMESTABLISHED", bytes(4)), (0,))
expect(q.ask("GET_CONFIG", size=8), (0, 0))
expect(q.tpm(STARTUP_STATE), 0x100)  # nothing was saved
expect(q.tpm(STARTUP_CLEAR), 0)
expect(q.tpm(STARTUP_CLEAR), 0x100)  # only the first one
expect(q.tpm(GET_RANDOM), 0)
expect(q.ask("GET_STATEBLOB", bytes(12), 16), (9, 0, 0, 0))
expect(q.ask("GET_INFO", bytes(16), 12), (9, 0, 0))
expect(q.ask("CANCEL_TPM_CMD"), (0,))
expect(q.tpm(GET_RANDOM), 0)  # which cancelled nothing
expect(q.ask("SHUTDOWN"), (0,))
expect(q.tpm(GET_RANDOM), 0x100)
expect(q.ask("SET_STATEBLOB", bytes(12)), (9,))
expect(closed(q.control), True)
expect(closed(q.commands), True)
EOF

user_data first booted
check "a report over TCP beside it" "$snpnv" --quiet report report first
check "a PCR is extended" tpm2_pcrextend 16:sha256="$(printf '11%.0s' {1..32})"
extended=$(pcr16)
qemu "A boot" <<<'q = Qemu("socket"); q.open_commands(); q.boot()'
check "the PCR was reset" [ "$(pcr16)" != "$extended" ]
check "the report of the boot is there" "$snpnv" --quiet report after.bin --boot --claims claims
check "with the user data that stayed" has_user_data claims first
qemu "Three boots of one machine" <<'EOF'
q = Qemu("socket")
q.open_commands()
for i in range(3):
    q.boot()
    expect(q.tpm(GET_RANDOM), 0)
    q.ask("STOP")
EOF
check "the AK is there after them" tpm2_readpublic -Q -c 0x81000003

qemu "What is no request ends its connection only" <<'EOF'
for code in 0, 6, 7, 8, 0x13, 0xffffffff:
    q = Qemu("socket")
    expect(q.ask(code), (0x0a,))
    expect(closed(q.control), True)
q = Qemu("socket")
expect(q.ask("SET_DATAFD"), (9,))  # without a descriptor
for path in "/dev/null", "client.py":
    with open(path) as file:
        expect(q.ask("SET_DATAFD", fds=[file.fileno()]), (9,))
datagrams = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
expect(q.ask("SET_DATAFD", fds=[datagrams[0].fileno()]), (9,))
expect(q.open_commands(), (0,))
expect(q.open_commands(), (9,))  # one is enough
q = Qemu("socket")
q.open_commands()
q.boot()
q.send(bytes.fromhex("8001ffffffff0000017b0008"))  # no such size
expect(closed(q.commands), True)
expect(q.ask("GET_CONFIG", size=8), (0, 0))
EOF
descriptors() { find "/proc/$paravisor_pid/fd" | wc -l; }
before=$(descriptors)
qemu "Descriptors that nobody asked for" <<'EOF'
for i in range(20):
    q = Qemu("socket")
    expect(q.ask("GET_CONFIG", size=8, fds=[0] * 50), (0, 0))
    expect(q.ask("SET_DATAFD", fds=[0, 0]), (9,))
    q.control.close()
q = Qemu("socket")
expect(q.ask("GET_CONFIG", size=8), (0, 0))  # the others have been seen to
EOF
check "are closed" [ "$(descriptors)" -le "$before" ]
qemu "A request in single octets" <<'EOF'
q = Qemu("socket")
for octet in struct.pack(">II", 17, 0):
    q.control.sendall(bytes([octet]))
expect(struct.unpack(">4I", exactly(q.control, 16)), (0, 4096, 4096, 4096))
EOF

check "a socket that is served is not taken over" exits 3 timeout "$patience" "$paravisor_program" --state "$work/other" --qemu "$work/socket"
check "and says so" grep -q "^snpnv-paravisor: $work/socket: " err
check "a path that is too long" exits 3 timeout "$patience" "$paravisor_program" --state "$work/other" --qemu "$work/$(printf 'x%.0s' {1..200})"
touch file
check "a file is not replaced" exits 3 timeout "$patience" "$paravisor_program" --state "$work/other" --qemu "$work/file"
check "and is still there" [ -f file ]

# ends_in_time WHAT: SIGTERM ends the paravisor, its swtpm and its socket file.
ends_in_time() {
  local swtpm
  swtpm=$(pgrep -P "$paravisor_pid")
  stop_paravisor
  check "$1: ends with 0" [ $? -eq 0 ]
  check "$1: no swtpm is left" [ ! -e "/proc/$swtpm" ]
  check "$1: no socket is left" [ ! -e socket ]
}
# stalled WHAT OPTION...: a client does what standard input says and then hangs at its connections.
stalled() {
  local what=$1
  shift
  start_paravisor --qemu "$work/socket" "$@"
  { cat; echo 'print("stalled", flush=True)'; echo 'sys.stdin = None; import signal; signal.pause()'; } >program
  start_server line python3 client.py <program
  local client=$server
  check "$what: the client got there" [ "$line" = stalled ]
  ends_in_time "$what"
  stop "$client"
}
ends_in_time "after all this"
stalled "half a request" <<<'q = Qemu("socket"); q.control.sendall(bytes(2))'
stalled "half a command" <<<'q = Qemu("socket"); q.open_commands(); q.boot(); q.send(GET_RANDOM[:7])'
stalled "a machine that runs" <<<'q = Qemu("socket"); q.open_commands(); q.boot()'
stalled "a client that waits for the first" <<<'q = Qemu("socket"); q.open_commands(); p = Qemu("socket"); p.control.sendall(bytes(4))'
stalled "silence" --fault silence <<<'q = Qemu("socket"); q.open_commands(); q.ask("INIT", bytes(4)); q.send(GET_RANDOM)'
# TPM2_NV_Read of 8 octets of index 0x01400001 by the owner: makes a refresh, which takes an hour here.
stalled "a refresh under way" --latency-ms 3600000 --interval-ms 0 <<'EOF'
q = Qemu("socket")
q.open_commands()
q.boot()
q.send(bytes.fromhex("80020000002300000" "14e4000000101400001000000094000000900000000000008" "0000"))
EOF

start_paravisor --qemu "$work/socket" --fault silence
qemu "Silence ends when it is cancelled" <<'EOF'
q = Qemu("socket")
q.open_commands()
expect(q.tpm(GET_RANDOM), 0x100)
expect(q.ask("INIT", bytes(4)), (0,))
for i in range(3):
    q.send(GET_RANDOM)
    q.commands.settimeout(0.2)
    try:
        expect(q.answer(), "nothing")
    except TimeoutError:
        pass
    q.commands.settimeout(300)
    expect(q.ask("CANCEL_TPM_CMD"), (0,))
    expect(q.answer(), 0x909)  # TPM_RC_CANCELED
EOF
ends_in_time "silence that was cancelled"

# What a killed paravisor leaves is replaced.
start_paravisor --qemu "$work/socket"
kill -KILL "$paravisor_pid"
await_exit "$paravisor_pid"
paravisor_pid=
check "a killed one leaves its socket" [ -S socket ]
start_paravisor --qemu "$work/socket" --once
qemu "A new one takes its place" <<<'q = Qemu("socket"); q.open_commands(); q.boot()'
check "--once: ends with the machine" await_exit "$paravisor_pid"
check "and takes its socket along" [ ! -e socket ]
summary
