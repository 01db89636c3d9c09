#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes event logs for tests, by the tables of the TCG's PC Client Platform Firmware Profile.

usage: event_log.py CASE >LOG
"""
import hashlib
import struct
import sys

ALGORITHMS = {"sha1": 4, "sha256": 11, "sha384": 12, "sha512": 13}
NO_ACTION, SEPARATOR, POST_CODE, IPL, EVENT_TAG = 3, 4, 1, 0xD, 6
VARIABLE, APPLICATION, ACTION, AUTHORITY = 0x80000001, 0x80000003, 0x80000007, 0x800000E0
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
SHIM = bytes.fromhex("50ab5d6046e00043abb63dd810dd8b23")


def header(banks=("sha1", "sha256")):
    event = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(banks))
    for bank in banks:
        event += struct.pack("<HH", ALGORITHMS[bank], hashlib.new(bank).digest_size)
    event += b"\0"
    return struct.pack("<II20sI", 0, NO_ACTION, b"", len(event)) + event


def record(pcr, kind, data, hashed=None, banks=("sha1", "sha256"), empty=()):
    out = struct.pack("<III", pcr, kind, len(banks))
    for bank in banks:
        digest = hashlib.new(bank, data if hashed is None else hashed).digest()
        out += struct.pack("<H", ALGORITHMS[bank]) + (bytes(len(digest)) if bank in empty else digest)
    return out + struct.pack("<I", len(data)) + data


def variable(name, value, guid=GLOBAL):
    return guid + struct.pack("<QQ", len(name), len(value)) + name.encode("utf-16-le") + value


def file_path(path):
    text = path.encode("utf-16-le") + b"\0\0"
    return struct.pack("<BBH", 4, 4, 4 + len(text)) + text + bytes.fromhex("7fff0400")


def image(path, size):
    return struct.pack("<QQQQ", 0xBDD98018, size, 0, len(file_path(path))) + file_path(path)


def boot(secure=1, **how):
    """What a machine with shim and GRUB measures."""
    make = lambda *args, **more: record(*args, **{**how, **more})
    out = [make(7, VARIABLE, variable("SecureBoot", bytes([secure])))]
    out += [make(7, VARIABLE, variable(name, b"")) for name in ("PK", "KEK")]
    out += [make(pcr, SEPARATOR, bytes(4)) for pcr in (7, 0, 1, 2, 3, 4, 5, 6)]
    out += [make(4, APPLICATION, image("\\EFI\\debian\\shimx64.efi", 946736), b"an image")]
    out += [make(7, AUTHORITY, variable("SbatLevel", b"sbat,1,2021030218\n", SHIM))]
    out += [make(7, AUTHORITY, variable("vendor_db", b"\x01", SHIM))]
    out += [make(8, IPL, b"grub_cmd: linux /vmlinuz root=/dev/vda1 ro\0", b"linux /vmlinuz root=/dev/vda1 ro")]
    out += [make(8, IPL, b"kernel_cmdline: /vmlinuz root=/dev/vda1 ro\0", b"/vmlinuz root=/dev/vda1 ro")]
    out += [make(9, IPL, b"/vmlinuz\0", b"a kernel")]
    out += [make(5, ACTION, b"Exit Boot Services Invocation")]
    return out


def log(records, **how):
    return header(**how) + b"".join(records)


CASES = {
    "boot": lambda: log(boot()),
    "off": lambda: log(boot(0)),
    "post_code": lambda: log([record(0, POST_CODE, b"ACPI DATA", b"tables")] + boot()),
    "after_exit": lambda: log(boot() + [record(5, ACTION, b"Exit Boot Services Returned with Success"),
                                        record(11, EVENT_TAG, struct.pack("<II", 1, 2) + b"UK", b"UK")]),
    "not_filled": lambda: log(boot(empty=("sha1",))),
    "banks": lambda: log(boot(banks=tuple(ALGORITHMS)), banks=tuple(ALGORITHMS)),
    "registers": lambda: b"\1" + log(boot())[1:],
    "reversed": lambda: log(boot(banks=("sha256", "sha1"))),
    "changed": lambda: log([record(7, VARIABLE, variable("SecureBoot", b"\1"), variable("SecureBoot", b"\0"))] + boot()[1:]),
    "older_shim": lambda: log([record(4, APPLICATION, image("\\EFI\\redhat\\grubx64.efi", 1902536) + bytes(8)),
                               record(7, AUTHORITY, variable("Shim", b"\1", SHIM) + bytes(6))]),
    "unknown_type": lambda: log(boot() + [record(2, 0x1234, b"x")]),
    "long": lambda: log(boot() + [record(9, IPL, b"/file-%d\0" % i, b"file %d" % i) for i in range(2000)]),
    "twice": lambda: log([record(pcr, IPL, b"kernel_cmdline: " + text + b"\0", text)
                          for pcr in (8, 9) for text in (b"b", b"a", b"b", b"a")]),
    "no_digest": lambda: log(boot()) + struct.pack("<III", 0, SEPARATOR, 0) + struct.pack("<I", 0),
    "many_digests": lambda: log(boot()) + struct.pack("<III", 0, SEPARATOR, 0xFFFFFFFF),
    "beyond": lambda: log(boot()) + record(0, SEPARATOR, bytes(4))[:-8] + struct.pack("<I", 0xFFFFFFF0) + bytes(4),
    "cut": lambda: log(boot() + [record(0, SEPARATOR, bytes(4))])[:-1],
    "sha1": lambda: struct.pack("<II20sI", 0, SEPARATOR, hashlib.sha1(bytes(4)).digest(), 4) + bytes(4),
}

if __name__ == "__main__":
    sys.stdout.buffer.write(CASES[sys.argv[1]]())
