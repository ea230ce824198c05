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
    await printRecord(session.printer, (await session.api.request("GET", `${pathOf(host, id)}/datapath`)).body);
  });
}
