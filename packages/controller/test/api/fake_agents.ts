import type { Question } from "@onehop/core";
import { type Agents, unanswered, type WatchRequest } from "../../src/look/agents.ts";

/** Hosts whose answers a test decides. */
export class FakeAgents implements Agents {
  asked: [string, Question][] = [];
  watched: WatchRequest[] = [];
  stopped = 0;
  readonly down = new Set<string>();
  answer: (hostId: string, question: Question) => unknown = () => [];

  async ask(hostId: string, question: Question): Promise<unknown> {
    if (this.down.has(hostId)) throw unanswered("no answer");
    this.asked.push([hostId, question]);
    return this.answer(hostId, question);
  }
  async watch(hostId: string, request: WatchRequest) {
    if (this.down.has(hostId)) throw unanswered("no answer");
    this.watched.push(request);
    return {
      stop: () => {
        this.stopped++;
        request.onPart({ packets: [], lost: 0, end: "stopped" });
      },
    };
  }
}
