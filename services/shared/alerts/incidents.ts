import type { Alarm, Book, Incident, Severity } from "./book";

/** A longer text is cut: what waits has to stay small. */
const longestText = 4000;

/** What became of the incidents when the active alarms were looked at. */
export interface Reconciled {
  /** The same object when nothing changed. */
  readonly book: Book;
  readonly raised: readonly Incident[];
  readonly resolved: readonly Incident[];
}

/**
 * Brings the incidents in line with the alarms that are active now. A key that is new is raised, one that is gone resolved.
 *
 * Over before anybody was told: the notice "resolved" takes the place of the undelivered "raised". It carries everything the
 * first one would have said, and when it was over, so that one delivery tells of both and nothing is lost.
 * @param now epoch milliseconds
 * @param newId makes the id of an incident
 */
export function reconcile(book: Book, active: readonly Alarm[], now: number, newId: () => string): Reconciled {
  const wanted = byKey(active);
  const resolved: Incident[] = [];
  const known = new Set<string>();
  let changed = false;
  const incidents = book.incidents.map((incident) => {
    if (incident.resolvedAt !== null) return incident;
    const alarm = wanted.get(incident.key);
    if (alarm === undefined) {
      changed = true;
      const ended = withNotice({ ...incident, resolvedAt: Math.max(now, incident.since) }, "resolved", now);
      resolved.push(ended);
      return ended;
    }
    known.add(incident.key);
    const { severity, text, runbook } = alarm;
    if (incident.severity === severity && incident.text === text && incident.runbook === runbook) return incident;
    changed = true;
    return { ...incident, severity, text, runbook };
  });
  const raised = [...wanted.values()].filter(({ key }) => !known.has(key)).map((alarm): Incident => ({
    id: newId(),
    ...alarm,
    since: now,
    resolvedAt: null,
    told: null,
    count: 1,
    waiting: { state: "raised", number: 1, at: now },
  }));
  if (!changed && raised.length === 0) return { book, raised, resolved };
  return { book: { ...book, incidents: [...incidents, ...raised] }, raised, resolved };
}

/**
 * How long until a lasting incident is told of again, in milliseconds; null when that is not to be: it is over, or what was
 * made of it last did not get through yet. One that became critical is told of at once, and only the first time.
 * @param elapsed milliseconds since a notice of it last got through
 */
export function repeatIn(incident: Incident, elapsed: number, repeatMilliseconds: number): number | null {
  const { resolvedAt, told, waiting } = incident;
  if (resolvedAt !== null || told === null || waiting !== null) return null;
  if (incident.severity === "critical" && told.severity !== "critical") return 0;
  return Math.max(0, repeatMilliseconds - elapsed);
}

/** Makes the next notice of incidents that last. */
export function repeat(book: Book, ids: ReadonlySet<string>, now: number): Book {
  if (ids.size === 0) return book;
  return { ...book, incidents: book.incidents.map((incident) => (ids.has(incident.id) ? withNotice(incident, "repeated", now) : incident)) };
}

/** The incidents a notice may be delivered of now: of each key the oldest one, so that its notices arrive in order. */
export function deliverable(book: Book): Incident[] {
  const keys = new Set<string>();
  return book.incidents.filter((incident) => {
    if (incident.waiting === null || keys.has(incident.key)) return false;
    keys.add(incident.key);
    return true;
  });
}

/**
 * Takes note that a notice got through.
 * @param sent the incident as it was when the notice was sent: it may have changed while that went on
 */
export function delivered(book: Book, sent: Incident, now: number): Book {
  const incidents = book.incidents.flatMap((incident) => {
    if (incident.id !== sent.id) return [incident];
    const waiting = incident.waiting?.number === sent.waiting?.number ? null : incident.waiting;
    if (incident.resolvedAt !== null && waiting === null) return [];
    return [{ ...incident, waiting, told: { at: now, severity: worst(sent.severity, incident.told?.severity) } }];
  });
  return { ...book, incidents, lastDeliveredAt: now };
}

/**
 * Keeps at most so many ended incidents. Those that nobody ever heard of go first, the oldest before the others: a receiver
 * that was told of an alarm and not of its end would show it for ever. What is active always stays.
 */
export function bounded(book: Book, most: number): { book: Book; dropped: readonly Incident[] } {
  const ended = book.incidents.filter(({ resolvedAt }) => resolvedAt !== null);
  if (ended.length <= most) return { book, dropped: [] };
  const order = [...ended.filter(({ told }) => told === null), ...ended.filter(({ told }) => told !== null)];
  const dropped = new Set(order.slice(0, ended.length - most));
  return { book: { ...book, incidents: book.incidents.filter((incident) => !dropped.has(incident)) }, dropped: [...dropped] };
}

function withNotice(incident: Incident, state: "repeated" | "resolved", at: number): Incident {
  const count = incident.count + 1;
  return { ...incident, count, waiting: { state, number: count, at } };
}

/** A key that is given twice counts once, with the worse of the two. */
function byKey(active: readonly Alarm[]): Map<string, Alarm> {
  const wanted = new Map<string, Alarm>();
  for (const { key, severity, text, runbook } of active) {
    const other = wanted.get(key);
    if (other === undefined || (other.severity === "warning" && severity === "critical")) {
      wanted.set(key, { key, severity, text: text.slice(0, longestText), runbook });
    }
  }
  return wanted;
}

function worst(one: Severity, other: Severity | undefined): Severity {
  return one === "critical" || other === "critical" ? "critical" : "warning";
}
