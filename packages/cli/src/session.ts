import { type Command, Option } from "commander";
import type { Api } from "./api.ts";
import { DEFAULT_URL, type Io } from "./io.ts";
import type { Scope } from "./objects.ts";
import { paintFor } from "./output/colour.ts";
import { FORMATS, type OutputOptions, type Printer } from "./output/print.ts";

/** Flags every command that speaks to the API has. */
export interface CommonOptions extends OutputOptions {
  readonly url?: string;
  readonly ca?: string;
  readonly verbose?: boolean;
}

/** One invocation: its flags resolved against the environment. */
export interface Session {
  readonly io: Io;
  readonly api: Api;
  readonly printer: Printer;
  /** ONEHOP_PROJECT, where set: narrows names, and owns what is created without --project. */
  readonly scope: Scope;
}

export function withConnection(command: Command): Command {
  return command
    .addOption(
      new Option("--url <url>", `address of the API (ONEHOP_URL; default ${DEFAULT_URL})`).helpGroup("Connection:"),
    )
    .addOption(
      new Option("--ca <file>", "authority of an https API, ca.crt of the cluster (ONEHOP_CA)").helpGroup(
        "Connection:",
      ),
    )
    .addOption(new Option("-v, --verbose", "show each request on standard error").helpGroup("Connection:"));
}

export function withOutput(command: Command): Command {
  const group = "Output:";
  return withConnection(command)
    .addOption(new Option("-o, --output <format>", "how to print").choices(FORMATS).helpGroup(group))
    .addOption(new Option("--no-headers", "leave the table's header out").helpGroup(group))
    .addOption(new Option("-q, --quiet", "print ids only").helpGroup(group));
}

export async function openSession(io: Io, options: CommonOptions): Promise<Session> {
  const token = io.env.ONEHOP_TOKEN;
  const url = options.url ?? io.env.ONEHOP_URL ?? DEFAULT_URL;
  const caFile = options.ca ?? io.env.ONEHOP_CA;
  const ca = caFile && url.startsWith("https:") ? await io.readFile(caFile) : undefined;
  const client = await io.connect({ url, ...(token ? { token } : {}), ...(ca ? { ca } : {}) });
  const api = options.verbose ? traced(client, io) : client;
  const project = io.env.ONEHOP_PROJECT;
  return {
    io,
    api,
    printer: { io, api, paint: paintFor(io), options },
    scope: project ? { project } : {},
  };
}

const traced = (api: Api, io: Io): Api => ({
  lines(path, signal) {
    io.err(`GET ${path} → a stream\n`);
    return api.lines(path, signal);
  },
  async file(path, body, signal) {
    io.err(`POST ${path} → a file\n`);
    return api.file(path, body, signal);
  },
  async request(method, path, body, headers) {
    const start = io.now();
    try {
      const answer = await api.request(method, path, body, headers);
      io.err(`${method} ${path} → ${answer.status} in ${Math.round(io.now() - start)} ms\n`);
      return answer;
    } catch (error) {
      io.err(`${method} ${path} → ${error instanceof Error ? error.message : String(error)}\n`);
      throw error;
    }
  },
});
