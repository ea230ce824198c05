import { nounOf, packet } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Download } from "../api.ts";
import { usage } from "../exit.ts";
import { addScopeOption, scopeFlags, scopeOf } from "../fields.ts";
import type { Io } from "../io.ts";
import { findThing, pathOf } from "../objects.ts";
import { cell } from "../output/cell.ts";
import { type CommonOptions, openSession, withConnection } from "../session.ts";

const port = nounOf("port");

interface CaptureOptions extends CommonOptions, Readonly<Record<string, unknown>> {
  readonly filter?: string;
  readonly count: string;
  readonly seconds: string;
  readonly snap: string;
  readonly write?: string;
}

const HELP = `
Filters are a part of those of tcpdump: tcp, udp, icmp, arp, ip, [src|dst] host ADDRESS, [src|dst] net RANGE,
[tcp|udp] [src|dst] port NUMBER, joined by and, or, not and brackets.

Examples:
  onehop capture web-1 --filter 'tcp port 80 and not host 10.0.1.5' -w web-1.pcap
  onehop capture web-1 --count 10 | tshark -r -`;

/** `onehop capture PORT`: what goes to and from a guest, as it sends and gets it. */
export function registerCapture(program: Command, io: Io): void {
  const command = program
    .command("capture")
    .description("packets to and from a port, as a pcap file")
    .helpGroup("Seeing:")
    .argument("<port>", "its name or id, or a name behind its owners', such as front/web-1")
    .addOption(new Option("--filter <expression>", "only packets like these"))
    .addOption(new Option("--count <n>", "end after so many packets").default("1000"))
    .addOption(new Option("--seconds <n>", "end after so long, at most 300").default("60"))
    .addOption(new Option("--snap <bytes>", "keep so much of each packet").default("2048"))
    .addOption(
      new Option(
        "-w, --write <file>",
        "pcap to this file, - for standard output (default there, but lines on a terminal)",
      ),
    )
    .addHelpText("after", HELP);
  for (const flag of scopeFlags(port).filter((f) => f.flag !== "host")) addScopeOption(command, flag, "owner");
  withConnection(command).action(async (ref: string, options: CaptureOptions) => {
    const numbers = {
      count: number(options, "count"),
      seconds: number(options, "seconds"),
      snap: number(options, "snap"),
    };
    const session = await openSession(io, options);
    const found = await findThing(session.api, port, ref, scopeOf(port, options, session.scope));
    const body = { ...numbers, ...(options.filter === undefined ? {} : { filter: options.filter }) };
    const file = await session.api.file(`${pathOf(port, found.id)}/capture`, body, io.untilStopped());
    await keep(io, file, options.write);
  });
}

function number(options: CaptureOptions, name: "count" | "seconds" | "snap"): number {
  const text = options[name];
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`--${name} ${JSON.stringify(text.slice(0, 20))} is no number.`);
}

async function keep(io: Io, file: Download, path: string | undefined): Promise<void> {
  const reader = new Packets();
  const asText = path === undefined && io.isTTY;
  const sink = asText ? undefined : await io.openSink(path ?? "-");
  try {
    for await (const piece of file.pieces) {
      const frames = reader.push(piece);
      if (sink) await sink.write(piece);
      else for (const frame of frames) io.out(`${cell(packet.describe(frame))}\n`);
    }
  } finally {
    await sink?.close();
  }
  const { "onehop-end": why = "", "onehop-lost": lost = "0" } = file.trailers();
  io.err(`${reader.count} packets${lost === "0" ? "" : `, ${lost} more found no room`}${WORDS[why] ?? ", stopped"}.\n`);
  if (why === "failed") throw new Error("The host went away while it captured; what came before is whole.");
}

const WORDS: Readonly<Record<string, string>> = {
  packets: ", as many as were asked for",
  seconds: ", the time is over",
  bytes: ", and no more bytes are kept",
  failed: "",
};

const HEAD = 24;
const RECORD = 16;

/** The frames of a pcap file that comes in pieces. */
class Packets {
  count = 0;
  #rest: Buffer = Buffer.alloc(0);
  #skip = HEAD;

  push(piece: Uint8Array): Uint8Array[] {
    this.#rest = Buffer.concat([this.#rest, piece]);
    const frames: Uint8Array[] = [];
    while (this.#rest.length >= this.#skip + RECORD) {
      const length = this.#rest.readUInt32LE(this.#skip + 8);
      const end = this.#skip + RECORD + length;
      if (this.#rest.length < end) break;
      frames.push(Uint8Array.from(this.#rest.subarray(this.#skip + RECORD, end)));
      this.#rest = this.#rest.subarray(end);
      this.#skip = 0;
    }
    this.count += frames.length;
    return frames;
  }
}
