import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Client } from "../src/client.ts";

it("asks again where the connection that it kept turns out to be given up, and nowhere else", async () => {
  const dir = mkdtempSync(join(tmpdir(), "onehop-client-"));
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    request.resume();
    response.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((resolve) => server.listen(join(dir, "api.sock"), resolve));
  const client = new Client({ url: `unix:${join(dir, "api.sock")}` });
  try {
    await client.request("GET", "/first");
    server.closeIdleConnections();
    expect(await client.request("POST", "/second", {})).toMatchObject({ status: 200 });
    expect(asked).toBe(2);
  } finally {
    client.close();
    server.close();
    rmSync(dir, { recursive: true });
  }
  await expect(client.request("GET", "/third")).rejects.toThrow("cannot be reached");
});
