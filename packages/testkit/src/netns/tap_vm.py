"""A virtual machine's network card, as a hypervisor makes one: a tap on the host, read and written by a program.

The "machine" is a network namespace; its eth0 is a second tap, and this program carries frames between the two with their
virtio headers, so that super-packets and unfinished checksums cross whole, as they do into a real guest.

usage: tap_vm.py TAP GUEST_NAMESPACE MAC MTU     (in the host's network namespace)
It says `ready`, and for each line `seen` of its input: `seen TO_GUEST LONGEST SUPER FROM_GUEST LONGEST SUPER`, the frames
by direction, the longest one in bytes, and how many were over 1514.
"""

import ctypes
import fcntl
import os
import selectors
import struct
import sys

TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x400454D0, 0x400454D8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO_ECN = 0x01, 0x02, 0x08
CLONE_NEWNET = 0x40000000
SIOCSIFHWADDR = 0x8924
HEADER = 10  # struct virtio_net_hdr
ORDINARY = 1514


def tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(fd, TUNSETVNETHDRSZ, struct.pack("i", HEADER))
    fcntl.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN)
    return fd


def enter(namespace):
    fd = os.open("/run/netns/" + namespace, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


class Way:
    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.frames = self.longest = self.super = 0

    def carry(self):
        """A fair share of what waits, so that neither way starves the other."""
        for _ in range(64):
            try:
                frame = os.read(self.source, 70000)
            except BlockingIOError:
                return
            length = len(frame) - HEADER
            self.frames += 1
            self.longest = max(self.longest, length)
            self.super += length > ORDINARY
            try:
                os.write(self.sink, frame)
            except OSError:
                pass  # a device that is down takes nothing, as a cable that is out


def main(name, namespace, mac, mtu):
    host = tap(name)
    enter(namespace)
    guest = tap("eth0")
    os.system("ip link set dev eth0 address %s mtu %d addrgenmode none up" % (mac, int(mtu)))
    to_guest, from_guest = Way(host, guest), Way(guest, host)
    waiting = selectors.DefaultSelector()
    waiting.register(host, selectors.EVENT_READ, to_guest)
    waiting.register(guest, selectors.EVENT_READ, from_guest)
    waiting.register(sys.stdin, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            if key.data:
                key.data.carry()
            elif sys.stdin.readline():
                ways = [str(n) for w in (to_guest, from_guest) for n in (w.frames, w.longest, w.super)]
                print("seen", *ways, flush=True)
            else:
                return


main(*sys.argv[1:])
