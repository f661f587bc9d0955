const spans: [length: number, one: string][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
];

/** A length of time in its largest unit of which there are two or more, rounded down: "36 hours", "90 minutes", "0 seconds". */
export function span(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  const [unit, one] = spans.find(([candidate]) => length >= 2 * candidate) ?? [1000, "second"];
  return count(Math.floor(length / unit), one);
}

/** "1 commit", "2 commits". */
export function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}

/** "2.5 MB", in powers of 1000. */
export function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}
