#!/usr/bin/env python3
"""Runs a command in a network of its own, loopback and nothing else: there the seed's ports 8545 and 8546 are free, whoever has them outside.

Where the system allows no namespaces the command runs outside, and needs these ports to be free."""
import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)
ids = (os.getuid(), os.getgid())
if libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWNET | CLONE_NEWUSER) == 0:
    if os.getuid() != ids[0]:  # a user's namespace: who we were is who we are
        for name, text in (("setgroups", "deny"), ("uid_map", f"{ids[0]} {ids[0]} 1"), ("gid_map", f"{ids[1]} {ids[1]} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                f.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        row = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(s, SIOCGIFFLAGS, row))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))
else:
    print(f"no namespace ({os.strerror(ctypes.get_errno())}): on the machine's own ports", file=sys.stderr)
os.execvp(sys.argv[1], sys.argv[1:])
