import { expect } from "chai";
import { differencesOf, mismatchesOf } from "../../../../services/broker/books";
import type { Books } from "../../../../services/broker/reconcileQuery";
import type { Standing } from "../../../../services/broker/venue";

const flat: Books = {
  ...{ intended: 3, sent: 2, rejected: 1, filled: 2, cancelled: 0, open: 0, undecided: null, misfilled: null },
  ...{ filledQuantity: 0, quantity: 0, workingStops: 0, stopFits: false, filledCash: 10_100.5, cash: 10_100.5, fills: 2 },
};
const holding: Books = { ...flat, filledQuantity: 0.5, quantity: 0.5, workingStops: 1, stopFits: true };

const cases: [string, Books, string[]][] = [
  ["a flat account that fits", flat, []],
  ["a position that fits", holding, []],
  ["cash that differs by rounding", { ...flat, cash: 10_100.50000003 }, []],
  ["intents that were never sent", { ...flat, intended: 50 }, []],
  ["an order without a decision", { ...flat, undecided: "x-1-enter" }, ["no decision of the same content stands behind order x-1-enter"]],
  ["a filled order without a fill", { ...flat, misfilled: "x-1-enter" }, ["the fills of order x-1-enter are not what its status says"]],
  [
    "fills that make another position",
    { ...holding, filledQuantity: 0.4 },
    ["the fills make a position of 0.4, the account holds 0.5"],
  ],
  ["a position without a stop", { ...holding, workingStops: 0, stopFits: false }, ["0 stops work for an open position"]],
  ["a position with two stops", { ...holding, workingStops: 2 }, ["2 stops work for an open position"]],
  ["a stop of another size", { ...holding, stopFits: false }, ["the working stop is not that of the position"]],
  ["a stop without a position", { ...flat, workingStops: 1 }, ["1 stops work without a position"]],
  ["cash that is missing", { ...flat, cash: 10_100.4 }, ["the fills make a cash of 10100.5, the account holds 10100.4"]],
  ["cash that is no number", { ...flat, cash: Number.NaN }, ["the fills make a cash of 10100.5, the account holds NaN"]],
  [
    "everything at once",
    { ...holding, undecided: "u", misfilled: "m", quantity: 1, stopFits: false, cash: 0 },
    [
      "no decision of the same content stands behind order u",
      "the fills of order m are not what its status says",
      "the fills make a position of 0.5, the account holds 1",
      "the working stop is not that of the position",
      "the fills make a cash of 10100.5, the account holds 0",
    ],
  ],
];

const own: Standing = { openOrders: ["a", "b"], quantity: 1 };
const standings: [string, Standing, string[]][] = [
  ["the same, in any order", { openOrders: ["b", "a"], quantity: 1 }, []],
  ["another position", { ...own, quantity: 0 }, ["the venue holds a position of 0, the account 1"]],
  ["an order too many", { ...own, openOrders: ["a", "b", "c"] }, ["the venue has an open order c that is not in the database"]],
  ["an order too few", { ...own, openOrders: ["a"] }, ["the venue does not have the open order b"]],
];

describe("a bot's books", () => {
  for (const [name, books, expected] of cases) it(name, () => expect(mismatchesOf(books)).to.deep.equal(expected));

  for (const [name, venue, expected] of standings) {
    it(`the venue has ${name}`, () => expect(differencesOf(own, venue)).to.deep.equal(expected));
  }
});
