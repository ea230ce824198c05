import type { IncomingMessage, Server } from "node:http";
import { type Link, linkOf, MEMBER_PATH } from "@onehop/core";
import { WebSocketServer } from "ws";

export interface Takers {
  readonly agent: (link: Link, request: IncomingMessage) => void;
  readonly member: (link: Link, request: IncomingMessage) => void;
}

/** Longest frame of an agent, bytes. */
const MAX_FRAME = 8 * 1024 * 1024;
/** Whatever version an agent speaks, it is to be told which one is spoken here. */
const AGENT_PATH = /^\/agent\/v\d{1,4}$/;

/** Takes streams at this server: of agents, and of other controllers. */
export function serveStreams(server: Server, takers: Takers): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME,
    perMessageDeflate: false,
    // A pong says that this controller is in touch with the store, which the socket cannot know.
    autoPong: false,
  });
  server.on("upgrade", (request, socket, head) => {
    const path = request.url ?? "";
    const take = AGENT_PATH.test(path) ? takers.agent : path === MEMBER_PATH ? takers.member : undefined;
    if (!take) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (stream) => take(linkOf(stream), request));
  });
}
