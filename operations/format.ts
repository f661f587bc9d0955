/** Shown where there is no value. */
export const NONE = "-";

/** Seconds as the two largest units, for example `3 d 4 h`, `5 min 2 s`. */
export function duration(seconds: number): string {
  const units: [string, number][] = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ];
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

/** Epoch milliseconds as `2024-01-31 14:00 UTC`. */
export function time(milliseconds: number | null): string {
  return milliseconds === null ? NONE : `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A number with a fixed count of decimals, `-` when there is none. */
export function decimals(value: number | null | undefined, count: number): string {
  return value === undefined || value === null || !Number.isFinite(value) ? NONE : value.toFixed(count);
}

/** A fraction as per cent, `-` when undefined. */
export function percent(value: number | undefined, count = 2): string {
  return value === undefined || !Number.isFinite(value) ? NONE : `${(value * 100).toFixed(count)} %`;
}

/** First 12 digits of an image id, as Docker shows it. */
export function shortImage(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

/** A text of several lines in one. */
export function inline(text: string): string {
  return text.replace(/\s*\n\s*/g, "; ");
}

/** A cell of a table in Markdown is one line, and a bar would end it. */
export function cell(value: string): string {
  return inline(value).replaceAll("|", "\\|");
}
