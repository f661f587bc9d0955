import { expect } from "chai";
import { soakOf, type CriticalFacts, type SoakFacts } from "../../../operations/releases/soak";

const hour = 3_600_000;
const NOW = Date.parse("2026-11-28T12:00:00Z");
const ago = (hours: number) => NOW - hours * hour;
const part = (name: string, more: Partial<CriticalFacts> = {}): CriticalFacts => ({ part: name, problem: null, active: [], knownSince: ago(1000), lastAt: null, lastKey: null, ...more });
const quiet: SoakFacts = { release: { at: "2026-11-27T12:00:00Z" }, hours: 24, parts: [part("guard"), part("backup")], halts: [], guardHaltAt: null, now: NOW };

describe("whether a release has soaked", () => {
  const cases: [what: string, more: Partial<SoakFacts>, expected: object][] = [
    ["is over after its hours", {}, { state: "over", quietSince: ago(24) }],
    ["is over where nothing tells of alerts, and so none was told", { parts: [] }, { state: "over", quietSince: ago(24) }],
    ["is not over a moment before", { now: NOW - 1 }, { state: "soaking", until: NOW, reason: "quiet for 23 h 59 min of 1 d, since 2026-11-27 12:00 UTC" }],
    ["takes as long as it is configured to", { hours: 72 }, { state: "soaking", until: ago(-48), reason: "quiet for 1 d of 3 d, since 2026-11-27 12:00 UTC" }],
    ["has no use of what was critical before it", { parts: [part("guard", { lastAt: ago(25), lastKey: "guard.feed" })] }, { state: "over", quietSince: ago(24) }],
    ["begins anew after something critical was over", { parts: [part("guard", { lastAt: ago(2), lastKey: "guard.feed" })] }, { state: "soaking", until: ago(-22), reason: "quiet for 2 h of 1 d, since guard.feed (guard) was over, 2026-11-28 10:00 UTC" }],
    ["begins anew with the later of two", { parts: [part("guard", { lastAt: ago(2), lastKey: "a" }), part("backup", { lastAt: ago(1), lastKey: "b" })] }, { state: "soaking", until: ago(-23), reason: "quiet for 1 h of 1 d, since b (backup) was over, 2026-11-28 11:00 UTC" }],
    ["begins anew after a halt by the guard", { guardHaltAt: ago(3) }, { state: "soaking", until: ago(-21), reason: "quiet for 3 h of 1 d, since a halt by the guard, 2026-11-28 09:00 UTC" }],
    ["is over once it was quiet again for as long", { release: { at: "2026-11-20T12:00:00Z" }, guardHaltAt: ago(24) }, { state: "over", quietSince: ago(24) }],
    ["counts no time that nothing is known of", { parts: [part("guard", { knownSince: ago(5) })] }, { state: "soaking", until: ago(-19), reason: "quiet for 5 h of 1 d, since 2026-11-28 07:00 UTC: before, nothing is known of alerts of the guard" }],
    ["waits while something critical is wrong", { parts: [part("guard", { active: ["guard.feed", "guard.clock"] }), part("backup", { active: ["backup.small"] })] }, { state: "waiting", reason: "something critical is wrong: guard.feed (guard), guard.clock (guard), backup.small (backup)" }],
    ["waits while it is halted, by whomever", { halts: ["INC-1"] }, { state: "waiting", reason: "it is halted (INC-1)" }],
    ["waits where halts cannot be read", { halts: null }, { state: "waiting", reason: "whether it is halted cannot be read" }],
    ["waits where a part does not say", { parts: [part("guard", { problem: "container trading-paper-guard is exited" }), part("backup")] }, { state: "waiting", reason: "whether an alert was raised is not known: guard: container trading-paper-guard is exited" }],
    ["waits for a clock that was set back", { now: ago(30) }, { state: "soaking", until: NOW, reason: "quiet for 0 s of 1 d, since 2026-11-27 12:00 UTC" }],
  ];
  for (const [what, more, expected] of cases) it(what, () => expect(soakOf({ ...quiet, ...more })).to.deep.equal(expected));
});
