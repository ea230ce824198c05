import { createPrivateKey, type webcrypto } from "node:crypto";

type KeyPair = webcrypto.CryptoKeyPair;

/** The only kind of key that there is: ECDSA over P-256 (FIPS 186-5), signing SHA-256. */
export const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const { subtle } = globalThis.crypto;

/** A new key as PEM (PKCS #8). */
export async function newKey(): Promise<string> {
  const { privateKey } = (await subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as KeyPair;
  return createPrivateKey({
    key: Buffer.from(await subtle.exportKey("pkcs8", privateKey)),
    format: "der",
    type: "pkcs8",
  })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
}

/** Both halves of a PEM private key; throws where it is of another kind. */
export async function keyPair(pem: string): Promise<KeyPair> {
  const key = createPrivateKey(pem);
  const der = key.export({ format: "der", type: "pkcs8" });
  const privateKey = await subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
  const { d: _, ...open } = await subtle.exportKey("jwk", privateKey);
  const publicKey = await subtle.importKey("jwk", { ...open, key_ops: ["verify"] }, ALGORITHM, true, ["verify"]);
  return { privateKey, publicKey };
}
