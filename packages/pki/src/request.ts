import "reflect-metadata";
import { createHash, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { ALGORITHM, keyPair } from "./keys.ts";

const sha256 = (bytes: ArrayBuffer | Uint8Array): string =>
  createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

/** Longest request that is read, characters; one with a P-256 key has about 400. */
const LONGEST = 4096;

/** A certificate signing request (PKCS #10) of a PEM key: it shows who has the key, and asks for nothing. */
export async function makeRequest(key: string, commonName: string): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys: await keyPair(key),
    signingAlgorithm: ALGORITHM,
  });
  return `${request.toString("pem")}\n`;
}

export interface ReadRequest {
  readonly publicKey: x509.PublicKey;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), hex. */
  readonly keyHash: string;
}

/** Undefined: not a request that is signed by its own P-256 key. */
export async function readRequest(pem: string): Promise<ReadRequest | undefined> {
  try {
    if (pem.length > LONGEST) return undefined;
    const request = new x509.Pkcs10CertificateRequest(pem);
    const { name, namedCurve } = request.publicKey.algorithm as { name?: string; namedCurve?: string };
    if (name !== ALGORITHM.name || namedCurve !== ALGORITHM.namedCurve || !(await request.verify())) return undefined;
    return { publicKey: request.publicKey, keyHash: sha256(request.publicKey.rawData) };
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM bundle, each for itself. */
export const certificatesIn = (bundle: string): string[] =>
  [...bundle.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([pem]) => `${pem}\n`);

/** SHA-256 of a PEM certificate, hex: what a join token pins. */
export const fingerprintOf = (certificate: string): string => sha256(new X509Certificate(certificate).raw);
