import type { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { type At, CLOSE, type Hello, type Host, type Link, type Refused } from "@onehop/core";
import { type Bearer, bearerIn } from "@onehop/pki";
import { type Clock, pause } from "@onehop/store";
import type { Certificates } from "./certificates.ts";

export interface DoormanOptions {
  readonly certificates: Certificates;
  /** Fingerprints of the authorities that are trusted now, hex. */
  readonly trusted: () => ReadonlySet<string>;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly signal: AbortSignal;
  /** A host was refused or sent away, with the sentence. */
  readonly onRefused: (hostId: string, problem: string) => void;
}

/** Between two looks at whether the certificates of open streams are still good. */
const LOOK_MS = 10_000;

/** Who may open which stream, and for how long: as the certificates say that were shown with the connection. */
export class Doorman {
  readonly #options: DoormanOptions;
  /** What would be wrong with each open stream. */
  readonly #inside = new Map<Link, { readonly hostId: string; readonly problem: () => string | undefined }>();

  /** The last sentence to each host that is not served. */
  readonly #refused = new Map<string, string>();

  constructor(options: DoormanOptions) {
    this.#options = options;
    options.certificates.onChange(() => this.#look());
    void this.#patrol();
  }

  /** For Publisher.accept: why this connection may not be the host's stream. */
  admit(link: Link, request: IncomingMessage): (hello: Hello, host: At<Host>) => string | undefined {
    const problemFor = this.#judge(request);
    return (_hello, host) => {
      const problem = () => problemFor(host.id);
      const found = problem();
      this.#refuses(host.id, found);
      if (!found) this.#inside.set(link, { hostId: host.id, problem });
      return found;
    };
  }

  /** Why this connection may not be another controller's; undefined: it may. */
  refusesMember(request: IncomingMessage): string | undefined {
    if (isLocal(request)) return undefined;
    const shown = shownBy(request);
    if (typeof shown === "string") return shown;
    return shown.bearer.role === "controller" ? this.#outdated(shown) : "This is a host's certificate.";
  }

  /** The host whose certificate the connection shows, or why it is not good. */
  hostOf(request: IncomingMessage): (Bearer & { role: "host" }) | string {
    const shown = isLocal(request) ? "No certificate was shown." : shownBy(request);
    if (typeof shown === "string") return shown;
    const { bearer } = shown;
    if (bearer.role !== "host") return NOT_A_HOST;
    return this.#problem(shown, bearer.id) ?? bearer;
  }

  #judge(request: IncomingMessage): (hostId: string) => string | undefined {
    // By the unix socket, which only root can open, or by loopback: then all users of this machine are trusted.
    if (isLocal(request)) return () => undefined;
    const shown = shownBy(request);
    return typeof shown === "string" ? () => shown : (hostId) => this.#problem(shown, hostId);
  }

  #problem(shown: Shown, hostId: string): string | undefined {
    const { bearer } = shown;
    if (bearer.role !== "host") return NOT_A_HOST;
    if (bearer.id !== hostId) return `The certificate is that of host ${bearer.id}, not of ${hostId}.`;
    const good = this.#options.certificates.of(hostId);
    if (good?.join !== bearer.join)
      return good
        ? "The certificate is void: the host joined again since."
        : "The certificate was revoked; onehop host invite lets the host join again.";
    return this.#outdated(shown);
  }

  #outdated({ from, to, issuer }: Shown): string | undefined {
    const { wall, trusted } = this.#options;
    if (!trusted().has(issuer)) return NOT_OURS;
    const now = wall();
    if (now > to) return `The certificate expired at ${new Date(to).toISOString()}.`;
    return now < from ? `The certificate is good from ${new Date(from).toISOString()} only.` : undefined;
  }

  /** Told once, however often the host tries. */
  #refuses(hostId: string, problem: string | undefined): void {
    if (problem === undefined) this.#refused.delete(hostId);
    else if (this.#refused.get(hostId) !== problem) {
      this.#refused.set(hostId, problem);
      this.#options.onRefused(hostId, problem);
    }
  }

  #look(): void {
    for (const [link, { hostId, problem }] of this.#inside) {
      const found = problem();
      if (found && link.open) {
        this.#refuses(hostId, found);
        link.send(JSON.stringify({ type: "refused", code: "not_authorised", message: found } satisfies Refused));
        link.close(CLOSE.refused);
      }
      if (found || !link.open) this.#inside.delete(link);
    }
  }

  async #patrol(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      await pause(clock, LOOK_MS, signal);
      this.#look();
    }
  }
}

const NOT_OURS = "The certificate was not issued by an authority that this cluster trusts.";
const NOT_A_HOST = "This is a controller's certificate; a host's is wanted.";

interface Shown {
  readonly bearer: Bearer;
  /** Fingerprint of the authority, hex. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

const isLocal = ({ socket }: IncomingMessage): boolean => !(socket instanceof TLSSocket);

/** What is in the certificate of a TLS connection, or why it counts for nothing. */
function shownBy({ socket }: IncomingMessage): Shown | string {
  if (!(socket instanceof TLSSocket)) return "No certificate was shown.";
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return "No certificate was shown.";
  // A resumed session was checked when it began, by what was true then.
  if (!socket.authorized || socket.isSessionReused()) return whyNot(String(socket.authorizationError), certificate);
  const bearer = bearerIn(certificate.subjectAltName);
  if (!bearer) return "The certificate names neither a host nor a controller of onehop.";
  const issuer = (socket.getPeerCertificate(true).issuerCertificate?.fingerprint256 ?? "").replaceAll(":", "");
  return {
    bearer,
    issuer: issuer.toLowerCase(),
    from: Date.parse(certificate.validFrom),
    to: Date.parse(certificate.validTo),
  };
}

/** OpenSSL's reasons (openssl-verification-options(1)) that an operator can do something about, in words. */
function whyNot(code: string, { validFrom, validTo }: X509Certificate): string {
  if (code === "CERT_HAS_EXPIRED") return `The certificate expired at ${new Date(validTo).toISOString()}.`;
  if (code === "CERT_NOT_YET_VALID")
    return `The certificate is good from ${new Date(validFrom).toISOString()} only: are the clocks right?`;
  if (/UNABLE_TO|SELF_SIGNED|SIGNATURE/.test(code)) return NOT_OURS;
  return `The certificate is not good (${code}).`;
}
