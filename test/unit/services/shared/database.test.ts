import { expect } from "chai";
import { isConnectionError, retryConnection, toDate, toEpoch } from "../../../../services/shared/database";
import { silent } from "./support";

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

describe("database connection", () => {
  const cases: [string, unknown, boolean][] = [
    ["a refused connection", withCode("ECONNREFUSED"), true],
    ["a name that is not there", withCode("ENOTFOUND"), true],
    ["a server that shuts down", withCode("57P01"), true],
    ["a server that starts", withCode("57P03"), true],
    ["a connection failure told by PostgreSQL", withCode("08006"), true],
    ["a login that is not there yet", withCode("28P01"), true],
    ["several addresses that all refuse", new AggregateError([withCode("ECONNREFUSED")]), true],
    ["a connection that ended", new Error("Connection terminated unexpectedly"), true],
    ["a pool that found no connection in time", new Error("timeout exceeded when trying to connect"), true],
    ["a unique violation", withCode("23505"), false],
    ["a missing right", withCode("42501"), false],
    ["no error at all", "ECONNREFUSED", false],
  ];
  for (const [title, error, expected] of cases) {
    it(`${expected ? "tries again after" : "gives up on"} ${title}`, () => {
      expect(isConnectionError(error)).to.equal(expected);
    });
  }

  it("repeats an operation until the database is there", async () => {
    let attempts = 0;
    const result = await retryConnection(
      "read",
      async () => {
        if (++attempts < 2) throw withCode("ECONNREFUSED");
        return "read";
      },
      { log: silent },
    );
    expect([result, attempts]).to.deep.equal(["read", 2]);
  });

  it("throws other errors at once", async () => {
    let attempts = 0;
    const failure = withCode("23505");
    const error = await retryConnection(
      "write",
      async () => {
        attempts++;
        throw failure;
      },
      { log: silent },
    ).catch((caught: unknown) => caught);
    expect([error, attempts]).to.deep.equal([failure, 1]);
  });

  it("stops waiting when it is told to", async () => {
    const controller = new AbortController();
    const waiting = retryConnection("read", () => Promise.reject(withCode("ECONNREFUSED")), { log: silent, signal: controller.signal });
    controller.abort(new Error("stopping"));
    const error = await waiting.catch((caught: unknown) => caught);
    expect((error as Error).message).to.equal("stopping");
  });

  it("turns times into dates and back", () => {
    const time = Date.UTC(2024, 0, 1);
    expect(toEpoch(toDate(time))).to.equal(time);
    expect(toEpoch(null)).to.equal(null);
  });
});
