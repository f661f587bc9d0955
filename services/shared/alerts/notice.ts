import type { Incident } from "./book";

/** What a receiver is told, once for each notice: docs/alerts.md says what the fields mean. Times are ISO, in UTC. */
export interface Notice {
  readonly format: 1;
  readonly id: string;
  readonly incident: string;
  readonly stack: string;
  readonly sender: string;
  readonly key: string;
  readonly state: "raised" | "repeated" | "resolved";
  readonly severity: "warning" | "critical";
  readonly text: string;
  readonly runbook: string;
  readonly since: string;
  readonly resolvedAt: string | null;
  readonly at: string;
  readonly count: number;
  readonly announced: boolean;
}

/** How a notice goes to a receiver, all but its address. */
export interface Rendered {
  readonly method: "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Another kind of receiver is another one of these. */
export type Render = (notice: Notice) => Rendered;

export const renderJson: Render = (notice) => ({
  method: "POST",
  headers: { "content-type": "application/json; charset=utf-8" },
  body: JSON.stringify(notice),
});

/**
 * The waiting notice of an incident, in the words that hold now. Its id is the same at every try.
 * @param incident one with a waiting notice
 */
export function noticeOf(incident: Incident, from: { stack: string; sender: string }): Notice {
  const { id, key, severity, text, runbook, since, resolvedAt, told, waiting } = incident;
  if (waiting === null) throw new Error(`incident ${id} has no notice that waits`);
  return {
    format: 1,
    id: `${id}-${waiting.number}`,
    incident: id,
    stack: from.stack,
    sender: from.sender,
    key,
    state: waiting.state,
    severity,
    text,
    runbook,
    since: new Date(since).toISOString(),
    resolvedAt: resolvedAt === null ? null : new Date(resolvedAt).toISOString(),
    at: new Date(waiting.at).toISOString(),
    count: waiting.number,
    announced: told !== null,
  };
}
