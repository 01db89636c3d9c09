#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peer.py [OCTETS]: says OCTETS, in hexadecimal digits, to whoever connects, and then no more. Prints the port
that the system gave it, and a line for each connection.
peer.py --closed: has a port at which everybody is refused, until somebody else listens there too.
peer.py --closed-pair: the same with the port behind it: what swtpm needs."""

import signal
import socket
import sys



def bound(port):
    out = socket.socket()
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the other one has it too
    out.bind(("127.0.0.1", port))
    return out


def bound_pair():
    while True:
        first = bound(0)
        try:
            return first, bound(first.getsockname()[1] + 1)
        except OSError:
            first.close()


if sys.argv[1:] == ["--closed-pair"]:
    pair = bound_pair()
    print(pair[0].getsockname()[1], flush=True)
    signal.pause()
listener = bound(0)
open_ = "--closed" not in sys.argv
if open_:
    listener.listen(64)
print(listener.getsockname()[1], flush=True)
if not open_:
    signal.pause()
peers = []
while True:
    peer, _ = listener.accept()
    peer.sendall(bytes.fromhex("".join(sys.argv[1:])))
    peers.append(peer)  # which keeps it open
    print("connected", flush=True)
