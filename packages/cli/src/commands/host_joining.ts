import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import { findId, pathOf } from "../objects.ts";
import { type CommonOptions, openSession, withConnection, withOutput } from "../session.ts";

const host = nounOf("host");

interface InviteOptions extends CommonOptions {
  readonly for: string;
}
interface Invited {
  readonly host_id: string;
  readonly secret: string;
  readonly fingerprint: string;
  readonly expires_at: string;
}

/** `onehop host invite|revoke|remove`: which machine may be which host. */
export function registerHostJoining(command: Command, io: Io): void {
  const invite = command.command("invite").description("let a machine become this host; prints a token, good once");
  withOutput(invite.argument("<host>", "its name or id"))
    .addOption(new Option("--for <duration>", "how long it may take, such as 30m or 1d").default("1h"))
    .action(async (ref: string, options: InviteOptions) => {
      const { api } = await openSession(io, options);
      const id = await findId(api, host, ref);
      const seconds = secondsOf(options.for);
      const { body } = await api.request("POST", `${pathOf(host, id)}/invitation`, { seconds });
      const invited = body as Invited;
      const { writeToken } = await import("@onehop/pki/token");
      io.out(`${writeToken(invited)}\n`);
      if (options.quiet) return;
      io.err(`On the machine, until ${invited.expires_at}: onehop agent join TOKEN --controller https://…\n`);
    });
  const revoke = command.command("revoke").description("end the certificates of a host, which stays registered");
  withConnection(revoke.argument("<host>", "its name or id")).action(async (ref: string, options: CommonOptions) => {
    const { api } = await openSession(io, options);
    await api.request("DELETE", `${pathOf(host, await findId(api, host, ref))}/certificate`);
    io.out(`host/${ref} revoked\n`);
  });
  const remove = command.command("remove").description("end the certificates of a host, and delete it");
  withConnection(remove.argument("<host>", "its name or id")).action(async (ref: string, options: CommonOptions) => {
    const { api } = await openSession(io, options);
    const path = pathOf(host, await findId(api, host, ref));
    // First, so that it is cut off also where ports that are bound to it keep it from being deleted.
    await api.request("DELETE", `${path}/certificate`);
    await api.request("DELETE", path);
    io.out(`host/${ref} removed\n`);
  });
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function secondsOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (!count || !unit) throw usage(`--for ${text}: it is a number and s, m, h or d, such as 30m.`);
  return Number(count) * UNITS[unit]!;
}
