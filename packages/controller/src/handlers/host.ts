import { type Host, type host, invalid, ipv4, reservedReason } from "@onehop/core";
import { keys } from "@onehop/store";
import { takeHostNumber } from "../allocate/host_number.ts";
import type { Given, Handler } from "./handler.ts";

export const hosts: Handler<Host, Given<typeof host>> = {
  async create(draft, given) {
    const { id, tunnel_address } = given;
    const reserved = reservedReason({ first: ipv4(tunnel_address), prefix: 32 });
    if (reserved) throw invalid("/tunnel_address", reserved);
    const refusal = { code: "tunnel_taken", pointer: "/tunnel_address", what: `The tunnel address ${tunnel_address}` };
    draft.claim({ key: keys.tunnel(tunnel_address), value: id, refusal });
    return { ...given, number: await takeHostNumber(draft, given) };
  },
  change: async (_draft, { after }) => after,
  async remove(draft, { id, number, tunnel_address }) {
    draft.delete(keys.hostNumber(number));
    draft.delete(keys.tunnel(tunnel_address));
    // Another host of the same id, which users may choose, must not be served by the certificates of this one.
    draft.delete(keys.hostCertificate(id));
    draft.delete(keys.invitation(id));
    draft.delete(keys.report(id));
  },
};
