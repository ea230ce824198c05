import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import type { Applied, ApplyOptions } from "../apply.ts";
import type { Io } from "../io.ts";
import { type CommonOptions, openSession, type Session, withConnection } from "../session.ts";
import { addWaitOptions, type WaitOptions, waitFor, waitOf } from "../wait.ts";

interface FileOptions extends CommonOptions, WaitOptions {
  readonly filename: string[];
  readonly project?: string;
}

const EXAMPLE = `
A file holds one or more YAML documents:
  apiVersion: onehop/v1
  kind: Network
  metadata: {name: front, project: shop, vpc: prod}
  spec: {cidr: 10.0.1.0/24}

Owners and references are given by name or id. Objects are applied parents first, whatever the file's order.`;

const collect = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

/** `onehop apply -f` and `onehop delete -f`. */
export function registerFiles(program: Command, io: Io): void {
  const apply = program.command("apply").description("create or change what files describe").helpGroup("Files:");
  fileOptions(apply).addHelpText("after", EXAMPLE);
  addWaitOptions(apply).action(async (options: FileOptions) => {
    const { applyDocuments } = await import("../apply.ts");
    const session = await openSession(io, options);
    const applied: Applied[] = [];
    for (const file of options.filename)
      applied.push(...(await applyDocuments(session.api, await io.readFile(file), tell(session, options))));
    if (applied.length === 0) io.err("Nothing to apply: no file has a document.\n");
    const limit = waitOf(options);
    if (limit !== undefined) await waitForAll(session, applied, limit);
  });

  const remove = program.command("delete").description("delete what files describe").helpGroup("Files:");
  fileOptions(remove).action(async (options: FileOptions) => {
    const { deleteDocuments } = await import("../apply.ts");
    const session = await openSession(io, options);
    for (const file of [...options.filename].reverse())
      await deleteDocuments(session.api, await io.readFile(file), tell(session, options));
  });
}

const fileOptions = (command: Command): Command =>
  withConnection(
    command
      .addOption(
        new Option("-f, --filename <file>", "a file, - for standard input; may be repeated")
          .argParser(collect)
          .makeOptionMandatory(),
      )
      .addOption(new Option("--project <project>", "owner of what names none (ONEHOP_PROJECT)")),
  );

function tell({ io, scope }: Session, options: FileOptions): ApplyOptions {
  const project = options.project ?? scope.project;
  const words = { absent: "was not there" } as const;
  return {
    ...(project ? { project } : {}),
    onApplied: ({ kind, name, action }) => io.out(`${kind}/${name} ${action === "absent" ? words.absent : action}\n`),
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
