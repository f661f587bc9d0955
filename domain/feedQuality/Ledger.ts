import type { FeedState } from "../feedState";
import { Conditions, type Condition } from "./Conditions";
import type { FeedFinding, FindingKind } from "./findings";
import type { Recovery } from "./Recovery";

type Details = FeedFinding["details"];

/** A rule's word on what it looked at. */
export interface Judgement {
  readonly state: FeedState;
  readonly reason: string;
  readonly lasting: Condition["lasting"];
  readonly openTime: number | null;
  readonly details: Details;
  /** Whether each is a finding of its own, not only where the condition begins or becomes worse. */
  readonly each?: boolean;
}

/** Where the rules enter what they see: keeps what is active, and the findings until they are taken. */
export class Ledger {
  readonly conditions = new Conditions();
  private findings: FeedFinding[] = [];

  constructor(private readonly recovery: Recovery) {}

  /** Raises or, with HEALTHY, ends a condition. */
  judge(kind: FindingKind, { state, reason, lasting, openTime, details, each = false }: Judgement): void {
    if (state === "HEALTHY") {
      if (lasting === "standing") this.end(kind);
      return;
    }
    const worse = this.conditions.raise(kind, { severity: state, reason, lasting });
    if (worse || each) {
      this.recovery.disturbed();
      this.findings.push({ kind, severity: state, openTime, reason, details });
    }
    this.tellWhetherDown();
  }

  end(kind: FindingKind): void {
    this.conditions.end(kind);
    this.tellWhetherDown();
  }

  endEvents(): void {
    this.conditions.endEvents();
    this.tellWhetherDown();
  }

  /** A finding that says nothing against the feed. */
  note(kind: FindingKind, openTime: number | null, reason: string, details: Details): void {
    this.findings.push({ kind, severity: "note", openTime, reason, details });
  }

  /** The findings since they were last taken. */
  take(): FeedFinding[] {
    const taken = this.findings;
    this.findings = [];
    return taken;
  }

  private tellWhetherDown(): void {
    this.recovery.down(this.conditions.worst === "DOWN");
  }
}
