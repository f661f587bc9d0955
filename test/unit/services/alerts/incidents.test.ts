import { expect } from "chai";
import fc from "fast-check";
import { book as bookSchema, emptyBook, type Book, type Incident } from "../../../../services/shared/alerts/book";
import { bounded, deliverable, delivered, reconcile, repeat, repeatIn } from "../../../../services/shared/alerts/incidents";
import { noticeOf, type Notice } from "../../../../services/shared/alerts/notice";
import { alarm, minute } from "./support";

const now = Date.parse("2026-03-01T12:00:00Z");
const from = { stack: "paper", sender: "backup" };

function incident(more: Partial<Incident> = {}): Incident {
  return { id: "a", ...alarm("archive"), since: now, resolvedAt: null, told: { at: now, severity: "warning" }, count: 1, waiting: null, ...more };
}

describe("incidents", () => {
  for (const [name, given, elapsed, expected] of [
    ["lasts, told just now", incident(), 0, 60 * minute],
    ["lasts, told a while ago", incident(), 45 * minute, 15 * minute],
    ["is due", incident(), 60 * minute, 0],
    ["is overdue", incident(), 600 * minute, 0],
    ["was never told", incident({ told: null }), 600 * minute, null],
    ["waits for the receiver", incident({ waiting: { state: "repeated", number: 2, at: now } }), 600 * minute, null],
    ["is over", incident({ resolvedAt: now }), 600 * minute, null],
    ["became critical", incident({ severity: "critical" }), 0, 0],
    ["was critical before", incident({ severity: "critical", told: { at: now, severity: "critical" } }), 0, 60 * minute],
    ["is less bad by now", incident({ told: { at: now, severity: "critical" } }), 0, 60 * minute],
  ] as const) {
    it(`repeats one that ${name} ${expected === null ? "not now" : `in ${expected / minute} minutes`}`, () => {
      expect(repeatIn(given, elapsed, 60 * minute)).to.equal(expected);
    });
  }

  it("remembers that the receiver heard of the worst", () => {
    const sent = incident({ told: { at: now, severity: "critical" }, count: 3, waiting: { state: "repeated", number: 3, at: now } });
    const [told] = delivered({ ...emptyBook, incidents: [sent] }, sent, now + minute).incidents;
    expect(told).to.deep.include({ waiting: null, told: { at: now + minute, severity: "critical" } });
  });

  it("leaves the book as it is when nothing changed", () => {
    const { book } = reconcile(emptyBook, [alarm("archive")], now, () => "a");
    expect(reconcile(book, [alarm("archive")], now + 1, () => "b").book).to.equal(book);
    expect(repeat(book, new Set(), now)).to.equal(book);
    expect(bounded(book, 0).book).to.equal(book);
  });

  it("keeps a text within bounds", () => {
    const { book } = reconcile(emptyBook, [alarm("archive", { text: "x".repeat(100_000) })], now, () => "a");
    expect(book.incidents[0]!.text).to.have.length(4000);
  });

  it("tells of each incident, in order, each notice under its own id, whatever happens when", () => {
    const keys = ["a", "b", "c"];
    const step = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), active: fc.subarray(keys) }),
      // Something may change while a delivery goes on; it arrives, or not, or arrives and the answer is lost.
      fc.record({ kind: fc.constant("send" as const), fate: fc.constantFrom("taken", "lost", "unanswered"), pick: fc.nat(), meanwhile: fc.option(fc.subarray(keys), { nil: null }) }),
      fc.record({ kind: fc.constant("repeat" as const) }),
      // The process is killed and reads its file.
      fc.record({ kind: fc.constant("restart" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let book: Book = emptyBook;
        let time = now;
        let ids = 0;
        const arrived: Notice[] = [];
        const raised = new Map<string, string>();
        const set = (active: readonly string[]): void => {
          const result = reconcile(book, active.map((key) => alarm(key, { text: `${key} at ${time}` })), time, () => `i${ids++}`);
          for (const { id, key } of result.raised) raised.set(id, key);
          book = result.book;
        };
        for (const each of [...steps, { kind: "set" as const, active: [] }]) {
          time += minute;
          if (each.kind === "set") set(each.active);
          if (each.kind === "repeat") book = repeat(book, new Set(book.incidents.filter((one) => repeatIn(one, 60 * minute, 60 * minute) === 0).map(({ id }) => id)), time);
          if (each.kind === "restart") book = bookSchema.parse(JSON.parse(JSON.stringify(book)));
          if (each.kind !== "send") continue;
          const possible = deliverable(book);
          const sent = possible[each.pick % Math.max(1, possible.length)];
          if (sent === undefined) continue;
          const notice = noticeOf(sent, from);
          if (each.meanwhile !== null) set(each.meanwhile);
          if (each.fate !== "lost") arrived.push(notice);
          if (each.fate === "taken") book = delivered(book, sent, time);
        }
        // The receiver is back for good.
        for (let sent = deliverable(book)[0]; sent !== undefined; sent = deliverable(book)[0]) {
          arrived.push(noticeOf(sent, from));
          book = delivered(book, sent, time);
        }
        expect(book.incidents).to.deep.equal([]);

        const ends = new Map<string, number>();
        const last = new Map<string, Notice>();
        arrived.forEach((notice, index) => {
          const before = last.get(notice.incident);
          if (before === undefined) expect(notice.announced).to.equal(false);
          else expect(notice.count).to.be.at.least(before.count);
          if (before?.count === notice.count) expect(notice).to.include({ id: before.id, state: before.state });
          last.set(notice.incident, notice);
          if (notice.state === "resolved") ends.set(notice.incident, index);
        });
        // Every incident is told of, and ends; the next one of its key begins after that.
        expect([...last.keys()].sort()).to.deep.equal([...raised.keys()].sort());
        expect([...ends.keys()].sort()).to.deep.equal([...raised.keys()].sort());
        for (const key of keys) {
          const order = arrived.filter((notice) => notice.key === key).map(({ incident: id }) => Number(id.slice(1)));
          expect(order).to.deep.equal([...order].sort((one, other) => one - other));
        }
      }),
      { numRuns: 500 },
    );
  });
});
