import { request } from "node:https";
import { text } from "node:stream/consumers";
import type { ConnectionOptions } from "node:tls";

export interface Asked {
  /** `https://host:port` */
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly type?: string;
  readonly body?: string;
  readonly tls: ConnectionOptions;
}

const PATIENCE_MS = 10_000;

/** The JSON that is answered. Throws the sentence of a refusal, and where nobody answers. */
export async function ask({ url, method, path, body, type, tls }: Asked): Promise<unknown> {
  const payload = body === undefined ? undefined : Buffer.from(body);
  const headers = payload ? { "content-type": type ?? "application/json", "content-length": payload.length } : {};
  const { status, said } = await new Promise<{ status: number; said: string }>((resolve, reject) => {
    const options = { ...tls, method, headers, agent: false } as const;
    const asked = request(new URL(path, url), options, (answer) => {
      text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, said }), reject);
    });
    asked.setTimeout(PATIENCE_MS, () => asked.destroy(new Error("it does not answer")));
    asked.on("error", (error) => reject(new Error(`${url}: ${error.message}`)));
    asked.end(payload);
  });
  const answer = parse(said);
  if (status < 300) return answer;
  const { message, detail, hint } = answer as Record<string, unknown>;
  throw new Error([`${url} refuses:`, message ?? detail ?? `status ${status}.`, hint].filter(Boolean).join(" "));
}

function parse(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return {};
  }
}
