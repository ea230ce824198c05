export const EVENT_STREAM = "text/event-stream";
export const NDJSON = "application/x-ndjson";
