import type { EvidenceItem } from "../../domain/promotion/item";
import { nameOf, type JudgedItem } from "../../domain/promotion/overrides";
import { NONE, percent } from "../format";
import { plainTable } from "../statusText";

const DECIMALS: Readonly<Record<EvidenceItem["unit"], number>> = { fraction: 2, ratio: 2, days: 1, hours: 1, count: 0, milliseconds: 0 };
const UNITS: Readonly<Partial<Record<EvidenceItem["unit"], string>>> = { days: " d", hours: " h", milliseconds: " ms" };

/** A value of a condition with its unit. */
export function amount(value: number | null, unit: EvidenceItem["unit"]): string {
  if (value === null) return "not known";
  return unit === "fraction" ? percent(value) : `${value.toFixed(DECIMALS[unit])}${UNITS[unit] ?? ""}`;
}

/** All conditions as a table, one line each; `id` is what --override takes. */
export function itemsText(items: readonly JudgedItem[], severalBots: boolean): string {
  const rows = items.map((item) => {
    const { text, value, standardError, bound, limit, distance, unit, window, source, holds, overridden } = item;
    return [
      ...[holds ? "yes" : overridden === null ? "NO" : "overridden", nameOf(item, severalBots), text, `${amount(value, unit)}${standardError === null ? "" : ` ± ${standardError.toFixed(2)}`}`],
      ...[`${bound} ${amount(limit, unit)}`, distance === null ? NONE : amount(distance, unit), window, source],
    ];
  });
  return plainTable(["holds", "id", "condition", "value", "limit", "distance", "window", "from"], rows);
}

/** A condition that does not hold, with how far it is from it. */
export function failingText(item: JudgedItem, severalBots: boolean): string {
  const { text, value, bound, limit, distance, unit } = item;
  const far = distance === null ? "" : `, ${amount(-distance, unit)} ${bound === "at least" ? "short" : "too much"}`;
  return `${nameOf(item, severalBots)}: ${text}: ${amount(value, unit)}, asked for ${bound} ${amount(limit, unit)}${far}`;
}
