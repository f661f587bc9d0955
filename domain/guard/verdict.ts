/** How far a halt by the guard goes; what each level forbids is said where halts are kept. */
export type GuardLevel = "pause" | "reduce" | "kill";

/** What the guard does by itself. */
export type Act =
  | { readonly kind: "halt"; readonly level: GuardLevel }
  /** No deploys, no promotions. */
  | { readonly kind: "freeze" }
  | { readonly kind: "restart" }
  /** Nothing but to tell a person. */
  | { readonly kind: "alert"; readonly severity: "warning" | "critical" }
  /** No lease, and with it no entries, for as long as it lasts. */
  | { readonly kind: "withhold" };

export type Numbers = Readonly<Record<string, number | string | null>>;

/** What a rule makes of the facts. */
export interface Verdict {
  readonly rule: GuardRule;
  /** What was seen, the same for as long as it is the same thing, across restarts: once lifted, a rule does not act again for it. */
  readonly cause: string;
  /** Whom it is about; null is every bot of the stack. */
  readonly bot: string | null;
  readonly act: Act;
  /** For a person: the numbers, and what to do where that is one step. */
  readonly reason: string;
  readonly numbers: Numbers;
}

/** Every rule, and the section of a runbook that says what a person does then. */
export const RUNBOOKS = {
  "daily-loss": "runbooks/Incident_Handling.md, 4.1 Dagligt tab",
  drawdown: "runbooks/Incident_Handling.md, 4.2 Drawdown",
  exposure: "runbooks/Incident_Handling.md, 4.3 Eksponering",
  "order-rate": "runbooks/Incident_Handling.md, 4.4 For mange ordrer",
  "feed-down": "runbooks/LiveFeed_Runbook.md, 5.1 Børs eller eksternt feed er væk",
  "feed-degraded": "runbooks/LiveFeed_Runbook.md, 5. Kilden svarer ikke",
  "no-decision": "runbooks/Incident_Handling.md, 4.5 Ingen beslutning",
  "tracking-error": "runbooks/Incident_Handling.md, 4.6 Tracking error",
  "decision-mismatch": "runbooks/Incident_Handling.md, 4.7 Beslutninger afviger",
  clock: "runbooks/Incident_Handling.md, 4.8 Uret går forkert",
  reconciliation: "runbooks/Incident_Handling.md, 4.9 Bøgerne stemmer ikke",
  "guard-blind": "runbooks/Incident_Handling.md, 4.10 Vagten er væk",
  "bot-runs-halted": "runbooks/Incident_Handling.md, 4.11 Botten kører trods stop",
  "halt-drill": "runbooks/Incident_Handling.md, 4.12 Halt-øvelsen er for gammel",
  drift: "runbooks/Incident_Handling.md, 4.13 Det kørende er ikke det erklærede",
} as const;
export type GuardRule = keyof typeof RUNBOOKS;
