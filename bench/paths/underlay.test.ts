import { expect, it } from "vitest";
import { parseSettings } from "./underlay.ts";

it("What a device offloads is read from ethtool's features; one that it does not have is off.", () => {
  const features = {
    ifname: "up0",
    "tcp-segmentation-offload": { active: true, fixed: null, requested: null },
    "tx-tcp-segmentation": { active: true, fixed: false, requested: true },
    "generic-segmentation-offload": { active: true, fixed: false, requested: true },
    "generic-receive-offload": { active: false, fixed: false, requested: false },
    "tx-udp_tnl-segmentation": { active: true, fixed: false, requested: true },
  };
  expect(parseSettings(JSON.stringify([features]))).toEqual({
    tso: true,
    gso: true,
    gro: false,
    "tx-udp_tnl-segmentation": true,
    "tx-udp_tnl-csum-segmentation": false,
  });
});
