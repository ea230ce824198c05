import type { StoreState } from "@onehop/api";
import type { Command } from "commander";
import type { Io } from "../io.ts";
import { printRecord } from "../output/record.ts";
import { type CommonOptions, openSession, withOutput } from "../session.ts";

/** `onehop store show|accept`: for a store that was restored from a copy, or is empty. */
export function registerStore(program: Command, io: Io): void {
  const store = program.command("store").description("the store of the cluster").helpGroup("Administration:");
  const show = store.command("show").description("show where the store is, and whether it is trusted");
  withOutput(show).action(async (options: CommonOptions) => {
    const { api, printer } = await openSession(io, options);
    await printRecord(printer, (await api.request("GET", "/v1/store")).body);
  });
  const accept = store
    .command("accept")
    .description("use a frozen store as it is; hosts follow it, and lose what it does not have");
  withOutput(accept).action(async (options: CommonOptions) => {
    const { api, printer } = await openSession(io, options);
    const before = (await api.request("GET", "/v1/store")).body as unknown as StoreState;
    if (before.reason) io.err(`${before.reason}\n`);
    const { body } = await api.request("POST", "/v1/store/accept");
    const { epoch } = body as unknown as StoreState;
    io.err(`Accepted: from now on this is epoch ${epoch}.\n`);
    await printRecord(printer, body);
  });
}
