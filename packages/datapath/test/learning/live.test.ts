import { expect, test } from "vitest";
import { HostRig } from "../../src/index.ts";
import { A, B, datagram, LearningWorld, tunnel } from "./world.ts";

test("a rig over a live host's tables goes by what that host learned, and asks nobody", () => {
  const w = new LearningWorld([1, 2, 3, 4]);
  w.send(1, A, datagram(A, B.address));
  const rig = new HostRig({ config: { tunnel_address: tunnel(1), host: 1 }, live: w.at(1).datapath });
  try {
    expect(rig.send(A.slot, datagram(A, B.address))).toMatchObject({ action: "host", host: 2, asked: [] });
    expect(rig.send(A.slot, datagram(A, "10.0.2.99"))).toMatchObject({ action: "host", asked: [] });
    expect(w.learned(1, B)).toMatchObject({ asked: w.learned(1, B)!.taught });
  } finally {
    rig.close();
    w.close();
  }
});
