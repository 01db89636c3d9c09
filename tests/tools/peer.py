#!/usr/bin/env python3
"""peer.py [OCTETS]: says OCTETS, in hexadecimal digits, to whoever connects, and then no more. Prints the port
that the system gave it, and a line for each connection.
peer.py --closed: has a port at which everybody is refused."""

import signal
import socket
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
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
