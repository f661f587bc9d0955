import type { FindingKind } from "./findings";

export type ActiveSeverity = "DEGRADED" | "DOWN";

/** Something that is active against a feed. */
export interface Condition {
  readonly severity: ActiveSeverity;
  /** Why, for people. */
  readonly reason: string;
  /** A standing condition lasts until it is ended, an event until the next candle is released. */
  readonly lasting: "standing" | "event";
}

/** What is active against a feed, one condition of a kind. */
export class Conditions {
  private readonly active = new Map<FindingKind, Condition>();

  /** @returns whether it began or became worse */
  raise(kind: FindingKind, condition: Condition): boolean {
    const known = this.active.get(kind);
    // Another event of the same kind does not make the first one milder.
    if (condition.lasting === "event" && known?.severity === "DOWN" && condition.severity === "DEGRADED") return false;
    this.active.set(kind, condition);
    return known === undefined || (known.severity === "DEGRADED" && condition.severity === "DOWN");
  }

  end(kind: FindingKind): void {
    this.active.delete(kind);
  }

  endEvents(): void {
    for (const [kind, { lasting }] of this.active) {
      if (lasting === "event") this.active.delete(kind);
    }
  }

  /** Whether nothing at all is active. */
  get none(): boolean {
    return this.active.size === 0;
  }

  /** Whether no standing condition is active. */
  get calm(): boolean {
    for (const { lasting } of this.active.values()) {
      if (lasting === "standing") return false;
    }
    return true;
  }

  get worst(): ActiveSeverity | null {
    let worst: ActiveSeverity | null = null;
    for (const { severity } of this.active.values()) {
      if (severity === "DOWN") return "DOWN";
      worst = severity;
    }
    return worst;
  }

  /** Why the worst of them are active, for people. */
  get reason(): string {
    const { worst } = this;
    return [...this.active.values()]
      .filter(({ severity }) => severity === worst)
      .map(({ reason }) => reason)
      .join("; ");
  }

  get kinds(): FindingKind[] {
    return [...this.active.keys()];
  }
}
