import { expect } from "chai";
import type { Proof } from "../../../domain/backup/recoveryPoint";
import { choose, nextKind, nextSource, proofTarget, type Kind } from "../../../operations/restoreTest/choice";
import { randomNumbers } from "../../../domain/randomNumbers";
import { proofOf, recoveryPointOf } from "./restoreTestPoint";

const ids = ["20261101T020000Z", "20261110T020000Z", "20261120T020000Z"];
const points = ids.map((id) => recoveryPointOf(id));
const log = { from: "2026-11-05T00:00:00.000Z", to: "2026-11-20T02:10:00.500Z" };
const fixed = (value: number) => () => value;

describe("the choice of a restore test", () => {
  for (const [name, proofs, second, from] of [
    ["the second copy where nothing was ever proved", [], true, "second"],
    ["the first after the second", [proofOf("2026-11-01T00:00:00Z", { from: "second" })], true, "first"],
    ["the second after the first", [proofOf("2026-11-01T00:00:00Z")], true, "second"],
    ["the same again after one that failed", [proofOf("2026-10-01T00:00:00Z"), proofOf("2026-11-01T00:00:00Z", { from: "second", passed: false })], true, "second"],
    ["the first where there is no second", [proofOf("2026-11-01T00:00:00Z")], false, "first"],
  ] as const) {
    it(`takes ${name}`, () => {
      const chosen = nextSource("alternate", proofs as readonly Proof[], second);
      expect(chosen.from).to.equal(from);
      expect(chosen.note === null).to.equal(second);
    });
  }

  it("takes the copy that was asked for, and refuses a second one that is not configured", () => {
    expect(nextSource("first", [], true)).to.deep.equal({ from: "first", note: null });
    expect(nextSource("second", [], true)).to.deep.equal({ from: "second", note: null });
    expect(() => nextSource("second", [], false)).to.throw(/trading:backup.secondCopy is none; allowed: first/);
  });

  it("goes through every kind from every copy in six tests that pass", () => {
    const proofs: Proof[] = [];
    const seen = new Set<string>();
    for (let test = 0; test < 6; test++) {
      const { from } = nextSource("alternate", proofs, true);
      const kind = nextKind("alternate", proofs);
      seen.add(`${from} ${kind}`);
      const { to } = choose(kind, { points, log }, from, fixed(0.5));
      proofs.push(proofOf(`2026-11-${10 + test}T00:00:00Z`, { from, to: proofTarget(kind, to) }));
    }
    expect([...seen].sort()).to.deep.equal(["first latest", "first random", "first time", "second latest", "second random", "second time"]);
  });

  it("chooses older points at random, the newest only where it is alone", () => {
    const chosen = (value: number, from = points) => choose("random", { points: from, log }, "first", fixed(value)).to;
    expect(chosen(0)).to.deep.equal({ kind: "point", id: ids[0] });
    expect(chosen(0.999)).to.deep.equal({ kind: "point", id: ids[1] });
    expect(chosen(0.5, points.slice(2))).to.deep.equal({ kind: "point", id: ids[2] });
  });

  it("chooses whole seconds within what the log reaches, both ends included", () => {
    const chosen = (value: number) => choose("time", { points, log }, "first", fixed(value));
    expect(chosen(0).to).to.deep.equal({ kind: "time", time: "2026-11-05T00:00:00.000Z" });
    expect(chosen(0).base.id).to.equal(ids[0]);
    expect(chosen(0.999999999).to).to.deep.equal({ kind: "time", time: "2026-11-20T02:10:00.000Z" });
    const after = choose("time", { points: points.slice(2), log }, "first", fixed(0));
    expect(after.to).to.deep.equal({ kind: "time", time: "2026-11-20T02:00:00.000Z" });
  });

  it("takes the artifacts of the first point that is not before the moment", () => {
    const chosen = choose("time", { points, log }, "first", fixed(0));
    expect(chosen.artifacts?.point).to.equal(ids[1]);
    expect(choose("latest", { points, log }, "first", fixed(0)).artifacts?.point).to.equal(ids[2]);
  });

  const dump = recoveryPointOf("20261121T020000Z", { kind: "dump", physical: null });
  for (const [name, kind, stock, problem] of [
    ["there is no point", "latest", { points: [], log }, /the first copy holds no recovery point: npx trading backup makes one/],
    ["there are dumps alone", "random", { points: [dump], log }, /holds no recovery point/],
    ["no log is archived", "time", { points, log: null }, /holds no archive of the database's log/],
    ["the log ends before the oldest point", "time", { points: points.slice(2), log: { from: log.from, to: "2026-11-20T01:00:00.000Z" } }, /there is no whole second in it/],
  ] as const) {
    it(`refuses when ${name}`, () => {
      expect(() => choose(kind as Kind, stock, "first", fixed(0))).to.throw(problem);
    });
  }

  it("draws the same numbers from the same seed", () => {
    const draw = (seed: number) => Array.from({ length: 5 }, randomNumbers(seed));
    expect(draw(7)).to.deep.equal(draw(7));
    expect(draw(7)).to.not.deep.equal(draw(8));
    expect(draw(7).every((value) => value >= 0 && value < 1)).to.equal(true);
  });
});
