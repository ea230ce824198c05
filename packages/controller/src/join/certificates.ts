import { type Clock, keys, type Store } from "@onehop/store";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { follow } from "../realise/follow.ts";

/** What is stored of the certificates of a host: those of one joining are good, whichever was issued last. */
const HostCertificate = Type.Object({
  join: Type.String(),
  /** RFC 3339: when the newest one ends. */
  not_after: Type.String(),
  /** Fingerprints of the authority that issued it, and of those that the host was given to trust. */
  issuer: Type.String(),
  trusts: Type.Array(Type.String()),
});
export type HostCertificate = Static<typeof HostCertificate>;
const validator = Compile(HostCertificate);

/** Undefined: what is stored is none. */
export function parseCertificate(text: string): HostCertificate | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return validator.Check(value) ? (value as HostCertificate) : undefined;
  } catch {
    return undefined;
  }
}

export interface CertificatesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** Which certificates of hosts are good, as the store has it; a store that is away changes nothing. */
export class Certificates {
  readonly #byHost = new Map<string, HostCertificate>();
  readonly #listeners: (() => void)[] = [];

  /** Resolves when they have been read. */
  static async open(options: CertificatesOptions): Promise<Certificates> {
    const certificates = new Certificates();
    await new Promise<void>((resolve) => {
      options.signal.addEventListener("abort", () => resolve(), { once: true });
      void follow({
        ...options,
        prefix: keys.hostCertificates,
        onList: (entries) => {
          certificates.#byHost.clear();
          for (const { key, value } of entries) certificates.#set(key, value);
          certificates.#changed();
          resolve();
        },
        onChanges: (changes) => {
          for (const { key, entry } of changes) certificates.#set(key, entry?.value);
          certificates.#changed();
        },
      });
    });
    return certificates;
  }

  of(hostId: string): HostCertificate | undefined {
    return this.#byHost.get(hostId);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #set(key: string, value: string | undefined): void {
    const hostId = key.slice(keys.hostCertificates.length);
    const certificate = value === undefined ? undefined : parseCertificate(value);
    if (certificate) this.#byHost.set(hostId, certificate);
    else this.#byHost.delete(hostId);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
