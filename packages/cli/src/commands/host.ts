import { nounOf } from "@onehop/core";
import type { Command } from "commander";
import type { Io } from "../io.ts";
import { findId, pathOf } from "../objects.ts";
import { printRecord } from "../output/record.ts";
import { type CommonOptions, openSession, withOutput } from "../session.ts";

const host = nounOf("host");

/** `onehop host datapath H`: table sizes, drops and links, as the host itself tells them. */
export function registerHost(command: Command, io: Io): void {
  const datapath = command.command("datapath").description("what the programs of a host hold and dropped");
  withOutput(datapath.argument("<host>", "its name or id")).action(async (ref: string, options: CommonOptions) => {
    const session = await openSession(io, options);
    const id = await findId(session.api, host, ref);
    const { body } = await session.api.request("GET", `${pathOf(host, id)}/datapath`);
    await printRecord(session.printer, isForPrograms(options) ? body : withoutZeros(body as Datapath));
  });
}

interface Datapath {
  readonly messages?: Readonly<Record<string, number>>;
}

const isForPrograms = ({ output }: CommonOptions): boolean => output === "json" || output === "yaml";

/** A person looks for what was counted: of some thirty outcomes of learning's messages most never happen. */
const withoutZeros = ({ messages = {}, ...rest }: Datapath): unknown => ({
  messages: Object.fromEntries(Object.entries(messages).filter(([, count]) => count > 0)),
  ...rest,
});
