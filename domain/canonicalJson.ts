/**
 * JSON without white space and with keys in code unit order, so that equal values give equal text.
 * Keys whose value is undefined are left out, as in JSON.stringify.
 * @throws TypeError for what JSON cannot hold (NaN, Infinity, functions, undefined inside an array)
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonicalJson).join(",")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
    return `{${entries.join(",")}}`;
  }
  const isPlain = value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (!isPlain) {
    throw new TypeError(`JSON cannot hold ${typeof value === "number" ? value : typeof value}`);
  }
  return JSON.stringify(value);
}
