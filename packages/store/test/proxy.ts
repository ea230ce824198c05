import { createConnection, createServer, type Socket } from "node:net";

export interface Proxy {
  /** For openStore. */
  readonly address: string;
  /** Breaks every connection that is open; new ones are taken. */
  cut(): void;
  close(): Promise<void>;
}

/** A TCP port on loopback in front of a unix socket, whose connections a test can break. */
export async function proxyTo(socketPath: string): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection(socketPath);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
      socket.on("error", () => socket.destroy());
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const close = async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `http://127.0.0.1:${port}`, cut, close };
}
