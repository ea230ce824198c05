import { type LearnedItem, type LearnedList, nounOf, type TraceObject, type WayAnswer, type Ways } from "@onehop/core";
import type { Command } from "commander";
import { addScopeOption, scopeFlags, scopeOf } from "../fields.ts";
import type { Io } from "../io.ts";
import { findThing, pathOf } from "../objects.ts";
import { printData } from "../output/print.ts";
import { table } from "../output/table.ts";
import { type CommonOptions, openSession, withConnection, withOutput } from "../session.ts";
import { addLookOptions, type LookOptions, lookQuery, tellSilent } from "./drops.ts";
import { addressOf } from "./trace.ts";
import { barText } from "./trust.ts";

const port = nounOf("port");
const vpc = nounOf("vpc");

/** `onehop learned`, `onehop why`: what hosts learned from use, and which way packets go. */
export function registerLearned(program: Command, vpcCommand: Command, io: Io): void {
  const command = program
    .command("learned")
    .description("where hosts learned that addresses are: who said so, since when, and whether it was confirmed");
  addLookOptions(command.helpGroup("Seeing:")).action(async (options: LookOptions) => {
    const session = await openSession(io, options);
    const query = new URLSearchParams(await lookQuery(session, options));
    const list = (await session.api.request("GET", `/v1/learned?${query}`)).body as LearnedList;
    if (await printData(io, options.output, list)) return;
    if (list.items.length === 0) io.err("Nothing was learned.\n");
    else io.out(learnedText(list.items, options));
    for (const ways of list.ways) io.err(`VPC ${nameIn(list, ways.vpc)}: ${ratioText(ways)}${useText(list, ways)}\n`);
    for (const bar of list.barred) io.err(barText(bar));
    tellSilent(io, list.silent);
  });
  why(program, io);
  rotate(vpcCommand, io);
}

const HEADER = ["host", "vpc", "address", "teacher", "port", "generation", "age", "idle", "packets", "confirmed"];

const learnedText = (items: readonly LearnedItem[], options: LookOptions): string =>
  table(
    options.headers === false ? undefined : HEADER,
    items.map((i) => [
      i.at.name,
      i.vpc?.name ?? "-",
      i.address,
      i.silent ? `${i.teacher.name} (silent)` : i.teacher.name,
      i.port.name,
      `${i.claim.epoch}.${i.claim.revision}.${i.claim.sequence}`,
      seconds(i.since_ms),
      seconds(i.used_ms),
      String(i.packets),
      i.confirmed ? "yes" : "no",
    ]),
  );

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)}s`;

/** With its id where another tenant's has the same name. */
const nameIn = ({ ways }: LearnedList, { id, name }: TraceObject): string =>
  ways.some(({ vpc }) => vpc.name === name && vpc.id !== id) ? `${name} (${id})` : name;

/** Routed packets that went straight, of all. */
export function ratioText({ direct, by_hub, ratio }: Ways): string {
  if (ratio === undefined) return "no routed packet went to another host yet";
  return `${(ratio * 100).toFixed(2)} % of ${direct + by_hub} routed packets went straight`;
}

function useText({ use }: LearnedList, { vpc }: Ways): string {
  const row = use.find((u) => u.vpc.id === vpc.id);
  if (!row) return "";
  return `; of addresses ${row.entries} are learned, ${row.aged} aged, ${row.evicted} were evicted, ${row.refused} found no room`;
}

function why(program: Command, io: Io): void {
  const command = program
    .command("why")
    .description("which way packets of a port to an address go now, since when, and why not straight")
    .helpGroup("Seeing:")
    .argument("<port>", "its name or id, or a name behind its owners', such as front/web-1")
    .argument("<address>", "an address of its VPC, or the name of a port that has it");
  for (const flag of scopeFlags(port)) addScopeOption(command, flag, "owner");
  withOutput(command).action(async (name: string, to: string, options: CommonOptions & Record<string, unknown>) => {
    const session = await openSession(io, options);
    const scope = scopeOf(port, options, session.scope);
    const { id } = await findThing(session.api, port, name, scope);
    const asked = { port_id: id, to: await addressOf(session, to, scope) };
    const way = (await session.api.request("POST", "/v1/why", asked)).body as WayAnswer;
    if (await printData(io, options.output, way)) return;
    io.out(`${wayText(way)} ${way.why}\n`);
  });
}

function rotate(vpcCommand: Command, io: Io): void {
  const command = vpcCommand
    .command("rotate-key")
    .description("give a VPC a new key for its learning messages; the one before is still accepted")
    .argument("<vpc>", "its name or id, or a name behind its project's, such as shop/prod");
  for (const flag of scopeFlags(vpc)) addScopeOption(command, flag, "owner");
  withConnection(command).action(async (name: string, options: CommonOptions & Record<string, unknown>) => {
    const session = await openSession(io, options);
    const found = await findThing(session.api, vpc, name, scopeOf(vpc, options, session.scope));
    const { version } = (await session.api.request("POST", `${pathOf(vpc, found.id)}/rotate-key`)).body as {
      readonly version: number;
    };
    io.out(`vpc/${found.name} has key ${version}\n`);
  });
}

function wayText({ way, host, since_ms, confirmed }: WayAnswer): string {
  const at = host ? ` to ${host.name}` : "";
  if (way === "direct")
    return `direct${at} for ${seconds(since_ms ?? 0)}, ${confirmed ? "confirmed" : "not confirmed yet"}.`;
  const since = since_ms === undefined ? "" : ` for ${seconds(since_ms)}`;
  if (way === "none") return `nowhere${since}.`;
  return way === "hub" ? `hub${since}.` : `${way}${at}.`;
}
