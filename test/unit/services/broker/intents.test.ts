import { expect } from "chai";
import type { Intent, Order } from "../../../../domain/orders";
import { claimedId, isSameIntent, isSameOrder, parseDecidedIntent, parseIntent } from "../../../../services/broker/intents";

const owner = { stack: "paper", bot: "refstrat01" };
const bar = 1_500_000_000_000;
const enter = { clientOrderId: "paper-refstrat01-1500000000-enter", bar, action: "enter", quantity: 0.5, stopPrice: 2000 };
const exit = { clientOrderId: "paper-refstrat01-1500000000-exit", bar, action: "exit" };
const moveStop = { clientOrderId: "paper-refstrat01-1500000000-moveStop", bar, action: "moveStop", stopPrice: 2100 };

describe("intents", () => {
  for (const body of [enter, exit, moveStop]) {
    it(`takes ${body.action}`, () => {
      const { clientOrderId, bar: at, ...intent } = body;
      expect(parseIntent(body, owner)).to.deep.equal({ request: { clientOrderId, bar: at, intent } });
    });
  }

  const refused: [string, unknown, string][] = [
    ["null", null, "the body must be a JSON object"],
    ["a list", [enter], "the body must be a JSON object"],
    ["an unknown action", { ...enter, action: "short" }, "action: must be enter, exit or moveStop"],
    ["no action", { ...enter, action: undefined }, "action: must be enter, exit or moveStop"],
    ["a negative quantity", { ...enter, quantity: -0.5 }, "quantity: must be a positive number"],
    ["zero", { ...enter, quantity: 0 }, "quantity: must be a positive number"],
    ["NaN", { ...enter, quantity: Number.NaN }, "quantity: must be a positive number"],
    ["an endless quantity", { ...enter, quantity: Number.POSITIVE_INFINITY }, "quantity: must be a positive number"],
    ["a quantity as text", { ...enter, quantity: "0.5" }, "quantity: must be a positive number"],
    ["a quantity out of this world", { ...enter, quantity: 1e300 }, "quantity: must be at most 1000000000000"],
    ["an entry without a stop", { ...enter, stopPrice: undefined }, "stopPrice: must be a positive number"],
    ["a stop of an exit", { ...exit, stopPrice: 1 }, 'unknown key "stopPrice"'],
    ["an unknown key", { ...moveStop, leverage: 10 }, 'unknown key "leverage"'],
    ["a bar as a date", { ...exit, bar: "2017-07-14" }, "bar: must be an open time in epoch milliseconds"],
    ["half a bar", { ...exit, bar: 0.5 }, "bar: must be an open time in epoch milliseconds"],
    ["a bar after the end of time", { ...exit, bar: 9e15 }, "bar: must be an open time in epoch milliseconds"],
    [
      "everything wrong at once",
      { ...enter, quantity: -1, stopPrice: null, side: "buy" },
      'quantity: must be a positive number; stopPrice: must be a positive number; unknown key "side"',
    ],
    [
      "another bot's id",
      { ...exit, clientOrderId: "paper-other-1500000000-exit" },
      'clientOrderId: "paper-other-1500000000-exit" is not the id of this intent, "paper-refstrat01-1500000000-exit"',
    ],
    [
      "an id of its own making",
      { ...exit, clientOrderId: "mine" },
      'clientOrderId: "mine" is not the id of this intent, "paper-refstrat01-1500000000-exit"',
    ],
    ["no id", { ...exit, clientOrderId: undefined }, "clientOrderId: must be text"],
  ];
  for (const [name, body, reason] of refused) {
    it(`refuses ${name}`, () => expect(parseIntent(body, owner)).to.deep.equal({ reason }));
  }

  const order: Order = {
    ...{ clientOrderId: enter.clientOrderId, bar, action: "enter", side: "buy", type: "market", quantity: 0.5 },
    ...{ sizeLimit: null, stopPrice: 2000, referencePrice: 2050, status: "filled", reason: "reduced to what cash can pay" },
  };
  const same: [string, Partial<Order>, object, boolean][] = [
    ["the same entry, filled by now", {}, enter, true],
    ["an entry of another quantity", {}, { ...enter, quantity: 0.6 }, false],
    ["an entry with another stop", {}, { ...enter, stopPrice: 1999 }, false],
    ["an order of another bar", { bar: bar + 1000 }, enter, false],
    ["an exit, whatever its quantity", { action: "exit", stopPrice: null, quantity: 3 }, exit, true],
    ["a moved stop", { action: "moveStop", stopPrice: 2100 }, moveStop, true],
    ["a stop moved elsewhere", { action: "moveStop", stopPrice: 2101 }, moveStop, false],
    ["another action", { action: "moveStop", stopPrice: 2000 }, enter, false],
  ];
  for (const [name, change, body, expected] of same) {
    it(`compares ${name}`, () => {
      const parsed = parseIntent(body, owner);
      if ("reason" in parsed) throw new Error(parsed.reason);
      expect(isSameOrder({ ...order, ...change }, parsed.request)).to.equal(expected);
    });
  }

  const decided: [string, unknown, boolean][] = [
    ["an entry", { action: "enter", quantity: 0.5, stopPrice: 2000 }, true],
    ["an exit", { action: "exit" }, true],
    ["nothing", null, false],
    ["text where a number should be", { action: "enter", quantity: "0.5", stopPrice: 2000 }, false],
    ["a number that no double holds", { action: "enter", quantity: Number.POSITIVE_INFINITY, stopPrice: 2000 }, false],
    ["more than an intent", { action: "exit", note: "x" }, false],
    ["a list", [1], false],
  ];
  for (const [name, value, known] of decided) {
    it(`reads ${name} from a decision`, () => expect(parseDecidedIntent(value)).to.deep.equal(known ? value : null));
  }

  const one = { action: "enter", quantity: 0.5, stopPrice: 2000 } as const;
  const pairs: [string, Intent, Intent, boolean][] = [
    ["the same entry", one, { ...one }, true],
    ["another quantity", one, { ...one, quantity: 0.6 }, false],
    ["another stop", one, { ...one, stopPrice: 1999 }, false],
    ["an exit and an entry", { action: "exit" }, one, false],
    ["two exits", { action: "exit" }, { action: "exit" }, true],
    ["a moved stop and an entry with the same stop", { action: "moveStop", stopPrice: 2000 }, one, false],
    ["the same moved stop", { action: "moveStop", stopPrice: 2000 }, { action: "moveStop", stopPrice: 2000 }, true],
  ];
  for (const [name, first, second, expected] of pairs) {
    it(`compares the contents of ${name}`, () => {
      expect(isSameIntent(first, second)).to.equal(expected);
      expect(isSameIntent(second, first)).to.equal(expected);
    });
  }

  const claims: [string, unknown, string | null][] = [
    ["an id", { clientOrderId: "a" }, "a"],
    ["a long id", { clientOrderId: "a".repeat(500) }, "a".repeat(120)],
    ["a number", { clientOrderId: 1 }, null],
    ["no object", "text", null],
    ["null", null, null],
  ];
  for (const [name, body, id] of claims) {
    it(`reads the id of what was refused: ${name}`, () => expect(claimedId(body)).to.equal(id));
  }
});
