import { type Bar, type BarList, nounOf } from "@onehop/core";
import type { Command } from "commander";
import type { Io } from "../io.ts";
import { findThing, pathOf } from "../objects.ts";
import { printData } from "../output/print.ts";
import { type CommonOptions, openSession, type Session, withOutput } from "../session.ts";
import { tellSilent } from "./drops.ts";

const host = nounOf("host");

/** `onehop host trust H`: an operator decided that its claims are to be believed again. */
export function registerTrust(hostCommand: Command, io: Io): void {
  const command = hostCommand
    .command("trust")
    .description("have all hosts believe again what a host says that it has, after it claimed what was not its own")
    .argument("<host>", "its name or id");
  withOutput(command).action(async (name: string, options: CommonOptions) => {
    const session = await openSession(io, options);
    const { id, name: known } = await findThing(session.api, host, name);
    const list = (await session.api.request("POST", `${pathOf(host, id)}/trust`)).body as BarList;
    if (await printData(io, options.output, list)) return;
    if (list.items.length === 0) io.err(`No host that answered barred ${known}.\n`);
    for (const { at, vpc } of list.items) io.out(`host/${known} is believed by ${at.name}${inVpc(vpc)} again\n`);
    tellSilent(io, list.silent);
  });
}

export const barText = ({ at, vpc, host: barred, since }: Bar): string =>
  `Host ${at.name} does not believe ${barred.name}${inVpc(vpc)} since ${since}: it claimed what is not its own.\n`;

const inVpc = (vpc: Bar["vpc"]): string => (vpc ? ` in VPC ${vpc.name}` : "");

/** For people who may lift them; it is no part of the object. */
export async function tellBars({ api, io }: Session, hostId: string): Promise<void> {
  const bars = await api.request("GET", `${pathOf(host, hostId)}/bars`).catch(() => undefined);
  for (const bar of (bars?.body as BarList | undefined)?.items ?? []) io.err(barText(bar));
}
