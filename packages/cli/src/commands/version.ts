import type { Command } from "commander";
import type { Io } from "../io.ts";
import { type CommonOptions, openSession, withConnection } from "../session.ts";
import { VERSION } from "../version.ts";

/** `onehop version`: of this command and, where one answers, of the API. */
export function registerVersion(program: Command, io: Io): void {
  const command = program.command("version").description("versions of the command and of the API it speaks to");
  withConnection(command.helpGroup("Administration:")).action(async (options: CommonOptions) => {
    io.out(`onehop  ${VERSION}\n`);
    const session = await openSession(io, options);
    const { body } = await session.api.request("GET", "/version");
    io.out(`API     ${String((body as { version?: unknown }).version ?? "unknown")}\n`);
  });
}
