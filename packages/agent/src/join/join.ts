import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fingerprintOf, makeRequest, newKey, readToken, writeFiles } from "@onehop/pki";
import { ask } from "./https.ts";
import { controllerTls, Identity } from "./identity.ts";

export interface JoinOptions {
  /** As `onehop host invite` printed it. */
  readonly token: string;
  /** A controller's API: `https://host:port`. */
  readonly controller: string;
  readonly stateDir: string;
}

export interface JoinedHost {
  readonly hostId: string;
  readonly name: string;
}

const KEY = "joining.key";

/**
 * Makes this machine the host that the token was made for: a key that stays here, and a certificate that says so. Nothing is
 * sent before the authority is known to be the token's. Done again with the same token, it goes on where it was interrupted.
 */
export async function joinCluster({ token, controller, stateDir }: JoinOptions): Promise<JoinedHost> {
  const invited = readToken(token);
  if (!invited) throw new Error("This is no token, or not the whole of one: onehop host invite NAME prints it.");
  const { host_id, secret, fingerprint } = invited;
  const before = await Identity.load(stateDir);
  if (before && before.hostId !== host_id)
    throw new Error(`This machine is host ${before.hostId} already; ${join(stateDir, "identity.json")} says so.`);
  const pinned = await authorityOf(controller, fingerprint);
  const key = await keyIn(stateDir);
  const request = await makeRequest(key, host_id);
  const body = JSON.stringify({ host_id, secret, request });
  const tls = controllerTls(pinned);
  const answer = await ask({ url: controller, method: "POST", path: "/v1/join", body, tls });
  const { certificate, ca, name } = answer as Record<string, unknown>;
  if (typeof certificate !== "string" || typeof ca !== "string" || typeof name !== "string")
    throw new Error(`${controller} answered something else than a certificate.`);
  const identity = await Identity.save(stateDir, { certificate, key, ca });
  await rm(join(stateDir, KEY), { force: true });
  return { hostId: identity.hostId, name };
}

/** Anybody may answer here; what counts is the fingerprint. */
async function authorityOf(url: string, fingerprint: string): Promise<string> {
  const tls = { rejectUnauthorized: false };
  const answer = (await ask({ url, method: "GET", path: "/v1/authorities", tls })) as { items?: unknown };
  for (const item of Array.isArray(answer.items) ? answer.items : []) {
    const { certificate } = item as { certificate?: unknown };
    if (typeof certificate === "string" && isIt(certificate, fingerprint)) return certificate;
  }
  throw new Error(`${url} is not of the cluster that made the token: it has another authority.`);
}

function isIt(certificate: string, fingerprint: string): boolean {
  try {
    return fingerprintOf(certificate) === fingerprint;
  } catch {
    return false;
  }
}

/** The key of an interrupted attempt, or a new one: a token is good for one key. */
async function keyIn(stateDir: string): Promise<string> {
  try {
    return await readFile(join(stateDir, KEY), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = await newKey();
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeFiles(stateDir, { [KEY]: key });
  return key;
}
