import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { Client, Unreachable } from "@onehop/api/client";
import { type Guest, listGuests } from "../guests.ts";
import { binDir } from "../install.ts";
import { lines } from "../list.ts";
import { DEFAULT_API_SOCKET, FABRIC, namespaceOf, namespacePath } from "../names.ts";
import { type LabState, liveLabs } from "../system/state.ts";

/** Shows the guests of the running labs. */
export async function ls(options: { output: string; lab?: string }): Promise<void> {
  const all: (Guest & { lab: string })[] = [];
  const labs = options.lab === undefined ? liveLabs() : chosen(options.lab);
  for (const lab of labs) all.push(...(await guestsOf(lab)).map((g) => ({ lab: lab.id, ...g })));
  process.stdout.write(options.output === "json" ? `${JSON.stringify(all, null, 2)}\n` : lines(all));
}

/** Runs a command in a guest or on a host. */
export async function exec(where: string, words: readonly string[], options: { lab?: string }): Promise<void> {
  const command = words[0] === "--" ? words.slice(1) : words;
  const found: Place[] = [];
  for (const lab of chosen(options.lab)) found.push(...(await placesOf(lab, where)));
  const [place, ...others] = found;
  if (!place) throw new Error(`There is no guest or host ${where}; onehop lab ls shows the names.`);
  if (others.length > 0) {
    const names = found.map((f) => `${f.name} (lab ${f.lab.id})`).join(", ");
    throw new Error(`${where} may be any of ${names}; give the whole name, or --lab.`);
  }
  process.exitCode = await inside(place, command);
}

interface Place {
  readonly lab: LabState;
  readonly name: string;
  readonly namespace: string;
}

/** Hosts go by their names, guests by their namespace's, their port's, or its id. */
async function placesOf(lab: LabState, where: string): Promise<Place[]> {
  if (where === FABRIC || lab.hosts.includes(where))
    return [{ lab, name: where, namespace: namespaceOf(lab.id, where) }];
  const guests = (await guestsOf(lab)).filter((g) => [g.name, g.port, g.port_id].includes(where));
  return guests.map(({ name, namespace }) => ({ lab, name, namespace }));
}

/** Runs with the terminal handed through; its exit code. */
function inside({ namespace, lab }: Place, command: readonly string[]): Promise<number> {
  const env = { ...process.env, ONEHOP_URL: lab.url, PATH: `${binDir()}:${process.env.PATH}` };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => undefined); // they are the command's
  return new Promise((done, reject) => {
    const child = spawn("nsenter", [`--net=${namespacePath(namespace)}`, "--", ...command], { stdio: "inherit", env });
    child.once("error", reject);
    child.once("exit", (code) => done(code ?? 1));
  });
}

/** The lab named, else the one that `onehop` speaks to, else all that are up. */
function chosen(id: string | undefined): LabState[] {
  const up = liveLabs().filter((lab) => lab.ready);
  const named = up.filter((lab) => lab.id === id);
  if (id !== undefined && named.length === 0)
    throw new Error(`No lab ${id} is running; onehop lab ls shows those that are.`);
  if (up.length === 0) throw new Error("No lab is running; start one with: onehop lab up");
  const url = process.env.ONEHOP_URL ?? `unix:${defaultSocketTarget()}`;
  const spoken = up.filter((lab) => lab.url === url);
  return [named, spoken, up].find((labs) => labs.length > 0)!;
}

function defaultSocketTarget(): string {
  try {
    return readlinkSync(DEFAULT_API_SOCKET);
  } catch {
    return DEFAULT_API_SOCKET;
  }
}

/** None where the lab is just ending. */
async function guestsOf(lab: LabState): Promise<Guest[]> {
  const client = new Client({ url: lab.url });
  try {
    return await listGuests(client, lab.id);
  } catch (error) {
    if (error instanceof Unreachable) return [];
    throw error;
  } finally {
    client.close();
  }
}
