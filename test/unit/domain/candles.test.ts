import { expect } from "chai";
import { intervalMilliseconds, parseCandles, readCandles } from "../../../domain/candles";

const plainHeader = "open_time_ms,open,high,low,close,volume";
const site = "Timestamps are UTC timezone,https://www.CryptoDataDownload.com";
const siteHeader = "date,symbol,open,high,low,close,volume_btc,volume";
const hour = 3_600_000;
const start = Date.UTC(2020, 0, 1);
const row = (index: number, values = "10,12,9,11,5") => `${start + index * hour},${values}`;

describe("candles", () => {
  it("reads the plain layout", () => {
    expect(parseCandles(`${plainHeader}\n${row(0)}\n${row(1, "11,11.5,10.25,10.5,0")}\n`)).to.deep.equal([
      { openTime: start, open: 10, high: 12, low: 9, close: 11, volume: 5 },
      { openTime: start + hour, open: 11, high: 11.5, low: 10.25, close: 10.5, volume: 0 },
    ]);
  });

  it("reads CryptoDataDownload's layout, newest first, volume in the base currency", () => {
    const text = [
      site,
      siteHeader,
      "2019-10-17 01-PM,BTCUSD,8051,8056.83,8021.23,8035.88,61.25,492394.56",
      "2019-10-17 12-PM,BTCUSD,8050,8052,8049,8051,1,8051",
      "2019-10-17 01-AM,BTCUSD,8050,8052,8049,8051,2,8051",
      "2019-10-17 12-AM,BTCUSD,8050,8052,8049,8051,3,8051",
    ].join("\r\n");
    const { candles, findings } = readCandles(text);
    expect(candles.map(({ openTime }) => new Date(openTime).toISOString().slice(0, 13))).to.deep.equal([
      "2019-10-17T00",
      "2019-10-17T01",
      "2019-10-17T12",
      "2019-10-17T13",
    ]);
    expect(candles[3]).to.include({ open: 8051, high: 8056.83, low: 8021.23, close: 8035.88, volume: 61.25 });
    expect(findings).to.deep.equal([]);
  });

  const errors: { title: string; text: string; message: string }[] = [
    { title: "no candles", text: `${plainHeader}\n`, message: "there are no candles in the file" },
    { title: "an empty file", text: "", message: "there are no candles in the file" },
    {
      title: "an unknown header",
      text: "some site\ntime,open\n1,2",
      message:
        'line 2: "time,open" is not a known header; known are "open_time_ms,open,high,low,close,volume" and ' +
        'CryptoDataDownload\'s "date,symbol,open,high,low,close,volume_<base>,volume"',
    },
    {
      title: "a missing column",
      text: `${plainHeader}\n${row(0)}\n${row(1, "10,12,9,11")}`,
      message: `line 3: 5 columns instead of 6: "${row(1, "10,12,9,11")}"`,
    },
    { title: "text for a price", text: `${plainHeader}\n${row(0, "10,abc,9,11,5")}`, message: 'line 2: high "abc" is not a number' },
    { title: "nothing for a price", text: `${plainHeader}\n${row(0, "10,12,9,,5")}`, message: 'line 2: close "" is not a number' },
    { title: "a price of zero", text: `${plainHeader}\n${row(0, "0,12,9,11,5")}`, message: 'line 2: open "0" is not above zero' },
    { title: "a negative volume", text: `${plainHeader}\n${row(0, "10,12,9,11,-1")}`, message: 'line 2: volume "-1" is below zero' },
    {
      title: "seconds for milliseconds",
      text: `${plainHeader}\n1577836800,10,12,9,11,5`,
      message: 'line 2: "1577836800" is not a time in epoch milliseconds',
    },
    {
      title: "an hour that does not exist",
      text: `${siteHeader}\n2019-10-17 13-PM,BTCUSD,1,1,1,1,1,1`,
      message: 'line 2: "2019-10-17 13-PM" is not a date such as "2019-10-17 09-AM"',
    },
    {
      title: "a day that does not exist",
      text: `${siteHeader}\n2019-02-30 01-PM,BTCUSD,1,1,1,1,1,1`,
      message: 'line 2: "2019-02-30 01-PM" is not a date such as "2019-10-17 09-AM"',
    },
    {
      title: "two symbols",
      text: `${siteHeader}\n2019-10-17 01-PM,BTCUSD,1,1,1,1,1,1\n2019-10-17 12-PM,ETHUSD,1,1,1,1,1,1`,
      message: 'line 3: symbol "ETHUSD", but the rows before are of "BTCUSD"',
    },
    {
      title: "two rows that disagree about a time",
      text: `${plainHeader}\n${row(0)}\n${row(1)}\n${row(0, "10,12,9,11,6")}`,
      message: "lines 2 and 4: different values for the same time 2020-01-01T00:00:00.000Z",
    },
  ];
  for (const { title, text, message } of errors) {
    it(`refuses ${title}`, () => {
      expect(() => readCandles(text)).to.throw(Error).with.property("message", message);
    });
  }

  it("puts rows in order and reports what it found, by line", () => {
    const text = [plainHeader, row(0), row(3), row(1), row(2, "10,10.5,9,11,5"), row(3), row(4)].join("\n");
    const { candles, findings } = readCandles(text);
    expect(candles.map(({ openTime }) => (openTime - start) / hour)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(findings).to.deep.equal([
      { kind: "out of order", line: 4, openTime: start + hour },
      { kind: "out of order", line: 5, openTime: start + 2 * hour },
      { kind: "inconsistent", line: 5, openTime: start + 2 * hour },
      { kind: "duplicate", line: 6, openTime: start + 3 * hour },
    ]);
  });

  it("knows the length of an interval", () => {
    expect(["1m", "15m", "1h", "4h", "1d"].map(intervalMilliseconds)).to.deep.equal([
      60_000, 900_000, 3_600_000, 14_400_000, 86_400_000,
    ]);
    for (const interval of ["", "h", "0h", "1H", "1w", "1.5h"]) {
      const message = `Interval "${interval}" is not a count and one of m, h, d, such as "1h"`;
      expect(() => intervalMilliseconds(interval)).to.throw(RangeError, message);
    }
  });
});
