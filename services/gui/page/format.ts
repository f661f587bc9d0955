/** Texts for people; every time is UTC. */

const dash = "–";

/** `2018-03-04 12:00 UTC`. */
export function minuteText(time: number | null): string {
  return time === null ? dash : `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `2018-03-04 12:00:07 UTC`. */
export function secondText(time: number | null): string {
  return time === null ? dash : `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Length of a stretch of wall time in its largest unit: `7 s`, `12 min`, `5 h`, `3 d`. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function ageText(time: number | null, now: number): string {
  return time === null ? "never" : `${durationText(now - time)} ago`;
}

const formats = new Map<number, Intl.NumberFormat>();

/** Thousands separated by commas, a fixed number of decimals. */
export function numberText(value: number | null | undefined, decimals = 2): string {
  if (value === null || value === undefined) return dash;
  let format = formats.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formats.set(decimals, format);
  }
  // An amount that rounds to nothing has no sign.
  const text = format.format(value);
  return /^-[0.,]*$/.test(text) ? text.slice(1) : text;
}

/** As `numberText`, with a plus before what is gained. */
export function signedText(value: number | null, decimals = 2): string {
  const text = numberText(value, decimals);
  return value !== null && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** A fraction as per cent: 0.0123 is `1.23 %`. */
export function percentText(fraction: number | null, decimals = 2): string {
  return fraction === null ? dash : `${numberText(fraction * 100, decimals)} %`;
}
