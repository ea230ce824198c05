import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { attach, detach, listAttachments } from "./attach.ts";
import { mapInfo, programInfo } from "./info.ts";
import { LAYOUT } from "./maps.gen.ts";
import { type Datapath, ensurePinFolder, OBJECT_DIR, OWN_MAPS, openDatapath, PinnedMapError } from "./object.ts";

const config = { tunnel_address: "192.0.2.1", host: 1, record: 0 };
const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: "utf8" });

/** A bpf file system and a device pair of these tests' own. */
const name = `oht${process.pid}`;
const mount = join("/run", `onehop-test-${process.pid}`);
const maps = join(mount, "host/maps");
const links = join(mount, "host/links");
const [device, peer] = [`${name}a`, `${name}b`];
const opened: Datapath[] = [];

const open = (): Datapath => {
  const datapath = openDatapath({ objectDir: OBJECT_DIR, pins: maps, config });
  opened.push(datapath);
  return datapath;
};

beforeAll(() => {
  mkdirSync(mount, { recursive: true });
  run("mount", "-t", "bpf", "bpf", mount);
});
afterEach(() => {
  for (const datapath of opened.splice(0)) datapath.close();
  rmSync(join(mount, "host"), { recursive: true, force: true });
});
afterAll(() => {
  run("umount", mount);
  rmdirSync(mount);
});

describe("pinned maps", () => {
  it("one set of maps serves all programs, pinned under names with versions", () => {
    open();
    expect(readdirSync(maps)).toEqual(
      Object.values(LAYOUT.maps)
        .map((map) => map.symbol)
        .filter((symbol) => !OWN_MAPS.has(symbol))
        .sort(),
    );
  });

  it("what was written is adopted by the next process", () => {
    const first = open();
    first.maps.links.set({ ifindex: 9 }, { slot: 3 });
    const id = mapInfo(first.fds.get("links_v1")!).id;
    first.close();
    const second = open();
    expect(mapInfo(second.fds.get("links_v1")!).id).toBe(id);
    expect(second.maps.links.get({ ifindex: 9 })).toEqual({ slot: 3 });
  });

  it("a pinned map of another layout is refused with the difference, and left alone", () => {
    open().close();
    const path = join(maps, "links_v1");
    rmSync(path);
    run(
      "bpftool",
      "map",
      "create",
      path,
      "type",
      "hash",
      "key",
      "8",
      "value",
      "4",
      "entries",
      "10",
      "name",
      "links_v1",
    );
    expect(open).toThrow(PinnedMapError);
    expect(open).toThrow("key_size is 8, expected 4");
  });

  it("a folder on another file system is refused with what to do", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "onehop-"));
    expect(() => ensurePinFolder(elsewhere)).toThrow("is not on a bpf file system: mount -t bpf");
    rmdirSync(elsewhere);
  });
});

describe("programs on a device", () => {
  let ifindex: number;
  beforeAll(() => {
    run("ip", "link", "add", device, "type", "veth", "peer", "name", peer);
    ifindex = Number(readFileSync(`/sys/class/net/${device}/ifindex`, "utf8"));
  });
  afterAll(() => {
    execFileSync("ip", ["link", "del", device], { stdio: "ignore" });
  });

  it.each(["tcx", "clsact"] as const)("%s: a second program takes the place of the first", (mode) => {
    const { programs } = open();
    ensurePinFolder(links);
    const pinPath = join(links, device);
    attach({ program: programs.from_endpoint, ifindex, pinPath, mode });
    attach({ program: programs.from_uplink, ifindex, pinPath, mode });
    expect(listAttachments(links)).toEqual([
      { pinPath, mode, ifindex: mode === "tcx" ? ifindex : 0, program_id: programInfo(programs.from_uplink).id },
    ]);
    detach(pinPath, ifindex);
    expect(listAttachments(links)).toEqual([]);
    expect(run("tc", "filter", "show", "dev", device, "ingress")).toBe("");
  });

  it("the link stays the same when its program is replaced, and outlives the process that made it", () => {
    ensurePinFolder(links);
    const pinPath = join(links, device);
    const linkId = (): number => JSON.parse(run("bpftool", "-j", "link", "show", "pinned", pinPath)).id;
    const first = open();
    attach({ program: first.programs.from_endpoint, ifindex, pinPath });
    first.close();
    const before = linkId();
    const second = open();
    attach({ program: second.programs.from_endpoint, ifindex, pinPath });
    expect(linkId()).toBe(before);
    expect(listAttachments(links)[0]?.program_id).toBe(programInfo(second.programs.from_endpoint).id);
    detach(pinPath);
  });

  it("a pin whose device is gone gives way to the device that came after it", () => {
    const { programs } = open();
    ensurePinFolder(links);
    const pinPath = join(links, device);
    attach({ program: programs.from_endpoint, ifindex, pinPath });
    run("ip", "link", "del", device);
    expect(listAttachments(links)).toMatchObject([{ ifindex: 0 }]);
    expect(() => attach({ program: programs.from_endpoint, ifindex, pinPath })).toThrow("ENODEV");
    run("ip", "link", "add", device, "type", "veth", "peer", "name", peer);
    ifindex = Number(readFileSync(`/sys/class/net/${device}/ifindex`, "utf8"));
    attach({ program: programs.from_endpoint, ifindex, pinPath });
    expect(listAttachments(links)).toMatchObject([{ ifindex }]);
    detach(pinPath);
  });

  it("a device that is not there is named in the error", () => {
    const { programs } = open();
    ensurePinFolder(links);
    const request = { program: programs.from_endpoint, ifindex: 2_000_000_000, pinPath: join(links, "none") };
    expect(() => attach(request)).toThrow("attach to device 2000000000: ENODEV");
    expect(() => attach({ ...request, mode: "clsact" })).toThrow("attach to device 2000000000: ENODEV");
  });
});
