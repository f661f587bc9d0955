import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { loadSettings, parseSettings, readSecret, SettingsError } from "../../../../services/shared/settings";

const schema = z.strictObject({
  source: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("synthetic"), seed: z.int().min(0) }),
    z.strictObject({ kind: z.literal("recording"), file: z.string().min(1) }),
  ]),
  symbols: z.array(z.string().regex(/^[A-Z]+$/, "capital letters")).min(1),
  limits: z.strictObject({ share: z.number().positive().max(1).default(1) }).prefault({}),
  level: z.enum(["low", "high"]).default("low"),
  speed: z.union([z.number().positive(), z.literal("maximum")]).default(1),
});

const good = { source: { kind: "synthetic", seed: 1 }, symbols: ["BTC"] };

const environment = {
  TRADING_STACK: "paper",
  TRADING_MODE: "paper",
  DATABASE_HOST: "timescaledb",
  DATABASE_PORT: "5432",
  DATABASE_NAME: "trading",
  DATABASE_USER: "livefeed",
  SETTINGS: JSON.stringify(good),
};

describe("settings of a service", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "settings-"));
    writeFileSync(join(folder, "database-password"), "secret word\n");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const messageOf = (env: NodeJS.ProcessEnv): string => {
    try {
      loadSettings(schema, env, folder);
    } catch (error) {
      expect(error).to.be.instanceOf(SettingsError);
      return (error as Error).message;
    }
    throw new Error("the settings were accepted");
  };

  it("are read from environment, SETTINGS and secret file, with defaults filled in", () => {
    expect(loadSettings(schema, environment, folder)).to.deep.equal({
      stack: "paper",
      mode: "paper",
      logLevel: "info",
      database: { host: "timescaledb", port: 5432, name: "trading", user: "livefeed", password: "secret word" },
      settings: { ...good, limits: { share: 1 }, level: "low", speed: 1 },
    });
  });

  const cases: { title: string; value: unknown; problems: string[] }[] = [
    { title: "a wrong member of an enumeration", value: { ...good, level: "mid" }, problems: ['SETTINGS.level: "mid" - allowed: "low", "high"'] },
    {
      title: "an unknown key, with the known ones of its place",
      value: { ...good, source: { kind: "recording", file: "a", seed: 2 } },
      problems: ["SETTINGS.source.seed: unknown key (2) - allowed: kind, file"],
    },
    {
      title: "an unknown key in an object with a default",
      value: { ...good, limits: { shares: 1 } },
      problems: ["SETTINGS.limits.shares: unknown key (1) - allowed: share"],
    },
    {
      title: "a wrong discriminator",
      value: { ...good, source: { kind: "live" } },
      problems: ['SETTINGS.source.kind: "live" - allowed: "synthetic", "recording"'],
    },
    { title: "a missing key", value: { symbols: ["BTC"] }, problems: ["SETTINGS.source: missing - allowed: a value of type object"] },
    { title: "an entry of a list", value: { ...good, symbols: ["BTC", "eth"] }, problems: ['SETTINGS.symbols[1]: "eth" - allowed: capital letters'] },
    { title: "an empty list", value: { ...good, symbols: [] }, problems: ["SETTINGS.symbols: [] - allowed: at least 1 entries"] },
    { title: "a number out of bounds", value: { ...good, limits: { share: 0 } }, problems: ["SETTINGS.limits.share: 0 - allowed: more than 0"] },
    { title: "a number above its bound", value: { ...good, limits: { share: 2 } }, problems: ["SETTINGS.limits.share: 2 - allowed: at most 1"] },
    {
      title: "a fraction for a whole number",
      value: { ...good, source: { kind: "synthetic", seed: 0.5 } },
      problems: ["SETTINGS.source.seed: 0.5 - allowed: a whole number"],
    },
    {
      title: "what no branch of a union takes",
      value: { ...good, speed: "fast" },
      problems: ['SETTINGS.speed: "fast" - allowed: a value of type number or "maximum"'],
    },
    {
      title: "several at once",
      value: { source: { kind: "synthetic", seed: -1 }, symbols: 5, extra: true },
      problems: [
        "SETTINGS.source.seed: -1 - allowed: at least 0",
        "SETTINGS.symbols: 5 - allowed: a value of type array",
        "SETTINGS.extra: unknown key (true) - allowed: source, symbols, limits, level, speed",
      ],
    },
  ];
  for (const { title, value, problems } of cases) {
    it(`name ${title}`, () => {
      expect(parseSettings(schema, JSON.stringify(value))).to.deep.equal({ problems });
    });
  }

  it("say that SETTINGS is missing", () => {
    expect(parseSettings(schema, undefined)).to.deep.equal({ problems: ["SETTINGS: missing - allowed: a JSON object"] });
  });

  it("say that SETTINGS is no JSON", () => {
    const result = parseSettings(schema, "{");
    expect("problems" in result && result.problems[0]).to.match(/^SETTINGS: no valid JSON \(.*\) - allowed: a JSON object$/);
  });

  it("list problems of environment, SETTINGS and secret in one message", () => {
    rmSync(join(folder, "database-password"));
    const { DATABASE_USER: _user, ...rest } = environment;
    const message = messageOf({ ...rest, TRADING_MODE: "demo", DATABASE_PORT: "0", SETTINGS: JSON.stringify({ ...good, level: 1 }) });
    expect(message.split("\n")).to.deep.equal([
      "the settings are wrong:",
      '  TRADING_MODE: "demo" - allowed: "paper", "live"',
      '  DATABASE_PORT: "0" - allowed: a port number',
      "  DATABASE_USER: missing - allowed: a value of type string",
      '  SETTINGS.level: 1 - allowed: "low", "high"',
      `  secret file ${join(folder, "database-password")} cannot be read: ENOENT`,
    ]);
  });

  it("refuse an empty secret", () => {
    writeFileSync(join(folder, "token"), "\n");
    expect(() => readSecret("token", folder)).to.throw(SettingsError, `secret file ${join(folder, "token")} is empty`);
  });

  it("take exactly one line end from a secret", () => {
    writeFileSync(join(folder, "token"), " a b \r\n");
    expect(readSecret("token", folder)).to.equal(" a b ");
  });
});
