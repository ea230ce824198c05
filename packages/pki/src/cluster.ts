import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { type Credential, issue, type Leaf, makeAuthority, makeLeaf } from "./authority.ts";
import { uriOf } from "./names.ts";
import type { ReadRequest } from "./request.ts";

/** A machine that runs a controller and a member of the store. */
export interface Server {
  readonly name: string;
  /** IP addresses and DNS names by which hosts, users and the other servers reach it. */
  readonly addresses: readonly string[];
}

/**
 * Everything that is signed with, kept apart from the servers. The store has an authority of its own, so that no host's
 * certificate opens it.
 */
export interface Cluster {
  readonly servers: readonly Server[];
  /** Issues the certificates of hosts and controllers. */
  readonly authority: Credential;
  /** Trusted as well, while authorities are rotated: the next one, or the one before. */
  readonly other?: Credential & { readonly is: "next" | "former" };
  readonly store: Credential;
}

const DAY = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Of servers' certificates; `onehop ca renew` makes new ones. */
const SERVER_DAYS = 398;
const HOST_DAYS = 7;
/** Clocks may differ by as much. */
const SKEW_MS = 300_000;

const period = (now: Date, days: number) => ({
  from: new Date(now.getTime() - SKEW_MS),
  to: new Date(now.getTime() + days * DAY),
});

/** A distinct name each: while two overlap, a certificate says which one issued it. */
export const newAuthority = (now: Date): Promise<Credential> =>
  makeAuthority(`onehop ${randomBytes(4).toString("hex")}`, period(now, AUTHORITY_DAYS));

export const newCluster = async (servers: readonly Server[], now: Date): Promise<Cluster> => ({
  servers,
  authority: await newAuthority(now),
  store: await makeAuthority(`onehop store ${randomBytes(4).toString("hex")}`, period(now, AUTHORITY_DAYS)),
});

/** The authorities that all trust, the one that issues first. */
export const bundleOf = ({ authority, other }: Cluster): string => authority.certificate + (other?.certificate ?? "");

export type Step = "begin" | "switch" | "finish";

/**
 * One step of replacing the authority: first all trust the next one as well, then it issues, then the former is trusted no
 * more. Throws with a sentence where another step is due.
 */
export async function rotate(cluster: Cluster, step: Step, now: Date): Promise<Cluster> {
  const { authority, other, ...rest } = cluster;
  const due: Step = other === undefined ? "begin" : other.is === "next" ? "switch" : "finish";
  if (step !== due) throw new Error(`The step that is due is ${due}, not ${step}.`);
  if (other === undefined) return { ...rest, authority, other: { ...(await newAuthority(now)), is: "next" } };
  if (step === "finish") return { ...rest, authority };
  const { is: _, ...next } = other;
  return { ...rest, authority: next, other: { ...authority, is: "former" } };
}

/** Of a host, for its own key; `join` tells this joining from an earlier one. */
export const issueHost = (
  authority: Credential,
  request: ReadRequest,
  host: { readonly id: string; readonly join: string },
  now: Date,
): Promise<string> =>
  issue(authority, request.publicKey, {
    ...period(now, HOST_DAYS),
    commonName: host.id,
    names: [{ type: "url", value: uriOf({ role: "host", ...host }) }],
    usages: ["client"],
  });

/** Of a controller; its addresses are for users' clients, hosts go by the role. */
export const controllerCredential = (authority: Credential, server: Server, now: Date): Promise<Credential> =>
  makeLeaf(authority, {
    ...leafOf(server, now),
    names: [{ type: "url", value: uriOf({ role: "controller", name: server.name }) }, ...altNames(server)],
  });

/** Of a member of the store, towards its clients and the other members. */
export const memberCredential = (authority: Credential, server: Server, now: Date): Promise<Credential> =>
  makeLeaf(authority, leafOf(server, now));

/** Of a client of the store: a controller, or an operator's etcdctl. */
export const storeClientCredential = (authority: Credential, name: string, now: Date): Promise<Credential> =>
  makeLeaf(authority, { ...period(now, SERVER_DAYS), commonName: name, names: [dns(name)], usages: ["client"] });

const dns = (value: string) => ({ type: "dns", value }) as const;

const altNames = ({ name, addresses }: Server): Leaf["names"] =>
  [...new Set([name, "localhost", "127.0.0.1", ...addresses])].map((value) =>
    isIP(value) ? ({ type: "ip", value } as const) : dns(value),
  );

const leafOf = (server: Server, now: Date): Leaf => ({
  ...period(now, SERVER_DAYS),
  commonName: server.name,
  names: altNames(server),
  usages: ["server", "client"],
});
