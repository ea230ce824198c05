import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  bearerIn,
  bearerOf,
  bundleOf,
  certificatesIn,
  fingerprintOf,
  issueHost,
  makeRequest,
  newCluster,
  newKey,
  readCluster,
  readRequest,
  readToken,
  rotate,
  serverFiles,
  uriOf,
  writeCluster,
  writeToken,
} from "./index.ts";

const NOW = new Date("2031-05-01T12:00:00Z");
const HOST = { id: "6b1d5e0e-58cd-4c56-9a3c-0e7a0d6c4f11", join: "00ff00ff00ff00ff" };
const SERVERS = [
  { name: "s1", addresses: ["192.0.2.1"] },
  { name: "s2", addresses: ["192.0.2.2", "two.example.org"] },
];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "onehop-pki-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const hostCertificate = async (cluster = newCluster(SERVERS, NOW)) => {
  const { authority } = await cluster;
  const request = await readRequest(await makeRequest(await newKey(), "whoever"));
  return new X509Certificate(await issueHost(authority, request!, HOST, NOW));
};

describe("a host's certificate", () => {
  it("names the host's id and the joining, whatever its request said", async () => {
    const certificate = await hostCertificate();
    expect(bearerIn(certificate.subjectAltName)).toEqual({ role: "host", ...HOST });
    expect(certificate.subject).toBe(`CN=${HOST.id}`);
    expect(certificate.ca).toBe(false);
  });

  it("is good for seven days, and for clocks that are a little behind", async () => {
    const certificate = await hostCertificate();
    expect(new Date(certificate.validFrom)).toEqual(new Date("2031-05-01T11:55:00Z"));
    expect(new Date(certificate.validTo)).toEqual(new Date("2031-05-08T12:00:00Z"));
  });

  it("is for clients only, and no authority of the store's", async () => {
    const cluster = await newCluster(SERVERS, NOW);
    const certificate = await hostCertificate(Promise.resolve(cluster));
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.verify(new X509Certificate(cluster.authority.certificate).publicKey)).toBe(true);
    expect(certificate.verify(new X509Certificate(cluster.store.certificate).publicKey)).toBe(false);
  });
});

describe("a request", () => {
  it("is read where its own key signed it, and tells which key that is", async () => {
    const key = await newKey();
    const [first, second] = [await makeRequest(key, "a"), await makeRequest(key, "b")];
    expect((await readRequest(first))?.keyHash).toBe((await readRequest(second))?.keyHash);
    expect((await readRequest(await makeRequest(await newKey(), "a")))?.keyHash).not.toBe(
      (await readRequest(first))?.keyHash,
    );
  });

  it("is refused where it is none, was changed, is long or has another kind of key", async () => {
    const good = await makeRequest(await newKey(), "a");
    const der = Buffer.from(good.split("\n").slice(1, -2).join(""), "base64");
    der[der.length - 5]! ^= 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    execFileSync("openssl", ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "r", "-subj", "/CN=a"], {
      cwd: dir,
      stdio: "ignore",
    });
    const rsa = readFileSync(join(dir, "r"), "utf8");
    for (const text of ["", "hello", forged, good + " ".repeat(5000), rsa])
      expect(await readRequest(text)).toBeUndefined();
  });
});

describe("a name", () => {
  it.each([
    { role: "controller", name: "s1" },
    { role: "host", ...HOST },
  ] as const)("is read as it was written: %j", (bearer) => {
    expect(bearerOf(uriOf(bearer))).toEqual(bearer);
  });

  it.each([
    undefined,
    "",
    "DNS:s1",
    "URI:onehop://host/../../etc/passwd",
    `URI:onehop://host/${HOST.id}`,
    `URI:onehop://host/${HOST.id}/${HOST.join}, URI:onehop://controller/s1`,
    "URI:onehop://controller/",
    'DNS:"x, URI:onehop://controller/s1"',
    `URI:ONEHOP://host/${HOST.id}/${HOST.join}`,
  ])("is none where it is not exactly one of ours: %s", (text) => {
    expect(bearerIn(text)).toBeUndefined();
  });
});

describe("a join token", () => {
  it("has the host, the secret and the authority's fingerprint", async () => {
    const { authority } = await newCluster(SERVERS, NOW);
    const secret = Buffer.alloc(32, 7).toString("base64url");
    const token = { host_id: HOST.id, secret, fingerprint: fingerprintOf(authority.certificate) };
    expect(readToken(writeToken(token))).toEqual(token);
    expect(token.fingerprint).toBe(
      new X509Certificate(authority.certificate).fingerprint256.replaceAll(":", "").toLowerCase(),
    );
    for (const text of ["", "ohjoin_", writeToken(token).slice(0, -3), `x${writeToken(token)}`])
      expect(readToken(text)).toBeUndefined();
  });
});

describe("a cluster's folder", () => {
  it("is read as it was written, with everything for root only", async () => {
    const cluster = await newCluster(SERVERS, NOW);
    await writeCluster(dir, cluster, NOW);
    expect(await readCluster(dir)).toEqual(cluster);
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" }))
      expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
    expect(readdirSync(dir).sort()).toEqual(["authority", "s1", "s2"]);
  });

  it("gives each server certificates with its addresses, of two authorities that do not know one another", async () => {
    const cluster = await newCluster(SERVERS, NOW);
    const files = await serverFiles(cluster, SERVERS[1]!, NOW);
    const controller = new X509Certificate(files["controller.crt"]!);
    expect(bearerIn(controller.subjectAltName)).toEqual({ role: "controller", name: "s2" });
    expect(controller.checkIP("192.0.2.2") && controller.checkHost("two.example.org")).toBeTruthy();
    expect(controller.checkIP("192.0.2.1")).toBeUndefined();
    expect(controller.checkIssued(new X509Certificate(files["ca.crt"]!))).toBe(true);
    for (const name of ["etcd.crt", "store.crt"])
      expect(new X509Certificate(files[name]!).checkIssued(new X509Certificate(files["store-ca.crt"]!))).toBe(true);
  });

  it("has no server with a name that is a path, or twice", async () => {
    for (const name of ["../x", "authority", "", "S1"]) {
      const cluster = await newCluster([{ name, addresses: [] }], NOW);
      await expect(writeCluster(dir, cluster, NOW)).rejects.toThrow("is no name of a server");
    }
    const twice = await newCluster([SERVERS[0]!, SERVERS[0]!], NOW);
    await expect(writeCluster(dir, twice, NOW)).rejects.toThrow("s1 is named twice.");
  });
});

it("An authority is replaced in three steps, and every certificate in use is trusted at each of them.", async () => {
  const old = await newCluster(SERVERS, NOW);
  const begun = await rotate(old, "begin", NOW);
  const switched = await rotate(begun, "switch", NOW);
  const finished = await rotate(switched, "finish", NOW);
  const trusted = (bundle: string, by: string) => certificatesIn(bundle).includes(by);
  expect(certificatesIn(bundleOf(begun))).toEqual([old.authority.certificate, switched.authority.certificate]);
  expect(certificatesIn(bundleOf(switched))).toEqual([switched.authority.certificate, old.authority.certificate]);
  expect(trusted(bundleOf(finished), old.authority.certificate)).toBe(false);
  expect(finished.other).toBeUndefined();
  await expect(rotate(begun, "begin", NOW)).rejects.toThrow("The step that is due is switch, not begin.");
  await expect(rotate(old, "finish", NOW)).rejects.toThrow("The step that is due is begin, not finish.");
});
