import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Thing } from "../api.ts";
import { usage } from "../exit.ts";
import { addScopeOption, scopeFlags, scopeOf } from "../fields.ts";
import type { Io } from "../io.ts";
import { findId, findThing, pathOf } from "../objects.ts";
import { printRecord } from "../output/record.ts";
import { type CommonOptions, openSession, type Session, withConnection, withOutput } from "../session.ts";
import { addWaitOptions, type WaitOptions, waitFor, waitOf } from "../wait.ts";

const port = nounOf("port");

interface BindOptions extends CommonOptions, WaitOptions {
  readonly host: string;
  readonly device?: string;
  readonly namespace?: string;
}
type Options = CommonOptions & Readonly<Record<string, unknown>>;

/** What a port can do besides being created and deleted: bind, unbind, counters. */
export function registerPort(command: Command, io: Io): void {
  bind(command, io);
  unbind(command, io);
  move(command, io);
  const counters = owned(command.command("counters").description("packets and drops of a port, counted on its host"));
  withOutput(counters).action(async (ref: string, options: Options) => {
    const session = await openSession(io, options);
    const { id } = await findPort(session, ref, options);
    const answer = await session.api.request("GET", `${pathOf(port, id)}/counters`);
    await printRecord(session.printer, answer.body);
  });
}

function owned(command: Command): Command {
  command.argument("<port>", "its name or id, or a name behind its owners', such as front/web-1");
  for (const flag of scopeFlags(port).filter((f) => f.flag !== "host")) addScopeOption(command, flag, "owner");
  return command;
}

const findPort = (session: Session, ref: string, options: Options): Promise<Thing> => {
  const { host: _, ...narrowing } = options;
  return findThing(session.api, port, ref, scopeOf(port, narrowing, session.scope));
};

function bind(parent: Command, io: Io): void {
  const command = owned(parent.command("bind").description("plug a port into a host; a bound one moves there"))
    .addOption(new Option("--host <host>", "the host it goes to").makeOptionMandatory())
    .addOption(new Option("--device <name>", "adopt this veth or tap, which exists on the host").conflicts("namespace"))
    .addOption(new Option("--namespace <name>", "make a veth pair; its far end is eth0 in this network namespace"))
    .addHelpText(
      "after",
      "\nExamples:\n  onehop port bind web-1 --host h1 --device tap0\n  onehop port bind web-1 --host h2 --namespace web-1 --wait",
    );
  withConnection(addWaitOptions(command)).action(async (ref: string, options: BindOptions & Options) => {
    const device = deviceOf(options);
    const session = await openSession(io, options);
    const found = await findPort(session, ref, options);
    const host_id = await findId(session.api, nounOf("host"), options.host, session.scope);
    const thing = await patchPort(session, found, { host_id, device });
    const limit = waitOf(options);
    if (limit !== undefined) await waitFor(session, port, thing, limit);
    io.out(`port/${thing.name} bound to ${options.host}\n`);
  });
}

function deviceOf({ device, namespace }: BindOptions): Record<string, string> {
  if (device) return { kind: "adopt", name: device };
  if (namespace) return { kind: "veth", namespace };
  throw usage("Say how the port's link comes to be: --device NAME or --namespace NAME.", "onehop port bind --help");
}

function move(parent: Command, io: Io): void {
  const command = owned(
    parent.command("move").description("move a bound port to another host, with the same addresses"),
  )
    .addOption(new Option("--host <host>", "the host it goes to").makeOptionMandatory())
    .addOption(new Option("--device <name>", "adopt this veth or tap there").conflicts("namespace"))
    .addOption(new Option("--namespace <name>", "make a veth pair there"))
    .addHelpText("after", "\nWithout --device and --namespace its link there is as it was here.");
  withConnection(addWaitOptions(command)).action(async (ref: string, options: BindOptions & Options) => {
    const session = await openSession(io, options);
    const found = await findPort(session, ref, options);
    if (!found.host_id) throw usage(`The port ${found.name} is bound to no host.`, "onehop port bind");
    const host_id = await findId(session.api, nounOf("host"), options.host, session.scope);
    const device = options.device || options.namespace ? { device: deviceOf(options) } : {};
    const thing = await patchPort(session, found, { host_id, ...device });
    const limit = waitOf(options);
    if (limit !== undefined) await waitFor(session, port, thing, limit);
    io.out(`port/${thing.name} moved to ${options.host}\n`);
  });
}

function unbind(parent: Command, io: Io): void {
  const command = owned(parent.command("unbind").description("unplug a port from its host"));
  withConnection(command).action(async (ref: string, options: Options) => {
    const session = await openSession(io, options);
    const found = await findPort(session, ref, options);
    await patchPort(session, found, { host_id: null, device: null });
    io.out(`port/${found.name} unbound\n`);
  });
}

const patchPort = async ({ api }: Session, found: Thing, patch: Readonly<Record<string, unknown>>): Promise<Thing> => {
  const headers = { "if-match": `"${found.revision}"` };
  return (await api.request("PATCH", pathOf(port, found.id), patch, headers)).body as Thing;
};
