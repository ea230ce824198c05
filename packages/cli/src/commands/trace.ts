import { nounOf, type TraceAnswer, type TraceEnd, type TraceHost, type TraceProtocol } from "@onehop/core";
import { type Command, Option } from "commander";
import { usage } from "../exit.ts";
import { addScopeOption, scopeFlags, scopeOf } from "../fields.ts";
import type { Io } from "../io.ts";
import { findThing, type Scope } from "../objects.ts";
import { cell } from "../output/cell.ts";
import type { Paint } from "../output/colour.ts";
import { printData } from "../output/print.ts";
import { table } from "../output/table.ts";
import { type CommonOptions, openSession, type Session, withOutput } from "../session.ts";

const port = nounOf("port");

interface TraceOptions extends CommonOptions, Readonly<Record<string, unknown>> {
  readonly from: string;
  readonly to: string;
  readonly size?: string;
  readonly live?: boolean;
}

const EXAMPLES = `
Examples:
  onehop trace --from web-1 --to 10.0.2.11
  onehop trace --from web-1 --to app-2:80/tcp -o json
  onehop trace --from web-1 --to gateway/arp
  onehop trace --from web-1 --to 10.0.2.11 --size 1400 --live

The programs of the hosts on the way say what they would do, over their tables as they are; nothing is sent, counted or
limited. --live sends one real packet as well (the receiver may answer it) and says where reality differs.`;

/** `onehop trace`: what becomes of a packet, and why. */
export function registerTrace(program: Command, io: Io): void {
  const command = program.command("trace").description("say what becomes of a packet, and why").helpGroup("Seeing:");
  command
    .addOption(new Option("--from <port>", "the sending port, by name or id").makeOptionMandatory())
    .addOption(
      new Option(
        "--to <address>",
        "ADDRESS, ADDRESS:PORT/tcp, ADDRESS:PORT/udp, ADDRESS/icmp or ADDRESS/arp; a port's name or gateway do as well",
      ).makeOptionMandatory(),
    )
    .addOption(new Option("--size <bytes>", "of the IP packet (default: as few as will do)"))
    .addOption(new Option("--live", "send a real packet too, and compare"));
  for (const flag of scopeFlags(port).filter((f) => f.flag !== "host")) addScopeOption(command, flag, "owner");
  withOutput(command.addHelpText("after", EXAMPLES)).action(async (options: TraceOptions) => {
    const session = await openSession(io, options);
    const target = parseTarget(options.to);
    const from = await findThing(session.api, port, options.from, scopeOf(port, options, session.scope));
    const body = {
      port_id: from.id,
      ...target,
      to: await addressOf(session, target.to, scopeOf(port, options, session.scope)),
      ...(options.size === undefined ? {} : { size: sizeOf(options.size) }),
      ...(options.live ? { live: true } : {}),
    };
    const answer = (await session.api.request("POST", "/v1/trace", body)).body as TraceAnswer;
    if (await printData(io, options.output, answer)) return;
    io.out(traceText(answer, session.printer.paint));
  });
}

export interface Target {
  /** An address, `gateway`, or a port's name. */
  readonly to: string;
  readonly protocol: TraceProtocol;
  readonly port?: number;
}

/** `10.0.2.6:80/tcp` taken apart; a port without a protocol is TCP's, and neither is a ping. */
export function parseTarget(text: string): Target {
  const [, to, port, protocol] = /^(.+?)(?::(\d{1,5}))?(?:\/(icmp|tcp|udp|arp))?$/.exec(text) ?? [];
  if (!to) throw noTarget(text, "such as 10.0.2.6, 10.0.2.6:80/tcp or gateway");
  if (to.includes(":")) throw noTarget(text, "Only IPv4 is carried: ADDRESS, ADDRESS:PORT/tcp or ADDRESS:PORT/udp.");
  if (/^[\d.]+\//.test(to)) throw noTarget(text, "Protocols are icmp, tcp, udp and arp.");
  const meant = (protocol ?? (port === undefined ? "icmp" : "tcp")) as TraceProtocol;
  return { to, protocol: meant, ...(port === undefined ? {} : { port: Number(port) }) };
}

const noTarget = (text: string, hint: string): Error =>
  usage(`${JSON.stringify(text.slice(0, 60))} is no target.`, hint);

/** Of a target that may be a port's name. */
export async function addressOf({ api }: Session, to: string, scope: Scope): Promise<string> {
  if (to === "gateway" || /^[\d.]+$/.test(to)) return to;
  const found = await findThing(api, port, to, scope);
  return (found.addresses as readonly string[])[0] ?? to;
}

function sizeOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw usage(`--size ${JSON.stringify(text.slice(0, 20))} is no number of bytes.`);
}

export function traceText(answer: TraceAnswer, paint: Paint): string {
  const { outcome, summary, hint, live } = answer;
  const colour = outcome === "dropped" ? paint.red : outcome === "unknown" ? paint.yellow : paint.green;
  return [
    `${endText(answer.from)} > ${endText(answer.to)}\n${cell(answer.packet)}\n`,
    ...(answer.arp ? [`First the guest asks for the MAC: ${cell(answer.arp.decision.words)}.\n`] : []),
    ...answer.hosts.map((host) => hostText(host, paint)),
    `${colour(cell(summary))}\n${hint ? `Hint: ${cell(hint)}\n` : ""}`,
    ...(live ? [liveText(live, paint)] : []),
  ].join("\n");
}

const endText = ({ address, port: at, host }: TraceEnd): string =>
  at ? `${at.name} (${address}${host ? ` on ${host.name}` : ""})` : address;

function hostText({ host, program, stages, decision }: TraceHost, paint: Paint): string {
  const rows = stages.map(({ stage, result, words }) => {
    const mark = result === "passed" ? "ok" : decision.reason ? paint.red("end") : paint.green("end");
    return ["  ", mark, stage, cell(words)];
  });
  const head = `${paint.bold(host.name)}${program ? `  ${program}` : ""}\n`;
  const said = stages.at(-1)?.words === decision.words ? "" : `       ${cell(decision.words)}\n`;
  return `${head}${table(undefined, rows)}${said}`;
}

function liveText({ hosts, differences }: NonNullable<TraceAnswer["live"]>, paint: Paint): string {
  const rows = hosts.map(({ host, program, decision, after_ms }) => [
    "  ",
    host.name,
    program ?? "",
    `+${(after_ms ?? 0).toFixed(3)} ms`,
    cell(decision.words),
  ]);
  const verdict =
    differences.length === 0 ? [paint.green("As predicted.")] : differences.map((d) => paint.yellow(cell(d)));
  return `A real packet was sent:\n${table(undefined, rows)}${verdict.join("\n")}\n`;
}
