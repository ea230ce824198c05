import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Client } from "@onehop/api/client";
import { type Command, InvalidArgumentError } from "commander";
import { demonstrate, writeResult } from "./demo/demo.ts";
import { messageOf, resultOf } from "./demo/result.ts";
import { table } from "./demo/table.ts";
import { detach, down, isDetached, tellStarter } from "./detached.ts";
import { type Guest, listGuests } from "./guests.ts";
import { guide } from "./guide.ts";
import { binDir } from "./install.ts";
import { Lab } from "./lab.ts";
import { lines } from "./list.ts";
import { namespaceOf, namespacePath } from "./names.ts";
import { progressLines } from "./progress.ts";
import { type LabState, liveLabs } from "./system/state.ts";

interface UpOptions {
  readonly hosts: number;
  readonly uplinks: number;
  readonly mtu: number;
  readonly file?: string;
  readonly detach?: boolean;
}

interface DemoFlags extends UpOptions {
  readonly once?: boolean;
  readonly json?: string;
}

const number = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("It must be a number from 1 on.");
  return n;
};

/** Adds `onehop lab up|ls|exec|down|demo`. */
export function registerLabCommands(program: Command): void {
  const lab = program.command("lab").description("a data centre of network namespaces on this machine");
  withShape(lab.command("up").description("build one and keep it until Ctrl-C"))
    .option("-f, --file <file>", "documents to apply; their namespaces become the lab's")
    .option("-d, --detach", "come back once it is up; end it with: onehop lab down")
    .action(up);
  lab
    .command("ls")
    .description("the guests of the running labs")
    .option("-o, --output <format>", "table or json", "table")
    .option("--lab <id>", "only of this lab")
    .action(ls);
  lab
    .command("exec <where> <command...>")
    .description("run a command in a guest or on a host: onehop lab exec web-1 -- ping 10.0.1.11")
    .option("--lab <id>", "in this lab, where several run")
    .passThroughOptions()
    .action(exec);
  lab.command("down [id]").description("end a lab, or all of them, and remove what killed ones left").action(down);
  withShape(lab.command("demo").description("build one, apply an example, prove and measure it (npm start)"))
    .option("-f, --file <file>", "documents to apply (default: two tenants of equal addresses)")
    .option("--once", "leave when it is done; the exit code says whether everything held")
    .option("--json <file>", "write the result there")
    .action(demo);
}

const withShape = (command: Command): Command =>
  command
    .option("--hosts <number>", "hosts", number, 3)
    .option("--uplinks <number>", "links of each host to the router", number, 1)
    .option("--mtu <bytes>", "MTU of the underlay; a guest's is 50 less", number, 1550);

function toStderr(text: string): void {
  if (isDetached) tellStarter({ text });
  else process.stderr.write(text);
}
const progress = () => progressLines(toStderr, () => performance.now());

/** Aborted by Ctrl-C and the like, however often, and when whoever started us is gone. */
function leaving(): AbortSignal {
  const controller = new AbortController();
  // Ctrl-C also ends the `tee` that reads us: cleaning up goes on without a reader.
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners("error").on("error", () => undefined);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => controller.abort());
  const parent = process.ppid;
  if (!isDetached) setInterval(() => process.ppid === parent || controller.abort(), 500).unref();
  return controller.signal;
}

const left = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    // An aborted signal keeps no process alive; the timer does.
    const timer = setInterval(() => undefined, 60_000);
    const end = (): void => {
      clearInterval(timer);
      done();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });

async function up(options: UpOptions): Promise<void> {
  if (options.detach) return detach(process.argv.slice(2), toStderr);
  const signal = leaving();
  const tell = progress();
  const lab = await Lab.up({ ...options, progress: tell });
  try {
    lab.takeDefaultSocket();
    if (options.file) {
      tell(`Applying ${options.file}`);
      await lab.apply(await readFile(options.file, "utf8"));
      await lab.realised();
    }
    toStderr(guide(lab));
    tellStarter({ up: true });
    await left(signal);
  } finally {
    tell("Cleaning up");
    await lab.close();
  }
}

async function demo(options: DemoFlags): Promise<void> {
  const signal = leaving();
  const tell = progress();
  const lab = await Lab.up({ ...options, progress: tell }).catch(async (error: unknown) => {
    await writeResult(options.json, resultOf([], undefined, [messageOf(error)]));
    throw error;
  });
  try {
    const result = await demonstrate(lab, { ...options, progress: tell, signal });
    if (!result.ok) process.exitCode = 1;
    if (signal.aborted) return;
    process.stdout.write(`\n${table(result)}\n`);
    if (options.once) return;
    lab.takeDefaultSocket();
    toStderr(guide(lab));
    await left(signal);
  } finally {
    tell("Cleaning up");
    await lab.close();
  }
}

async function ls(options: { output: string; lab?: string }): Promise<void> {
  const all: (Guest & { lab: string })[] = [];
  for (const lab of chosen(options.lab)) all.push(...(await guestsOf(lab)).map((g) => ({ lab: lab.id, ...g })));
  process.stdout.write(options.output === "json" ? `${JSON.stringify(all, null, 2)}\n` : lines(all));
}

async function exec(where: string, command: readonly string[], options: { lab?: string }): Promise<void> {
  const labs = chosen(options.lab);
  const found: string[] = [];
  for (const lab of labs) {
    if (lab.hosts.includes(where) || where === "fabric") found.push(namespaceOf(lab.id, where));
    else
      for (const g of await guestsOf(lab))
        if (g.name === where || g.port === where || g.port_id === where) found.push(g.namespace);
  }
  if (found.length !== 1) {
    const why = found.length === 0 ? `There is no guest or host ${where}` : `${where} may be ${found.join(" or ")}`;
    throw new Error(`${why}; onehop lab ls shows the names.`);
  }
  process.exitCode = await inside(found[0]!, command, labs[0]!.url);
}

/** Runs with the terminal handed through; its exit code. */
function inside(namespace: string, command: readonly string[], url: string): Promise<number> {
  const env = { ...process.env, ONEHOP_URL: url, PATH: `${binDir()}:${process.env.PATH}` };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => undefined); // they are the command's
  return new Promise((done, reject) => {
    const child = spawn("nsenter", [`--net=${namespacePath(namespace)}`, "--", ...command], { stdio: "inherit", env });
    child.once("error", reject);
    child.once("exit", (code) => done(code ?? 1));
  });
}

function chosen(id: string | undefined): LabState[] {
  const labs = liveLabs().filter((lab) => id === undefined || lab.id === id);
  if (labs.length === 0) throw new Error("No lab is running; start one with: onehop lab up");
  return labs;
}

async function guestsOf(lab: LabState): Promise<Guest[]> {
  const client = new Client({ url: lab.url });
  try {
    return await listGuests(client, lab.id);
  } finally {
    client.close();
  }
}
