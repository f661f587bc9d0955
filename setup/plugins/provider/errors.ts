import { Properties } from "./schema";

/** The resource exists but could not be brought up: it stays in the state with the reason. */
export class InitializationError extends Error {
  constructor(
    readonly id: string,
    readonly properties: Properties,
    reason: string,
  ) {
    super(reason);
    this.name = "InitializationError";
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
