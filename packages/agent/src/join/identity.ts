import { X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { writeFiles } from "@onehop/pki/files";
import { bearerIn } from "@onehop/pki/names";
import { rootOnly } from "../sync/root_only.ts";

/** What a host proves itself with, and whom it trusts; all PEM. The key never leaves the host. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
  /** The authorities of controllers' certificates. */
  readonly ca: string;
}

const FILE = "identity.json";
const ignore = (_problem: string): void => undefined;

/** The host's certificate, kept on disk as one file, so that it never is half of one and half of the next. */
export class Identity {
  readonly #stateDir: string;
  #credentials: Credentials;

  private constructor(stateDir: string, credentials: Credentials) {
    this.#stateDir = stateDir;
    this.#credentials = credentials;
  }

  /**
   * Undefined: this host has not joined a cluster. Throws with a sentence where the file is spoiled; `onProblem` is told
   * in one where others could read it.
   */
  static async load(stateDir: string, onProblem = ignore): Promise<Identity | undefined> {
    const path = join(stateDir, FILE);
    try {
      const opened = await rootOnly(path);
      if (opened) onProblem(opened);
      const identity = new Identity(stateDir, JSON.parse(await readFile(path, "utf8")) as Credentials);
      void identity.hostId;
      return identity;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(`${path} is no host's certificate (${(error as Error).message}); let the host join again.`);
    }
  }

  static async save(stateDir: string, credentials: Credentials): Promise<Identity> {
    const identity = new Identity(stateDir, credentials);
    await identity.replace(credentials);
    return identity;
  }

  async replace(credentials: Credentials): Promise<void> {
    idIn(credentials);
    await mkdir(this.#stateDir, { recursive: true, mode: 0o700 });
    await writeFiles(this.#stateDir, { [FILE]: JSON.stringify(credentials) });
    this.#credentials = credentials;
  }

  get credentials(): Credentials {
    return this.#credentials;
  }

  /** Of this host, as in the API. */
  get hostId(): string {
    return idIn(this.#credentials);
  }

  /** From when until when the certificate is good, milliseconds since the epoch. */
  get period(): { readonly from: number; readonly to: number } {
    const { validFrom, validTo } = new X509Certificate(this.#credentials.certificate);
    return { from: Date.parse(validFrom), to: Date.parse(validTo) };
  }

  /** Of a connection to a controller. */
  get tls(): ConnectionOptions {
    const { certificate, key, ca } = this.#credentials;
    return { cert: certificate, key, ...controllerTls(ca) };
  }
}

/** Controllers are known by their role, wherever they are: their addresses may be translated on the way. */
export const controllerTls = (ca: string): ConnectionOptions => ({
  ca,
  minVersion: "TLSv1.3",
  checkServerIdentity: (_host, { subjectaltname }) =>
    bearerIn(subjectaltname)?.role === "controller"
      ? undefined
      : new Error("The certificate that it shows is no controller's."),
});

function idIn({ certificate }: Credentials): string {
  const bearer = bearerIn(new X509Certificate(certificate).subjectAltName);
  if (bearer?.role !== "host") throw new Error("it names no host");
  return bearer.id;
}
