export { Agent, type AgentParts } from "./agent.ts";
export * from "./lower/index.ts";
export { type AgentOptions, type RunningAgent, startAgent } from "./main.ts";
