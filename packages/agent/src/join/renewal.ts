import { type Clock, pause } from "@onehop/core";
import { ask } from "./https.ts";
import type { Identity } from "./identity.ts";

export interface RenewalOptions {
  readonly identity: Identity;
  /** Where controllers serve agents: those of `tls:host:port` are asked, in turn. */
  readonly controllers: () => readonly string[];
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /** 0..1; spreads the looks of many hosts. */
  readonly random: () => number;
  readonly onRenewed: (until: Date) => void;
  readonly onProblem: (problem: string) => void;
}

/** Between two looks at whether the authorities changed; after a failure it takes a tenth. */
const LOOK_MS = 600_000;
/** Of a certificate's life, after which the next is asked for. */
const DUE = 2 / 3;

/** Keeps the certificate good, and the authorities those of the cluster, until the signal aborts. */
export async function keepRenewed(options: RenewalOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, onProblem } = options;
  while (!signal.aborted) {
    const problem = await look(options).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (problem !== undefined) onProblem(problem);
    await pause(clock, (problem === undefined ? LOOK_MS : LOOK_MS / 10) * (0.5 + random() / 2), signal);
  }
}

/** Renews where two thirds of the certificate's life are over, or where the authorities are others than we know. */
async function look(options: RenewalOptions): Promise<void> {
  const { identity, wall, onRenewed } = options;
  const { from, to } = identity.period;
  if (wall() > to)
    throw new Error(`The host's certificate expired at ${new Date(to).toISOString()}: let the host join again.`);
  const due = wall() >= from + DUE * (to - from);
  if (!due) {
    const { ca } = (await askInTurn(options, { method: "GET", path: "/agent/authorities" })) as { ca?: unknown };
    if (typeof ca !== "string" || ca === identity.credentials.ca) return;
  }
  const { makeRequest, newKey } = await import("@onehop/pki");
  const key = await newKey();
  const body = await makeRequest(key, identity.hostId);
  const asked = { method: "POST", path: "/agent/certificate", type: "application/pkcs10", body } as const;
  const { certificate, ca } = (await askInTurn(options, asked)) as Record<string, unknown>;
  if (typeof certificate !== "string" || typeof ca !== "string") throw new Error("The answer is no certificate.");
  await identity.replace({ certificate, key, ca });
  onRenewed(new Date(identity.period.to));
}

type Question = Pick<Parameters<typeof ask>[0], "method" | "path" | "body" | "type">;

async function askInTurn({ identity, controllers }: RenewalOptions, question: Question): Promise<unknown> {
  const problems: string[] = [];
  for (const address of controllers()) {
    if (!address.startsWith("tls:")) continue;
    try {
      return await ask({ ...question, url: `https://${address.slice("tls:".length)}`, tls: identity.tls });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  throw new Error(problems.join(" ") || "No controller is reached by TLS.");
}
