import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { readCandles, type Candle } from "../../../../domain/candles";
import { defaultFeedQuality, FeedQuality, type FeedFinding, type JudgedCandle } from "../../../../domain/feedQuality";
import { realCandlesFile } from "../../../support/candles";

const hour = 3_600_000;
const iso = (time: number | null): string => new Date(time!).toISOString().slice(0, 16);

function judge(candles: readonly Candle[]): { written: JudgedCandle[]; findings: FeedFinding[]; state: string } {
  const quality = new FeedQuality({ interval: hour, settings: defaultFeedQuality, speed: "maximum", recoveryCandles: 1, warmupCandles: 300, acknowledgeDown: false });
  const written: JudgedCandle[] = [];
  const findings: FeedFinding[] = [];
  for (const candle of candles) {
    quality.candle(candle, 0);
    const taken = quality.take();
    written.push(...taken.candles);
    findings.push(...taken.findings);
  }
  return { written, findings, state: quality.state };
}

describe("feed quality over real candles", () => {
  let csv: string;
  let sorted: Candle[];

  before(async function () {
    this.timeout(180_000);
    csv = await readFile(await realCandlesFile(), "utf8");
    sorted = readCandles(csv).candles;
  });

  it("the file's five rows out of order are reported with their lines and times", () => {
    const rows = readCandles(csv).findings.map(({ kind, line, openTime }) => `${kind} ${line} ${iso(openTime)}`);
    expect(rows).to.deep.equal([
      "out of order 16901 2017-11-12T08:00",
      "out of order 16903 2017-11-12T07:00",
      "out of order 16905 2017-11-12T06:00",
      "out of order 16907 2017-11-12T05:00",
      "out of order 16909 2017-11-12T04:00",
    ]);
  });

  it("rows that arrive as the file has them, oldest first, are reported and all written in order, each once", () => {
    const byTime = new Map(sorted.map((candle) => [candle.openTime, candle]));
    const times = csv
      .split(/\r?\n/)
      .slice(2)
      .filter((line) => line !== "")
      .map((line) => {
        const [, day, clock, half] = /^([\d-]+) (\d\d)-(AM|PM),/.exec(line)!;
        return Date.parse(`${day}T00:00:00Z`) + ((Number(clock) % 12) + (half === "PM" ? 12 : 0)) * hour;
      });
    const inFileOrder = times.reverse().map((time) => byTime.get(time)!);
    expect(inFileOrder.filter((candle, index) => index > 0 && candle.openTime < inFileOrder[index - 1]!.openTime)).to.have.length(5);

    const { written, findings, state } = judge(inFileOrder);
    expect(written.map(({ candle }) => candle)).to.deep.equal(sorted);
    expect(written.some(({ repair }) => repair)).to.equal(false);
    const of = (kind: string): string[] => findings.filter((finding) => finding.kind === kind).map(({ severity, openTime }) => `${severity} ${iso(openTime)}`);
    expect(of("gap")).to.deep.equal(["DOWN 2017-11-11T23:00"]);
    expect(of("backfilled")).to.deep.equal([
      "note 2017-11-11T23:00",
      "note 2017-11-12T00:00",
      "note 2017-11-12T01:00",
      "note 2017-11-12T02:00",
      "note 2017-11-12T03:00",
    ]);
    // Nothing of the disturbed ten hours is traded on.
    const disturbed = written.filter(({ candle }) => candle.openTime >= Date.parse("2017-11-11T23:00Z") && candle.openTime <= Date.parse("2017-11-12T08:00Z"));
    expect(disturbed).to.have.length(10);
    expect(disturbed.filter(({ state: judged }) => judged === "HEALTHY")).to.deep.equal([]);
    expect(state).to.equal("HEALTHY");
  });

  it("finds in the sorted candles what research counted in them: 5 jumps, 2 open jumps, flat rows of up to 15", () => {
    const { written, findings } = judge(sorted);
    expect(written.map(({ candle }) => candle)).to.deep.equal(sorted);
    const list = findings.map(({ kind, severity, openTime, details }) => `${iso(openTime)} ${kind} ${severity} ${details.candles ?? (Number(details.change) * 100).toFixed(1)}`);
    expect(list).to.deep.equal([
      "2017-09-15T12:00 jump DEGRADED 11.5",
      "2017-09-22T20:00 open jump note 0.8",
      "2017-09-25T05:00 flat DEGRADED 2",
      "2017-11-12T04:00 open jump note -2.2",
      "2017-12-22T13:00 jump DEGRADED -12.3",
      "2017-12-22T20:00 jump DEGRADED 10.3",
      "2018-02-01T06:00 flat DEGRADED 2",
      "2018-04-12T11:00 jump DEGRADED 11.5",
      "2018-08-10T02:00 flat DEGRADED 2",
      "2018-08-10T06:00 flat DOWN 6",
      "2019-04-02T04:00 jump DEGRADED 12.2",
      "2019-06-20T15:00 flat DEGRADED 2",
    ]);
    let longest = 0;
    let row = 0;
    for (const { high, low, volume } of sorted) {
      row = high === low || volume === 0 ? row + 1 : 0;
      longest = Math.max(longest, row);
    }
    expect(longest).to.equal(15);
    const count = (state: string): number => written.filter((judged) => judged.state === state).length;
    // 299 candles of warm-up, then a candle for each jump, and the flat rows from their second candle to the one after them.
    expect([count("DEGRADED"), count("DOWN"), count("HEALTHY")]).to.deep.equal([317, 10, 19_784]);
  });
});
