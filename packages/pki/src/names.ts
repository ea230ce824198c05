/**
 * Who a certificate is for, as a URI among its subject alternative names (RFC 5280, 4.2.1.6): `onehop://controller/<name>`
 * or `onehop://host/<host id>/<join>`. `join` is drawn anew each time that a host joins, so that the certificates of an
 * earlier one can be told from those of now, whoever renewed them.
 */
export type Bearer =
  | { readonly role: "controller"; readonly name: string }
  | { readonly role: "host"; readonly id: string; readonly join: string };

export const uriOf = (bearer: Bearer): string =>
  bearer.role === "controller" ? `onehop://controller/${bearer.name}` : `onehop://host/${bearer.id}/${bearer.join}`;

const CONTROLLER = /^onehop:\/\/controller\/([a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?)$/;
const HOST = /^onehop:\/\/host\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([0-9a-f]{16})$/;

/** Undefined: this is no such URI. */
export function bearerOf(uri: string): Bearer | undefined {
  const [, name] = CONTROLLER.exec(uri) ?? [];
  if (name) return { role: "controller", name };
  const [, id, join] = HOST.exec(uri) ?? [];
  return id && join ? { role: "host", id, join } : undefined;
}

/**
 * From the subject alternative names as Node.js writes them (`URI:…, DNS:…`; names with a comma are quoted there and so are
 * none of ours). Undefined where there is none of ours, or more than one.
 */
export function bearerIn(subjectAltName: string | undefined): Bearer | undefined {
  const uris = (subjectAltName ?? "")
    .split(", ")
    .flatMap((n) => (n.startsWith("URI:") ? [n.slice("URI:".length)] : []));
  return uris.length === 1 ? bearerOf(uris[0]!) : undefined;
}
