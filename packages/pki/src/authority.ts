import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { ALGORITHM, keyPair, newKey } from "./keys.ts";

/** A certificate and its private key, both PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** What a certificate is to say; what a request wished for besides its key is never looked at. */
export interface Leaf extends Period {
  readonly commonName: string;
  readonly names: readonly AltName[];
  readonly usages: readonly Usage[];
}
export type AltName = { readonly type: "url" | "dns" | "ip"; readonly value: string };
export type Usage = "server" | "client";

const USAGE = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth } as const;

/** A self-signed authority, which signs leaves only (RFC 5280, 4.2.1.9). */
export async function makeAuthority(commonName: string, { from, to }: Period): Promise<Credential> {
  const key = await newKey();
  const keys = await keyPair(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    notBefore: from,
    notAfter: to,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key };
}

/** The certificate (PEM) of a public key, signed by the authority. */
export async function issue(authority: Credential, publicKey: x509.PublicKeyType, leaf: Leaf): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const { privateKey } = await keyPair(authority.key);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [leaf.commonName] }],
    issuer: issuer.subject,
    notBefore: leaf.from,
    notAfter: leaf.to,
    publicKey,
    signingKey: privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(leaf.usages.map((u) => USAGE[u])),
      new x509.SubjectAlternativeNameExtension(leaf.names.map(({ type, value }) => ({ type, value }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/** A new key with its certificate. */
export async function makeLeaf(authority: Credential, leaf: Leaf): Promise<Credential> {
  const key = await newKey();
  const { publicKey } = await keyPair(key);
  return { certificate: await issue(authority, publicKey, leaf), key };
}
