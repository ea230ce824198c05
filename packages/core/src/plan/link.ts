/**
 * One end of a stream, whatever carries it: a WebSocket, or the network of a test. Frames arrive in order or not at all,
 * and none after `closed`.
 */
export interface Link {
  /** Frames can be sent; what is sent otherwise is lost. */
  readonly open: boolean;
  /** Text is a message, bytes are a slice. `done` is called when the network took it, or never will. */
  send(frame: string | Uint8Array, done?: () => void): void;
  ping(): void;
  pong(): void;
  /** In order, with a code as in RFC 6455. */
  close(code: number): void;
  /** At once, whatever is still on its way. */
  terminate(): void;
  /** To be called once, before anything can have come. */
  listen(on: LinkEvents): void;
}

export interface LinkEvents {
  readonly opened?: () => void;
  readonly frame: (frame: string | Uint8Array) => void;
  readonly ping?: () => void;
  readonly pong?: () => void;
  /** Last of all events; an end that could not be opened is closed, too. */
  readonly closed: (code: number) => void;
  readonly failed?: (error: Error) => void;
}

/** What is used of a WebSocket of the package ws, that is made not to answer pings by itself. */
interface Socket {
  readonly readyState: number;
  send(data: string | Uint8Array, done: () => void): void;
  ping(): void;
  pong(): void;
  close(code: number): void;
  terminate(): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

const OPEN = 1;

export function linkOf(socket: Socket): Link {
  const isOpen = () => socket.readyState === OPEN;
  return {
    get open() {
      return isOpen();
    },
    send: (frame, done = () => undefined) => (isOpen() ? socket.send(frame, () => done()) : done()),
    ping: () => isOpen() && socket.ping(),
    pong: () => isOpen() && socket.pong(),
    close: (code) => socket.close(code),
    terminate: () => socket.terminate(),
    listen(on) {
      socket.on("open", () => on.opened?.());
      socket.on("message", (data: Uint8Array, isBinary: boolean) => on.frame(isBinary ? data : String(data)));
      socket.on("ping", () => on.ping?.());
      socket.on("pong", () => on.pong?.());
      socket.on("close", (code: number) => on.closed(code));
      socket.on("error", (error: Error) => on.failed?.(error));
    },
  };
}
