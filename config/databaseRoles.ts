import { botRole } from "./names";
import type { StackConfiguration } from "./schema";

/** A role of the trading database and what it may do. */
export interface DatabaseRole {
  readonly name: string;
  readonly kind: "livefeed" | "broker" | "performance" | "guard" | "gui" | "bot" | "mlflow";
}

/** Roles of the trading database: one for each service and each bot. */
export function databaseRoles(configuration: Pick<StackConfiguration, "bots">): DatabaseRole[] {
  return [
    ...(["livefeed", "broker", "performance", "guard", "gui", "mlflow"] as const).map((kind) => ({ name: kind, kind })),
    ...configuration.bots.map((bot) => ({ name: botRole(bot.name), kind: "bot" as const })),
  ];
}
