import type { FindingKind } from "../../../../domain/feedQuality";
import { Feed } from "../../../../services/feed/feed";
import type { MarketJudge } from "../../../../services/feed/judge";
import { Running } from "../../../../services/feed/running";
import { silent } from "../shared/support";
import { FakeSource, Simulation } from "./simulation";
import { hour, judgeAndBook, MemoryDatabase, settingsOf, start } from "./support";

export interface RunningService {
  readonly feed: Feed;
  readonly driver: Running;
  readonly judge: MarketJudge;
  readonly running: Promise<void>;
  readonly controller: AbortController;
}

/** The simulation begins ten minutes after this hour; the candle of the hour before is the newest closed one. */
export const present = 400;

/** A feed of a running market, its source and its database, in simulated time. */
export class RunningRig {
  readonly simulation = new Simulation();
  readonly source = new FakeSource(this.simulation);
  database = new MemoryDatabase();
  /** Simulated milliseconds that the question for trades takes. */
  questionMilliseconds = 0;
  private readonly services: RunningService[] = [];
  private readonly settings = settingsOf({ source: { kind: "exchange", exchange: "binance" }, warmupBars: 50, speed: 1 });

  /** Starts a feed and lets the first seconds pass. */
  async start(mode: "paper" | "live" = "paper"): Promise<RunningService> {
    const { settings, source, database, simulation } = this;
    const controller = new AbortController();
    const { signal } = controller;
    const { clocks, wait } = simulation;
    const { judge, book } = judgeAndBook(settings, database, signal, mode);
    const reader = {
      candles: async () => (await database.stored("")).slice(),
      wasTraded: async (name: string, openTime: number) => {
        if (this.questionMilliseconds > 0) await wait(this.questionMilliseconds, signal);
        return database.wasTraded(name, openTime);
      },
    };
    const driver = new Running({ settings, source, judges: [judge], book, store: database, reader, clocks, wait, log: silent, signal });
    const feed = new Feed({ driver, judges: [judge], book, log: silent, signal });
    const running = feed.run();
    running.catch(() => undefined);
    const service = { feed, driver, judge, running, controller };
    this.services.push(service);
    await simulation.pass(2000);
    return service;
  }

  async stop({ controller, running }: RunningService): Promise<void> {
    controller.abort();
    await running.catch(() => undefined);
  }

  async end(): Promise<void> {
    await Promise.all(this.services.map((service) => this.stop(service)));
  }

  /** Hours after the start at which the written candles opened. */
  get hours(): number[] {
    return this.database.table.map(({ hours }) => hours);
  }

  get kinds(): FindingKind[] {
    return [...this.database.findings.values()].map(({ kind }) => kind);
  }

  /** Lets time pass until so many milliseconds after the hour at which a candle closes. */
  passTo(hoursAfterStart: number, milliseconds: number): Promise<void> {
    return this.simulation.pass(start + hoursAfterStart * hour + milliseconds - this.simulation.world);
  }
}

export const rangeOf = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
