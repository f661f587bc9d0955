import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { FeedConfiguration } from "../config/schema";
import { FilledVolume } from "./FilledVolume";
import { ownService, SERVICE_USER, type OwnServiceArgs } from "./OwnService";

export interface LiveFeedArgs extends OwnServiceArgs {
  readonly feed: FeedConfiguration;
  readonly symbols: readonly string[];
  readonly interval: string;
  /** Folder of the project, from which a recording is named. */
  readonly root: string;
}

/** What the livefeed program is told of its source. */
export function feedSettings(feed: FeedConfiguration, symbols: readonly string[], interval: string): object {
  return { source: sourceSettings(feed), symbols, interval, warmupBars: feed.warmupBars, speed: "speed" in feed ? feed.speed : 1, quality: feed.quality };
}

function sourceSettings(feed: FeedConfiguration): object {
  switch (feed.source) {
    case "synthetic":
      return { kind: "synthetic", seed: feed.seed, startTime: feed.startTime, faults: "faults" in feed ? feed.faults : [] };
    case "recording":
      return { kind: "recording", file: fileNameOf(feed.file), symbol: feed.symbol };
    case "exchange":
      return { kind: "exchange", exchange: feed.exchange, ...(feed.address === undefined ? {} : { address: feed.address }) };
    case "external":
      return { kind: "external", address: feed.address };
  }
}

/** Docker Desktop knows the machine's own name by itself, other Engines have to be told. */
function hostsOf(feed: FeedConfiguration): { hosts?: Record<string, string> } {
  const machine = "host.docker.internal";
  return feed.source === "external" && new URL(feed.address).hostname === machine ? { hosts: { [machine]: "host-gateway" } } : {};
}

function fileNameOf(file: string): string {
  return path.posix.basename(file.replaceAll("\\", "/"));
}

/** The program that takes candles from a source, judges them, stores them and hands out the feed lease. */
export class LiveFeed extends pulumi.ComponentResource {
  static readonly type = "trading:market:LiveFeed";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: LiveFeedArgs, options?: pulumi.ComponentResourceOptions) {
    super(LiveFeed.type, name, {}, options);
    const { context, feed } = args;
    const after = [...args.after];
    const volumes = [];
    if (feed.source === "recording") {
      const volumeName = context.names.volume("recording");
      const recording = new FilledVolume(
        `${name}-recording`,
        { context, volumeName, service: "livefeed", user: SERVICE_USER, files: { [fileNameOf(feed.file)]: readRecording(args.root, feed.file) }, secret: false, baseImage: args.baseImage },
        { parent: this },
      );
      after.push(recording.filled);
      volumes.push({ volume: volumeName, path: "/recording", readOnly: true });
    }
    const container = ownService(this, name, { ...args, after }, {
      service: "livefeed",
      databaseRole: "livefeed",
      settings: feedSettings(feed, args.symbols, args.interval),
      specification: { volumes, ...hostsOf(feed) },
    });
    this.ready = container.ready;
    this.registerOutputs({});
  }
}

function readRecording(root: string, file: string): Uint8Array {
  try {
    return fs.readFileSync(path.resolve(root, file));
  } catch (error) {
    throw new Error(`trading:feed.file = "${file}" cannot be read (${(error as NodeJS.ErrnoException).code}); allowed: a CSV or CSV.gz file, relative to the project's folder`);
  }
}
