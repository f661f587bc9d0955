import type { Release } from "../../../config/releases";

export const imageId = (digit: string) => `sha256:${digit.repeat(64)}`;

/** A release of stack paper as a good `up` leaves it. */
export function releaseOf(id: string, at: string, more: Partial<Release> = {}): Release {
  return {
    ...{ format: 1, id, stack: "paper", at, commit: "c".repeat(40), clean: true, pushed: false },
    ...{ images: { broker: imageId("b"), "bot-mine": `registry/mine@${imageId("d")}` }, imageNames: { broker: imageId("b") }, configurationHash: "a".repeat(64), stackFile: "config:\n" },
    ...{ schemaVersion: 5, backup: null, health: "good", confirmedAt: at, stable: null },
    ...more,
  };
}
