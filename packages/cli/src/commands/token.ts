import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import { findId } from "../objects.ts";
import { printData } from "../output/print.ts";
import { printRecord, tableOf } from "../output/record.ts";
import { type CommonOptions, openSession, withConnection, withOutput } from "../session.ts";

interface CreateOptions extends CommonOptions {
  readonly role: string;
  readonly project?: string;
}

/** `onehop token create|list|delete`: who may speak to the API over TCP. */
export function registerToken(program: Command, io: Io): void {
  const token = program.command("token").description("bearer tokens for the API over TCP").helpGroup("Administration:");
  create(token, io);
  const list = token.command("list").alias("ls").description("list tokens; their secrets are not kept");
  withOutput(list).action(async (options: CommonOptions) => {
    const { api, printer } = await openSession(io, options);
    const { items } = (await api.request("GET", "/v1/tokens")).body as { items: Record<string, unknown>[] };
    if (options.quiet || options.output === "name") for (const item of items) io.out(`${cellOf(item, options)}\n`);
    else if (!(await printData(io, options.output, items)))
      items.length ? io.out(tableOf(items, printer.options.headers !== false)) : io.err("No tokens.\n");
  });
  const remove = token.command("delete").alias("rm").description("end tokens").argument("<ids...>");
  withConnection(remove).action(async (ids: string[], options: CommonOptions) => {
    const { api } = await openSession(io, options);
    for (const id of ids) {
      await api.request("DELETE", `/v1/tokens/${encodeURIComponent(id)}`);
      io.out(`token/${id} deleted\n`);
    }
  });
}

const cellOf = (item: Record<string, unknown>, options: CommonOptions): string =>
  options.quiet ? String(item.id) : `token/${String(item.name)}`;

function create(parent: Command, io: Io): void {
  const command = parent
    .command("create")
    .description("make a token; its secret is shown once")
    .argument("<name>", "what it is for")
    .addOption(new Option("--role <role>").choices(["admin", "member", "reader"]).makeOptionMandatory())
    .addOption(new Option("--project <project>", "the only project it sees; members and readers need one"));
  withOutput(command).action(async (name: string, options: CreateOptions) => {
    if (options.role !== "admin" && !options.project) throw usage(`A ${options.role} needs --project.`);
    const session = await openSession(io, options);
    const project = options.project
      ? { project_id: await findId(session.api, nounOf("project"), options.project) }
      : undefined;
    const answer = await session.api.request("POST", "/v1/tokens", { name, role: options.role, ...project });
    if (options.quiet) io.out(`${(answer.body as { secret: string }).secret}\n`);
    else await printRecord(session.printer, answer.body);
  });
}
