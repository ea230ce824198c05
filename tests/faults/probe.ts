/**
 * Traffic that counts itself; runs in a guest's namespace as a process of its own.
 *
 *   probe.ts echo ADDRESS        answers UDP datagrams and swallows TCP streams until it is ended
 *   probe.ts send ADDRESS        sends 1,000 numbered datagrams a second and a TCP stream of 1 MB/s; on SIGTERM it
 *                                stops sending, waits for the last answer, and prints a ProbeResult
 */
import { createSocket } from "node:dgram";
import { createServer, connect as tcpConnect } from "node:net";

export interface ProbeResult {
  /** Datagrams sent, and answers that came back. */
  readonly sent: number;
  readonly answered: number;
  /** Bytes of TCP written, and those the other end told it read. */
  readonly written: number;
  readonly read: number;
  /** Longest silence between two answers, ms. */
  readonly gap_ms: number;
}

const PORT = 7000;
const TCP_CHUNK = 10_000;
const DATAGRAM = 64;

function echo(address: string): void {
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => udp.send(message, from.port, from.address));
  const tcp = createServer({ allowHalfOpen: true }, (socket) => {
    let read = 0;
    socket.on("data", (piece) => {
      read += piece.length;
    });
    socket.on("end", () => socket.end(String(read)));
  });
  udp.bind(PORT, address, () => tcp.listen(PORT, address, () => console.log("ready")));
}

class Datagrams {
  sent = 0;
  answered = 0;
  gap = 0;
  readonly #socket = createSocket("udp4");
  #last = performance.now();

  constructor(address: string, onAnswer: () => void) {
    this.#socket.connect(PORT, address);
    this.#socket.on("message", () => {
      const now = performance.now();
      this.gap = Math.max(this.gap, now - this.#last);
      this.#last = now;
      this.answered++;
      onAnswer();
    });
    this.#socket.on("error", () => undefined); // an ICMP error; the missing answer tells
  }
  sendUpTo(count: number): void {
    for (; this.sent < count; this.sent++) {
      const datagram = Buffer.alloc(DATAGRAM);
      datagram.writeUInt32BE(this.sent);
      this.#socket.send(datagram);
    }
  }
}

/** Sends on the beat of the clock; a late tick sends what is due. */
function send(address: string): void {
  const tcp = tcpConnect({ host: address, port: PORT, allowHalfOpen: true });
  let written = 0;
  let told = "";
  let stopping = false;
  const finish = (): void => {
    if (!stopping || !told || datagrams.answered < datagrams.sent) return;
    report();
  };
  const datagrams = new Datagrams(address, finish);
  const report = (): never => {
    const { sent, answered, gap } = datagrams;
    console.log(JSON.stringify({ sent, answered, written, read: Number(told), gap_ms: Math.round(gap) }));
    process.exit(0);
  };
  tcp.on("data", (piece) => {
    told += piece.toString();
  });
  tcp.on("end", finish);
  tcp.on("connect", () => {
    console.log("ready");
    const start = performance.now();
    const beat = setInterval(() => {
      const elapsed = performance.now() - start;
      datagrams.sendUpTo(Math.floor(elapsed));
      for (; written < elapsed * 1000; written += TCP_CHUNK) tcp.write(Buffer.alloc(TCP_CHUNK, 7));
    }, 1);
    process.on("SIGTERM", () => {
      clearInterval(beat);
      stopping = true;
      tcp.end();
      setTimeout(report, 3_000); // what has not come by now is lost
    });
  });
}

const [mode, address] = process.argv.slice(2);
if (mode === "echo" && address) echo(address);
else if (mode === "send" && address) send(address);
