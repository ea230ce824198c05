import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Applied, ApplyOptions } from "../apply.ts";
import { collect } from "../collect.ts";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import { splitPair } from "../schema_text.ts";
import { type CommonOptions, openSession, type Session, withConnection } from "../session.ts";
import { addWaitOptions, type WaitOptions, waitFor, waitOf } from "../wait.ts";

export interface FileOptions extends CommonOptions {
  readonly filename: string[];
  readonly project?: string;
}
interface ApplyFlags extends FileOptions, WaitOptions {
  readonly prune?: boolean;
  readonly selector?: string[];
  readonly dryRun?: boolean;
}

const EXAMPLE = `
A file holds one or more YAML documents:
  apiVersion: onehop/v1
  kind: Network
  metadata: {name: front, project: shop, vpc: prod}
  spec: {cidr: 10.0.1.0/24}

Owners and references are given by name or id. Objects are applied parents first, whatever the file's order.

--prune deletes objects that have the labels of -l and are not in the files: of the kinds in the files, in the projects that
these name, children first.`;

/** `onehop apply -f` and `onehop delete -f`. */
export function registerFiles(program: Command, io: Io): void {
  const apply = program.command("apply").description("create or change what files describe").helpGroup("Files:");
  fileOptions(apply).addHelpText("after", EXAMPLE);
  apply
    .addOption(new Option("--prune", "also delete what has the labels and is in none of the files"))
    .addOption(new Option("-l, --selector <key=value>", "labels for --prune; may be repeated").argParser(collect))
    .addOption(new Option("--dry-run", "tell what would be done, and do nothing"));
  addWaitOptions(apply).action((options: ApplyFlags) => applyFiles(io, options));

  const remove = program.command("delete").description("delete what files describe").helpGroup("Files:");
  fileOptions(remove).action(async (options: FileOptions) => {
    const { deleteDocuments } = await import("../apply.ts");
    const session = await openSession(io, options);
    for (const file of [...options.filename].reverse())
      await deleteDocuments(session.api, await io.readFile(file), tell(session, options));
  });
}

async function applyFiles(io: Io, options: ApplyFlags): Promise<void> {
  for (const label of options.selector ?? []) splitPair("--selector", label);
  if (options.prune && !options.selector?.length)
    throw usage(
      "--prune needs a selector, so that it deletes nothing of others.",
      "onehop apply -f FILE --prune -l app=shop",
    );
  const { applyDocuments } = await import("../apply.ts");
  const session = await openSession(io, options);
  const texts = await Promise.all(options.filename.map((file) => io.readFile(file)));
  const applied: Applied[] = [];
  for (const text of texts) applied.push(...(await applyDocuments(session.api, text, tell(session, options))));
  if (applied.length === 0) io.err("Nothing to apply: no file has a document.\n");
  if (options.prune) await prune(session, texts, applied, options);
  const limit = waitOf(options);
  if (limit !== undefined && !options.dryRun) await waitForAll(session, applied, limit);
}

async function prune(
  { api, io, scope }: Session,
  texts: readonly string[],
  applied: readonly Applied[],
  options: ApplyFlags,
): Promise<void> {
  const { pruneDocuments } = await import("../prune.ts");
  const project = options.project ?? scope.project;
  await pruneDocuments(api, texts, applied, {
    selector: options.selector ?? [],
    ...(project ? { project } : {}),
    ...(options.dryRun ? { dryRun: true } : {}),
    onPruned: (kind, name) => io.out(`${kind}/${name} pruned${options.dryRun ? DRY : ""}\n`),
  });
}

const DRY = " (dry run)";

export const fileOptions = (command: Command): Command =>
  withConnection(
    command
      .addOption(
        new Option("-f, --filename <file>", "a file, - for standard input; may be repeated")
          .argParser(collect)
          .makeOptionMandatory(),
      )
      .addOption(new Option("--project <project>", "owner of what names none (ONEHOP_PROJECT)")),
  );

function tell({ io, scope }: Session, options: FileOptions & { readonly dryRun?: boolean }): ApplyOptions {
  const project = options.project ?? scope.project;
  const dry = options.dryRun ? DRY : "";
  return {
    ...(project ? { project } : {}),
    ...(options.dryRun ? { dryRun: true } : {}),
    onApplied: ({ kind, name, action }) =>
      io.out(`${kind}/${name} ${action === "absent" ? "was not there" : action}${action === "unchanged" ? "" : dry}\n`),
  };
}

/** One deadline for all of them together. */
export async function waitForAll(
  session: Session,
  objects: readonly Pick<Applied, "kind" | "id" | "name">[],
  limitMs: number,
): Promise<void> {
  const end = session.io.now() + limitMs;
  for (const object of objects)
    await waitFor(session, nounOf(object.kind), object, Math.max(0, end - session.io.now()));
}
