import { expect } from "chai";
import { Standstill } from "../../../../domain/backup/standstill";

type Sign = readonly ["candle" | "decision" | "look", number];
const hour = 3_600_000;

const cases: readonly { readonly what: string; readonly came?: readonly number[]; readonly signs?: readonly Sign[]; readonly at: number; readonly still: boolean; readonly again: number }[] = [
  { what: "works when nothing was heard", at: 0, still: false, again: Infinity },
  { what: "stands still from a candle on", signs: [["candle", 1000]], at: 1000, still: true, again: 100 },
  { what: "works again a tenth of a second later", signs: [["candle", 1000]], at: 1100, still: false, again: Infinity },
  { what: "waits for what follows a decision", signs: [["candle", 1000], ["decision", 1040]], at: 1100, still: true, again: 40 },
  { what: "does not begin with a decision alone", signs: [["decision", 1000]], at: 1000, still: false, again: Infinity },
  { what: "waits for the candles of other markets", signs: [["candle", 1000], ["candle", 1090], ["candle", 1180]], at: 1200, still: true, again: 80 },
  { what: "works as long as it stood still before it does so again", signs: [["candle", 1000], ["look", 1100], ["candle", 1150]], at: 1150, still: false, again: 50 },
  { what: "and then does so again", signs: [["candle", 1000], ["look", 1100], ["candle", 1150]], at: 1200, still: true, again: 50 },
  { what: "knows when the next candle is due", came: [0, hour], at: hour + 1000, still: false, again: hour - 3000 },
  { what: "stands still two seconds before it", came: [0, hour], at: 2 * hour - 2000, still: true, again: 4000 },
  { what: "works again when it does not come", came: [0, hour], signs: [["look", 2 * hour - 2000]], at: 2 * hour + 2000, still: false, again: hour - 4000 },
  { what: "works again when it came and is decided", came: [0, hour], signs: [["look", 2 * hour - 2000], ["candle", 2 * hour + 300], ["decision", 2 * hour + 320]], at: 2 * hour + 2300, still: false, again: hour - 2000 - 2300 },
  { what: "leaves a slow bot the time that real candles leave it", came: [0, hour], signs: [["look", 2 * hour - 2000], ["candle", 2 * hour + 300]], at: 2 * hour + 1000, still: true, again: 1300 },
  { what: "awaits the one after one that is missing", came: [0, hour], at: 4 * hour, still: true, again: 2000 },
  { what: "awaits none after three that are missing", came: [0, hour], at: 5 * hour, still: false, again: Infinity },
  { what: "awaits fast ones only just before they are due", came: [0, 500], at: 900, still: false, again: 50 },
  { what: "knows when they are due though one came late", came: [0, 500, 1060, 1500], at: 1900, still: false, again: 50 },
  { what: "and though the newest came late", came: [0, 500, 1000, 1560], at: 1900, still: false, again: 50 },
  { what: "and though one is missing", came: [0, 500, 1500, 2000], at: 2400, still: false, again: 50 },
  { what: "awaits none that have no pace", came: [0, 10], at: 11, still: false, again: Infinity },
  { what: "awaits none after candles that came at once, as history does", came: [7, 7], at: 8, still: false, again: Infinity },
];

describe("when a backup stands still", () => {
  for (const { what, came, signs = [], at, still, again } of cases) {
    it(what, () => {
      const standstill = new Standstill();
      if (came) standstill.came("BTCUSDT", came);
      for (const [index, [sign, time]] of signs.entries()) {
        if (sign === "candle") standstill.candle(came ? "BTCUSDT" : `market ${index}`, time);
        else if (sign === "decision") standstill.decision(time);
        standstill.look(time);
      }
      expect(standstill.look(at)).to.deep.equal({ still, again });
    });
  }

  it("is at most half of the time, and at most five seconds in one go, while candles come without an end", () => {
    const standstill = new Standstill();
    let [still, longest, inOneGo] = [0, 0, 0];
    for (let now = 0; now < 100_000; now++) {
      if (now % 5 === 0) standstill.candle("BTCUSDT", now);
      inOneGo = standstill.look(now).still ? inOneGo + 1 : 0;
      still += inOneGo > 0 ? 1 : 0;
      longest = Math.max(longest, inOneGo);
    }
    expect(longest).to.equal(5000);
    expect(still / 100_000).to.be.within(0.49, 0.51);
  });
});
