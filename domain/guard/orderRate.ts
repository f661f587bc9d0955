import { dateTime } from "../feedQuality/text";
import type { GuardFacts } from "./facts";
import type { Verdict } from "./verdict";

const pause = { kind: "halt", level: "pause" } as const;

/** Orders in an hour of market time. The broker refuses entries beyond it; exits and moved stops it lets through. */
export function orderRate({ bots, stack }: GuardFacts): Verdict[] {
  const counted = [
    ...bots.map(({ name, ordersLastHour, ordersPerHour, bar }) => ({ bot: name, count: ordersLastHour, limit: ordersPerHour, bar })),
    { bot: null, count: stack.ordersLastHour, limit: stack.ordersPerHour, bar: stack.bar },
  ];
  return counted.flatMap(({ bot, count, limit, bar }): Verdict[] => {
    if (bar === null || count <= limit) return [];
    const reason = `${bot ?? "all bots together"} sent ${count} orders in the hour up to ${dateTime(bar)}; allowed: ${limit}`;
    return [{ rule: "order-rate", cause: `hour up to ${new Date(bar).toISOString()}`, bot, act: pause, reason, numbers: { orders: count, limit } }];
  });
}
