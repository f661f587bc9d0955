/** Segments of 16 MB in a log file number of PostgreSQL. */
const segmentsPerLog = 256;

/** A hole in the archived log: the names of the segments on its sides. */
export interface WalGap {
  /** Last segment before the hole; null when it begins with the first one that is needed. */
  readonly after: string | null;
  /** First segment behind it; null when nothing from the first needed one on is there. */
  readonly before: string | null;
}

interface Segment {
  readonly timeline: number;
  /** Place in the log, counted over timelines. */
  readonly number: number;
}

/**
 * Name of the segment that follows on the same timeline.
 * @param name 24 hexadecimal digits: timeline, log and segment of 16 MB
 * @throws RangeError when it is no such name, or the last there can be
 */
export function segmentAfter(name: string): string {
  const { timeline, number } = parseSegment(name);
  return segmentName({ timeline, number: number + 1 });
}

/**
 * Holes in the archive from a segment on. Within a timeline all segments follow each other; a later timeline begins at
 * the latest where an earlier one ends. (Which one it left, and where, only its history file says: the first segments of a
 * timeline that left an older one early are not missed here, but restoring needs them only up to the next backup.)
 * @param names of files in the archive, in any order: segments with or without pgBackRest's checksum and extension; other files are passed over
 * @param from the first segment that is needed: where the oldest kept backup begins
 * @throws RangeError when `from` is no segment's name
 */
export function gaps(names: readonly string[], from: string): WalGap[] {
  const first = parseSegment(from);
  const present = names.map(segmentOfFile).filter((segment) => segment !== null);
  const byTimeline = new Map<number, Set<number>>();
  for (const { timeline, number } of present) {
    if (timeline < first.timeline || (timeline === first.timeline && number < first.number)) continue;
    byTimeline.set(timeline, (byTimeline.get(timeline) ?? new Set()).add(number));
  }

  const found: WalGap[] = [];
  /** The furthest one of the timelines so far. */
  let end: Segment | null = null;
  for (const [timeline, numbers] of [...byTimeline].sort(([one], [other]) => one - other)) {
    let previous: Segment | null = end;
    for (const number of [...numbers].sort((one, other) => one - other)) {
      const here: Segment = { timeline, number };
      const missing: boolean = previous === null ? timeline > first.timeline || number > first.number : number > previous.number + 1;
      if (missing) found.push({ after: previous === null ? null : segmentName(previous), before: segmentName(here) });
      previous = here;
    }
    if (previous !== null && (end === null || previous.number > end.number)) end = previous;
  }
  return end === null ? [{ after: null, before: null }] : found;
}

function parseSegment(name: string): Segment {
  const segment = /^[0-9A-F]{24}$/.test(name) ? segmentOfFile(name) : null;
  if (segment === null) throw new RangeError(`"${name}" is no name of a 16 MB segment of the log; allowed: 24 hexadecimal digits such as 000000010000000000000001`);
  return segment;
}

/** The segment that a file of the archive holds whole, or null: timeline histories, backup labels and partial segments are none. */
function segmentOfFile(file: string): Segment | null {
  const [, timeline = "", log = "", segment = ""] = /^([0-9A-F]{8})([0-9A-F]{8})0{6}([0-9A-F]{2})(?:-[0-9a-f]{40}(?:\.[a-z0-9]+)?)?$/.exec(file) ?? [];
  return timeline === "" ? null : { timeline: parseInt(timeline, 16), number: parseInt(log, 16) * segmentsPerLog + parseInt(segment, 16) };
}

function segmentName({ timeline, number }: Segment): string {
  const digits = (value: number) => value.toString(16).toUpperCase().padStart(8, "0");
  const log = Math.floor(number / segmentsPerLog);
  if (log > 0xffff_ffff) throw new RangeError(`There is no segment of the log after the last, timeline ${timeline}`);
  return digits(timeline) + digits(log) + digits(number % segmentsPerLog);
}
