"""Speaks Ethernet on one device: a command a line comes in, a frame a line goes out, both in hex.

usage: raw.py DEVICE
  send HEX                 sends the frame
  flood HEX COUNT RATE     sends it COUNT times, RATE a second; then says `flooded COUNT`
  lost                     says `lost N`: frames that the kernel could not hand over
It says `ready MAC` first, then `in HEX` for every frame that comes in.
"""

import selectors
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
OUTGOING = 4


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def open_device(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    s.bind((name, ETH_P_ALL))
    s.setblocking(False)
    return s


def receive(s):
    while True:
        try:
            frame, address = s.recvfrom(70000)
        except BlockingIOError:
            return
        if address[2] != OUTGOING:
            say("in " + frame.hex())


def send(s, frame):
    while True:
        try:
            s.send(frame)
            return
        except (BlockingIOError, OSError) as error:
            if getattr(error, "errno", 0) not in (11, 105):  # EAGAIN, ENOBUFS: the queue is full for a moment
                raise


def flood(s, frame, count, rate):
    start = time.monotonic()
    for i in range(count):
        # In bursts of a millisecond: sleeping for every frame would be slower than the rate.
        while time.monotonic() < start + i / rate:
            receive(s)
            time.sleep(0.001)
        send(s, frame)
    say("flooded %d" % count)


def lost(s):
    _, drops = struct.unpack("II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    say("lost %d" % drops)


def obey(s, words):
    if words[0] == "send":
        send(s, bytes.fromhex(words[1]))
    elif words[0] == "flood":
        flood(s, bytes.fromhex(words[1]), int(words[2]), int(words[3]))
    elif words[0] == "lost":
        receive(s)
        lost(s)


def main(device):
    s = open_device(device)
    say("ready " + s.getsockname()[4].hex(":"))
    waiting = selectors.DefaultSelector()
    waiting.register(s, selectors.EVENT_READ)
    waiting.register(sys.stdin, selectors.EVENT_READ)
    rest = b""
    while True:
        for key, _ in waiting.select():
            if key.fileobj is s:
                receive(s)
                continue
            piece = sys.stdin.buffer.raw.read(1 << 20)
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                obey(s, line.decode().split())


main(sys.argv[1])
