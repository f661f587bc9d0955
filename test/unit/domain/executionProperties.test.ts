import { expect } from "chai";
import fc from "fast-check";
import { applyIntent, defaultExecution, gridsOf, processBar } from "../../../domain/execution";
import { money } from "../../../domain/decimals";
import { openAccount, workingStop, type Intent, type Order, type Trade } from "../../../domain/orders";
import { RandomMarket } from "../../../domain/randomMarket";

const startingCash = 10_000;
const grids = gridsOf(defaultExecution);

/** A bot that acts at random: an action, a distance of the stop as a fraction, and a part of the cash. */
const action = fc.tuple(
  fc.constantFrom("enter", "enter", "exit", "moveStop", "hold", "hold", "hold"),
  fc.double({ min: 0.0005, max: 0.03, noNaN: true }),
  fc.double({ min: 0.01, max: 1.5, noNaN: true }),
);

function intentOf([kind, distance, part]: [string, number, number], close: number, cash: number): Intent | null {
  const stopPrice = grids.price.down(close * (1 - distance));
  switch (kind) {
    case "enter":
      return { action: "enter", quantity: grids.quantity.down((part * cash) / close), stopPrice };
    case "exit":
      return { action: "exit" };
    case "moveStop":
      return { action: "moveStop", stopPrice };
    default:
      return null;
  }
}

describe("execution, whatever a bot does", () => {
  it("keeps the books: no money appears or vanishes, nothing goes negative, no stop falls, every order ends once", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(action, { minLength: 30, maxLength: 150 }), (seed, actions) => {
        const market = new RandomMarket({ seed, symbol: "TEST", startTime: 0 });
        let account = openAccount(startingCash);
        const orders = new Map<string, Order>();
        const trades: Trade[] = [];
        actions.forEach((choice, index) => {
          const candle = market.candle(index);
          const before = account;
          const result = processBar(account, candle, { interval: 3_600_000 });
          account = result.account;
          trades.push(...result.trades);
          for (const order of result.orderUpdates) {
            expect(["accepted", "working", undefined]).to.include(orders.get(order.clientOrderId)?.status);
            orders.set(order.clientOrderId, order);
          }

          const { cash, position } = account;
          const profits = trades.reduce((sum, trade) => money.nearest(sum + trade.profit), 0);
          const cost = position === null ? 0 : position.quantity * position.entryPrice + position.entryFee;
          expect(cash).to.equal(money.nearest(startingCash + profits - cost));
          expect(cash).to.be.at.least(0);
          expect(result.equity).to.equal(money.nearest(cash + (position?.quantity ?? 0) * candle.close));
          expect(position === null || position.quantity > 0).to.equal(true);

          const stop = workingStop(account);
          expect(stop !== undefined).to.equal(position !== null);
          expect(stop?.quantity).to.equal(position?.quantity);
          expect(account.orders).to.have.length(position === null ? 0 : 1);
          if (before.position !== null && position?.entryBar === before.position.entryBar) {
            expect(stop!.stopPrice).to.be.at.least(workingStop(before)!.stopPrice!);
          }

          const intent = intentOf(choice, candle.close, cash);
          if (intent !== null) {
            const applied = applyIntent(account, intent, { clientOrderId: `o${index}`, bar: candle.openTime, referencePrice: candle.close });
            expect(applied.order.status === "rejected").to.equal(applied.account === account);
            orders.set(applied.order.clientOrderId, applied.order);
            account = applied.account;
          }
        });
        const open = [...orders.values()].filter(({ status }) => status === "accepted" || status === "working");
        expect(open).to.deep.equal(account.orders);
      }),
      { numRuns: 50 },
    );
  });
});
