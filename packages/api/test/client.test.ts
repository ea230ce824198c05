import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Client } from "../src/client.ts";

let dir: string;
let client: Client;
let asked: string[];
/** Ends the connection of the next request that is not its first, and answers nothing. */
let hangsUp: boolean;
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  if (hangsUp && asked.length > 1) {
    hangsUp = false;
    request.socket.destroy();
    return;
  }
  request.resume();
  response.setHeader("content-type", "application/json").end("{}");
});
beforeEach(async () => {
  [asked, hangsUp] = [[], false];
  dir = mkdtempSync(join(tmpdir(), "onehop-client-"));
  await new Promise<void>((resolve) => server.listen(join(dir, "api.sock"), resolve));
  client = new Client({ url: `unix:${join(dir, "api.sock")}` });
  await client.request("GET", "/first");
});
afterEach(() => {
  client.close();
  server.close();
  rmSync(dir, { recursive: true });
});

it("asks again where the connection that it kept turns out to be given up, and nowhere else", async () => {
  server.closeIdleConnections();
  expect(await client.request("POST", "/second", {})).toMatchObject({ status: 200 });
  expect(asked).toEqual(["GET /first", "POST /second"]);
  client.close();
  await new Promise((resolve) => server.close(resolve));
  await expect(client.request("GET", "/third")).rejects.toThrow("cannot be reached");
});

it("asks again what changes nothing where the server hung up on it, and leaves a write to whoever knows its key", async () => {
  hangsUp = true;
  expect(await client.request("GET", "/second")).toMatchObject({ status: 200 });
  expect(asked).toEqual(["GET /first", "GET /second", "GET /second"]);
  hangsUp = true;
  await expect(client.request("POST", "/third", {})).rejects.toThrow("cannot be reached");
  expect(asked).toEqual(["GET /first", "GET /second", "GET /second", "POST /third"]);
});
