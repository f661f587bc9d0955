import type { AlertsView, AlertView } from "./api";
import type { AlertState } from "./guardStatus";
import type { SnapshotState } from "./snapshot";

/** What each service that raises alerts last said of them; null where the stack has no such service. */
export type AlertSources = Readonly<Record<AlertView["sender"], SnapshotState<AlertState> | null>>;

/** All alerts that are raised now, whoever raised them. */
export function alertsView(sources: AlertSources): AlertsView {
  const senders = (["guard", "backup"] as const).flatMap((sender) => {
    const said = sources[sender];
    return said === null ? [] : [{ sender, problem: said.problem, state: said.last?.value }];
  });
  const active = senders.flatMap(({ sender, state }) => (state?.active ?? []).map((alert): AlertView => ({ ...alert, sender, since: Date.parse(alert.since) })));
  return {
    active: active.sort((one, other) => rank(one) - rank(other) || other.since - one.since),
    unknown: senders.flatMap(({ sender, problem }) => (problem === undefined ? [] : [{ sender, problem }])),
    undelivered: senders.reduce((sum, { state }) => sum + (state?.undelivered ?? 0), 0),
    unheard: senders.filter(({ state }) => state?.configured === false).map(({ sender }) => sender),
  };
}

/** What nobody has seen comes before what somebody has, and in each the critical ones. */
function rank({ severity, acknowledged }: AlertView): number {
  return (acknowledged ? 2 : 0) + (severity === "critical" ? 0 : 1);
}
