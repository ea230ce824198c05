export * from "./check.ts";
export * from "./client.ts";
export * from "./formats.ts";
export * from "./openapi.ts";
export * from "./routes.ts";
export * from "./schemas.ts";
