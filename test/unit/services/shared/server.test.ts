import { expect } from "chai";
import { createServer, type Readiness } from "../../../../services/shared/server";
import { silent } from "./support";

describe("service endpoints", () => {
  const make = (readiness: () => Readiness | Promise<Readiness>) => createServer({ log: silent, readiness });

  const cases: { title: string; readiness: () => Readiness | Promise<Readiness>; code: number; body: Readiness }[] = [
    { title: "ready", readiness: () => ({ ready: true, reason: "bars are worked" }), code: 200, body: { ready: true, reason: "bars are worked" } },
    { title: "not ready", readiness: async () => ({ ready: false, reason: "no database" }), code: 503, body: { ready: false, reason: "no database" } },
    {
      title: "not ready when the question fails",
      readiness: () => {
        throw new Error("broken");
      },
      code: 503,
      body: { ready: false, reason: "broken" },
    },
  ];
  for (const { title, readiness, code, body } of cases) {
    it(`/readyz says ${title}`, async () => {
      const { app } = make(readiness);
      const response = await app.inject("/readyz");
      expect(response.statusCode).to.equal(code);
      expect(response.json()).to.deep.equal(body);
    });
  }

  it("/livez answers whatever readiness says", async () => {
    const response = await make(() => ({ ready: false, reason: "" })).app.inject("/livez");
    expect([response.statusCode, response.json()]).to.deep.equal([200, { alive: true }]);
  });

  it("/metrics shows the process", async () => {
    const response = await make(() => ({ ready: true, reason: "" })).app.inject("/metrics");
    expect(response.headers["content-type"]).to.match(/^text\/plain/);
    expect(response.body).to.include("process_resident_memory_bytes");
  });

  it("hides what went wrong inside and tells what the caller did wrong", async () => {
    const { app } = make(() => ({ ready: true, reason: "" }));
    app.get("/broken", () => {
      throw new Error("password=1");
    });
    app.post("/body", () => "ok");
    expect((await app.inject("/broken")).json()).to.deep.equal({ error: "internal error" });
    const wrong = await app.inject({ method: "POST", url: "/body", headers: { "content-type": "application/json" }, payload: "{" });
    expect(wrong.statusCode).to.equal(400);
    expect(wrong.json()).to.have.property("error");
    expect((await app.inject("/nowhere")).json()).to.deep.equal({ error: "not found" });
  });
});
