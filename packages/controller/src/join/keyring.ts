import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { type Credential, certificatesIn } from "@onehop/pki";
import { type Clock, pause } from "@onehop/store";

/** What a controller proves itself with, and whom it trusts; all PEM. */
export interface Keys {
  /** Authorities that are trusted; the first is the one that issues. */
  readonly bundle: string;
  readonly certificate: string;
  readonly key: string;
  /** Missing where its key is not kept here: then hosts join by another controller. */
  readonly authority?: Credential;
}

/** Of a controller that has none: it trusts nobody and issues nothing. */
export const NO_KEYS: Keys = { bundle: "", certificate: "", key: "" };

export interface KeyringOptions {
  /** As `onehop init` makes it: ca.crt, ca.key, controller.crt, controller.key. */
  readonly dir: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** Between two looks at the folder. */
const LOOK_MS = 5_000;

/** The keys of a folder, read again whenever somebody changes them, such as by a rotation. */
export class Keyring {
  #keys: Keys;
  #listeners: ((keys: Keys) => void)[] = [];

  private constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** Throws where the folder has not what it must have. */
  static async open(options: KeyringOptions): Promise<Keyring> {
    const keyring = new Keyring(await readKeys(options.dir));
    void keyring.#follow(options);
    return keyring;
  }

  get keys(): Keys {
    return this.#keys;
  }

  /** Told now, and after each change. */
  use(listener: (keys: Keys) => void): void {
    this.#listeners.push(listener);
    listener(this.#keys);
  }

  async #follow({ dir, clock, signal, onError }: KeyringOptions): Promise<void> {
    for (;;) {
      await pause(clock, LOOK_MS, signal);
      if (signal.aborted) return;
      try {
        const keys = await readKeys(dir);
        if (JSON.stringify(keys) === JSON.stringify(this.#keys)) continue;
        this.#keys = keys;
        for (const listener of this.#listeners) listener(keys);
      } catch (error) {
        // Half copied, most likely: what was read before is used until it is whole.
        onError(error);
      }
    }
  }
}

async function readKeys(dir: string): Promise<Keys> {
  const read = (name: string) => readFile(join(dir, name), "utf8");
  const [bundle, certificate, key] = await Promise.all(["ca.crt", "controller.crt", "controller.key"].map(read));
  createSecureContext({ ca: bundle!, cert: certificate!, key: key! });
  const authority = await authorityOf(certificatesIn(bundle!)[0], () => read("ca.key"));
  return { bundle: bundle!, certificate: certificate!, key: key!, ...(authority ? { authority } : {}) };
}

async function authorityOf(
  certificate: string | undefined,
  read: () => Promise<string>,
): Promise<Credential | undefined> {
  if (!certificate) throw new Error("ca.crt has no certificate.");
  let key: string;
  try {
    key = await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  // Also where one of the two files is a step behind the other.
  createSecureContext({ cert: certificate, key });
  if (!new X509Certificate(certificate).ca) throw new Error("The first certificate of ca.crt is no authority's.");
  return { certificate, key };
}
