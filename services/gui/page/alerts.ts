import type { AlertsView, AlertView } from "../api";
import type { Fact } from "./feed";

const names: Record<AlertView["sender"], string> = { guard: "guard", backup: "backup service" };

/** How many alerts there are, and what is not known of them. */
export function alertsFacts({ active, unknown, undelivered, unheard }: AlertsView): Fact[] {
  const critical = active.filter(({ severity }) => severity === "critical").length;
  const open = active.filter(({ severity, acknowledged }) => severity === "critical" && !acknowledged).length;
  const counts = active.length === 0 ? "none" : `${active.length} raised, ${critical} critical${critical === 0 ? "" : `, ${open} of them not acknowledged`}`;
  return [
    { label: "Alerts", value: counts, tone: active.length === 0 ? "good" : open > 0 ? "bad" : "warning" },
    ...unknown.map(({ sender, problem }): Fact => ({ label: "Not known", value: `alerts of the ${names[sender]}, which does not answer (${problem})`, tone: "bad" })),
    ...(unheard.length === 0 ? [] : [{ label: "Nobody is told", value: `trading:alerts.webhook is not set: alerts of the ${unheard.map((sender) => names[sender]).join(" and the ")} are seen here and in the logs alone`, tone: "warning" } as const]),
    ...(undelivered === 0 ? [] : [{ label: "Not delivered", value: `${undelivered} ${undelivered === 1 ? "notice waits" : "notices wait"} for the receiver`, tone: "warning" } as const]),
  ];
}

/** How an alert is acknowledged, or that it was. */
export function acknowledgeText({ id, acknowledged }: AlertView, stack: string): string {
  if (acknowledged) return "acknowledged";
  return `npx trading alerts ack ${id} --stack ${stack}`;
}
