import type { Notice, Render } from "./notice";

/** ntfy shows up to 4096 bytes as a message and makes a file of more; a telephone gets 4000 of them. */
const longestBody = 3800;

/**
 * A notice for ntfy, which makes it ring on a telephone: how loud by severity and state. It holds no link: the stack is
 * reachable from its own machine alone, and a message that came from elsewhere must not teach anybody to press on one.
 */
export const renderNtfy: Render = (notice) => ({
  method: "POST",
  headers: {
    "content-type": "text/plain; charset=utf-8",
    title: asciiHeader(`${notice.stack}: ${titles[notice.state][notice.severity]} ${notice.key}`),
    priority: priorities[notice.state][notice.severity],
    tags: asciiHeader([tags[notice.state][notice.severity], notice.stack, notice.sender].join(",")),
  },
  body: bodyOf(notice),
});

type Table = Readonly<Record<Notice["state"], Readonly<Record<Notice["severity"], string>>>>;

const titles: Table = {
  raised: { warning: "warning", critical: "CRITICAL" },
  repeated: { warning: "still a warning", critical: "STILL CRITICAL" },
  resolved: { warning: "over", critical: "over" },
};
/** From 1 to 5; 5 rings until it is looked at, 2 makes no sound. */
const priorities: Table = {
  raised: { warning: "3", critical: "5" },
  repeated: { warning: "2", critical: "5" },
  resolved: { warning: "2", critical: "3" },
};
/** Names of ntfy's pictures. */
const tags: Table = {
  raised: { warning: "warning", critical: "rotating_light" },
  repeated: { warning: "warning", critical: "rotating_light" },
  resolved: { warning: "white_check_mark", critical: "white_check_mark" },
};

function bodyOf({ text, runbook, state, since, resolvedAt, announced, stack, incident }: Notice): string {
  const times = resolvedAt === null ? `Since ${minute(since)}` : `From ${minute(since)} to ${minute(resolvedAt)}`;
  const tail = [
    ...(state === "resolved" && !announced ? ["It began and ended while this could not be delivered."] : []),
    `${times}. ${runbook}`,
    ...(state === "resolved" ? [] : [`Seen it: npx trading alerts ack ${incident} --stack ${stack}`]),
  ].join("\n");
  return `${cut(text, longestBody - Buffer.byteLength(tail) - 2)}\n\n${tail}`;
}

/** A header is ASCII; other letters go as RFC 2047 has it, which ntfy reads. */
function asciiHeader(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
}

/** At most so many bytes of UTF-8, never half a letter. */
function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  let end = Math.max(0, bytes - Buffer.byteLength("…"));
  // Bytes that go on a letter begin with the bits 10.
  while (end > 0 && (whole[end]! & 0xc0) === 0x80) end -= 1;
  return `${whole.subarray(0, end).toString()}…`;
}

function minute(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
