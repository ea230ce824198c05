"""Plain sockets at both ends of a test's flow.

usage: talk.py echo ADDRESS PORT          answers TCP and UDP with what it gets; says `ready`
       talk.py ask KIND ADDRESS PORT      one flow: for each line N makes N round trips, says `answered N`
                                          KIND: tcp, udp, or segments: UDP datagrams that leave as super-packets
       talk.py pace ADDRESS PORT          asks by UDP a thousand times a second until a line comes, says `paced SENT ANSWERED`
       talk.py serve ADDRESS PORT         says `ready`, takes one TCP stream, says `got BYTES SHA256`
       talk.py send ADDRESS PORT BYTES    sends so many random bytes by TCP, says `sent BYTES SHA256`
       talk.py flows ADDRESS COUNT        sends a UDP datagram in each of COUNT flows, says `flows COUNT`
"""

import hashlib
import os
import selectors
import socket
import sys
import threading
import time

PATIENCE = 3.0
UDP_SEGMENT, SEGMENT = 103, 1000


def say(*words):
    print(*words, flush=True)


def echo(address, port):
    tcp = socket.create_server((address, port))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    udp.bind((address, port))
    threading.Thread(target=echo_datagrams, args=(udp,), daemon=True).start()
    say("ready")
    while True:
        stream, _ = tcp.accept()
        threading.Thread(target=echo_stream, args=(stream,), daemon=True).start()


def echo_datagrams(udp):
    while True:
        data, sender = udp.recvfrom(65536)
        udp.sendto(data, sender)


def echo_stream(stream):
    try:
        while data := stream.recv(65536):
            stream.sendall(data)
    except OSError:
        pass


def ask(kind, address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.connect((address, port))
    if kind == "segments":
        s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
    say("ready")
    for line in sys.stdin:
        try:
            say("answered", ask_segments(s, int(line)) if kind == "segments" else ask_each(s, int(line)))
        except OSError:
            say("answered", 0)


def ask_each(s, count):
    for i in range(count):
        text = b"question %08d" % i
        s.sendall(text)
        if s.recv(len(text)) != text:
            return i
    return count


def ask_segments(s, count):
    texts = [(b"%08d" % i).ljust(SEGMENT, b".") for i in range(count)]
    s.send(b"".join(texts))
    return len({s.recv(SEGMENT + 1) for _ in texts} & set(texts))


def pace(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.connect((address, port))
    s.setblocking(False)
    say("ready")
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
    sent, answered, start = 0, set(), time.monotonic()

    def collect():
        try:
            while True:
                answered.add(s.recv(64))
        except OSError:
            pass

    while not ended.is_set():
        while time.monotonic() < start + sent / 1000:
            time.sleep(0.0005)
        try:
            s.send(b"%08d" % sent)
        except OSError:
            pass  # an ICMP error of an earlier one; it counts as lost
        sent += 1
        collect()
    deadline = time.monotonic() + PATIENCE
    while len(answered) < sent and time.monotonic() < deadline:
        time.sleep(0.001)
        collect()
    say("paced", sent, len(answered))


def serve(address, port):
    server = socket.create_server((address, port))
    say("ready")
    stream, _ = server.accept()
    digest, size = hashlib.sha256(), 0
    while data := stream.recv(1 << 20):
        digest.update(data)
        size += len(data)
    stream.sendall(digest.digest())
    say("got", size, digest.hexdigest())


def send(address, port, size):
    s = socket.create_connection((address, port), timeout=PATIENCE)
    s.settimeout(20)
    digest, left = hashlib.sha256(), size
    while left > 0:
        data = os.urandom(min(left, 1 << 20))
        digest.update(data)
        s.sendall(data)
        left -= len(data)
    s.shutdown(socket.SHUT_WR)
    s.recv(32, socket.MSG_WAITALL)
    say("sent", size, digest.hexdigest())


def flows(address, count):
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
    for i in range(count):
        try:
            sources[i % 100].sendto(b"flow", (address, 20000 + i // 100))
        except ConnectionRefusedError:
            pass
        if i % 100 == 99:
            time.sleep(0.001)  # no burst is longer than a queue
    say("flows", count)


def main(mode, *rest):
    if mode == "ask":
        ask(rest[0], rest[1], int(rest[2]))
    else:
        modes = {"echo": echo, "pace": pace, "serve": serve, "send": send, "flows": flows}
        modes[mode](rest[0], *map(int, rest[1:]))


main(*sys.argv[1:])
