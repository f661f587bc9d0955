import { expect } from "chai";
import * as fs from "node:fs";
import { LABELS } from "../../../../config/names";
import { driftOf, type DriftFacts } from "../../../../operations/drift/compare";
import { driftText, excerpts } from "../../../../operations/drift/text";
import { haltOf, makeClone, OWNER } from "../support";
import { deployed, deployedContainer, deployedNetwork, factsOf, imageId, imageOf, inspected, noHalts, otherImage, running, runningNetwork, runningVolume, secretsVolume, stranger } from "./world";

const alone = [runningNetwork({ Containers: {} as never })];

describe("drift of a stack", () => {
  let root: string;
  beforeEach(() => (root = makeClone()));
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const told = (change: Partial<DriftFacts> = {}) => driftOf(factsOf(change)).differences.map(({ kind, name, property, declared, running }) => `${kind} ${name.replace(/^trading-paper-?/, "")} ${property}: ${declared ?? "-"} -> ${running ?? "-"}`);
  const stopped = { State: { Status: "exited", Running: false, ExitCode: 0 } } as never;
  const botIs = (state: object) => running({ containers: [inspected("broker"), { ...inspected("bot-refstrat01"), ...state }] });
  const halts = (change: Parameters<typeof haltOf>[0]) => ({ ...noHalts, halts: [haltOf(change)] });

  it("is none right after it was deployed, and says what was compared", () => {
    const report = driftOf(factsOf());
    expect(report).to.deep.equal({
      ...{ stack: "paper", deployedAt: "2024-03-01T10:00:00Z", checkedAt: "2024-03-01T12:00:00.000Z", differences: [], notLookedAt: [] },
      compared: { containers: 2, volumes: 1, networks: 1, images: 1, files: 0 },
    });
    expect(driftText(report)).to.equal("Stack paper is as it was deployed (2024-03-01 10:00 UTC): 2 containers, 1 volume, 1 network, 1 image.\n");
  });

  const cases: readonly (readonly [what: string, change: Partial<DriftFacts>, expected: readonly string[]])[] = [
    ["a container that is gone", { running: running({ containers: [inspected("broker")] }) }, ["container bot-refstrat01 existence: there -> -"]],
    ["a container by another name", { running: running({ containers: [inspected("broker"), { ...inspected("bot-refstrat01"), Name: "/mine" }] }) }, ["container bot-refstrat01 name: trading-paper-bot-refstrat01 -> mine"]],
    ["a container with the stack's label that nobody declared", { running: running({ containers: [...running().containers, stranger("mine")] }) }, ["container mine existence: - -> running, image sha256:111111111111"]],
    ["a tool of another clone", { running: running({ containers: [...running().containers, stranger("tool", { [LABELS.stack]: "paper", [LABELS.owner]: "c2", [LABELS.service]: "tool-points" })] }) }, ["container tool existence: - -> running, image sha256:111111111111"]],

    ["a volume that is gone", { running: running({ volumes: [] }) }, ["volume secrets-broker existence: there -> -"]],
    ["a volume without its labels", { running: running({ volumes: [runningVolume({ Labels: null as never })] }) }, ["volume secrets-broker label trading.owner: c1 -> -", "volume secrets-broker label trading.service: broker -> -", "volume secrets-broker label trading.stack: paper -> -"]],
    ["a volume of another driver, with options", { running: running({ volumes: [runningVolume({ Driver: "nfs", Options: { device: ":/x" } })] }) }, ["volume secrets-broker driver: local -> nfs", "volume secrets-broker option device: - -> :/x"]],
    ["a volume that nobody declared", { running: running({ volumes: [runningVolume(), runningVolume({ Name: "trading-paper-mine" })] }) }, ["volume mine existence: - -> there"]],

    ["a network that is gone", { running: running({ networks: [] }) }, ["network  existence: there -> -"]],
    ["a network that was made again", { running: running({ networks: [runningNetwork({ Id: "cd".repeat(32) })] }) }, ["network  network id: abababababab -> cdcdcdcdcdcd"]],
    ["a network that leads nowhere", { running: running({ networks: [runningNetwork({ Internal: true, Driver: "macvlan" })] }) }, ["network  driver: bridge -> macvlan", "network  internal: no -> yes"]],
    ["a network with other options", { deployed: deployed({ networks: [deployedNetwork({ options: { "com.docker.network.bridge.name": "br0" } })] }) }, ["network  option com.docker.network.bridge.name: br0 -> -"]],
    ["a network with another address", { deployed: deployed({ networks: [deployedNetwork({ ipamConfigs: [{ subnet: "10.1.0.0/16" }] })] }) }, ["network  subnet 1: 10.1.0.0/16 -> 172.20.0.0/16, gateway 172.20.0.1"]],
    ["a stranger on the network", { running: running({ networks: [runningNetwork({ Containers: { x: { Name: "mine" } } as never })] }) }, ["network  container mine: - -> connected"]],
    ["a network that nobody declared", { running: running({ networks: [runningNetwork(), runningNetwork({ Name: "trading-paper-mine" })] }) }, ["network mine existence: - -> there"]],

    ["an image that is gone", { running: running({ images: new Map([[imageId, null]]) }) }, [`image broker existence: ${imageId} -> -`]],
    [
      "an image of one's own that is gone",
      { deployed: deployed({ containers: [deployedContainer("broker", { image: otherImage })] }), running: running({ containers: [inspected("broker", deployedContainer("broker", { image: otherImage }).inputs)], images: new Map([[imageId, imageOf(imageId)], [otherImage, null]]), networks: alone }) },
      [`image of trading-paper-broker existence: ${otherImage} -> -`],
    ],
    ["an up that was interrupted", { deployed: deployed({ unfinished: [{ resource: "gui", operation: "creating" }] }) }, ["resource gui operation: finished -> creating, interrupted"]],

    ["a bot that does not run", { running: botIs(stopped) }, ["container bot-refstrat01 state: running -> exited with code 0"]],
    ["a bot that runs although its owner wants it stopped", { wishes: { bots: { refstrat01: "stopped" } } }, ["container bot-refstrat01 state: stopped (stopped by the owner; `npx trading start bot` starts it) -> running"]],
    ["a service that a halt has nothing to do with", { halts: halts({}), running: running({ containers: [{ ...inspected("broker"), ...(stopped as object) }, { ...inspected("bot-refstrat01"), ...(stopped as object) }] }) }, ["container broker state: running -> exited with code 0"]],
    ["a bot whose halt lets it run, and that does not", { halts: halts({ level: "reduce" }), running: botIs(stopped) }, ["container bot-refstrat01 state: running -> exited with code 0"]],
    ["a bot that was deployed stopped, was wished running since, and does not run", { deployed: deployed({ containers: [deployedContainer("bot-refstrat01", { start: false, mustRun: false })] }), running: running({ containers: [{ ...inspected("bot-refstrat01"), ...(stopped as object) }], networks: alone }) }, ["container bot-refstrat01 state: running -> exited with code 0"]],
    ["a container that something else deployed stopped", { deployed: deployed({ containers: [deployedContainer("broker", { start: false })] }), running: running({ containers: [inspected("broker")], networks: alone }) }, ["container broker state: stopped (as it was deployed) -> running"]],

    ["a file that is gone from its volume", withFile(null), [`volume secrets-broker file a.csv: sha256 ${"a".repeat(64)} -> -`]],
    ["a file with another content", withFile("b".repeat(64)), [`volume secrets-broker file a.csv: sha256 ${"a".repeat(64)} -> sha256 ${"b".repeat(64)}`]],
  ];
  for (const [what, change, expected] of cases) it(`finds and names ${what}`, () => expect(told(change)).to.deep.equal(expected));

  function withFile(found: string | null | { problem: string }): Partial<DriftFacts> {
    const file = { kind: "volume" as const, name: secretsVolume, file: "a.csv", container: "trading-paper-broker", path: "/secrets/a.csv", sha256: "a".repeat(64), bytes: 1 };
    return { deployed: deployed({ files: [file] }), running: running({ files: new Map([["trading-paper-broker:/secrets/a.csv", found]]) }) };
  }

  const none: readonly (readonly [what: string, change: Partial<DriftFacts>])[] = [
    ["a bot that its owner wants stopped", { wishes: { bots: { refstrat01: "stopped" } }, running: botIs(stopped) }],
    ["a bot that a halt has stopped", { halts: halts({ bot: "refstrat01" }), running: botIs(stopped) }],
    ["a bot that was deployed stopped and was started since", { deployed: deployed({ containers: ["broker", "bot-refstrat01"].map((service) => deployedContainer(service, service === "broker" ? {} : { start: false, mustRun: false })) }) }],
    ["a bot that runs while nobody can read the halts", { halts: { ...noHalts, problem: "gone" } }],
    ["a bot that does not run while nobody can read the halts", { halts: { ...noHalts, problem: "gone" }, running: botIs(stopped) }],
    ["data that outlived what is declared", { running: running({ volumes: [runningVolume(), ...["timescaledb-data", "mlflow-artifacts", "backups"].map((name) => runningVolume({ Name: `trading-paper-${name}` }))] }) }],
    ["a volume, network and container of another stack", { running: running({ containers: [...running().containers, stranger("other", { [LABELS.stack]: "live" })], volumes: [runningVolume(), runningVolume({ Name: "x", Labels: { [LABELS.stack]: "live" } })], networks: [runningNetwork(), runningNetwork({ Name: "x", Labels: {} })] }) }],
    [
      "a tool of ours that works right now, on the network as well",
      { running: running({ containers: [...running().containers, stranger("tool", { [LABELS.stack]: "paper", [LABELS.owner]: OWNER, [LABELS.service]: "tool-points" })], networks: [runningNetwork({ Containers: { x: { Name: "tool" } } as never })] }) },
    ],
    ["a network whose addresses the Engine chose", {}],
    ["a file as it was deployed", withFile("a".repeat(64))],
    ["nothing that is deployed", { deployed: deployed({ containers: [], volumes: [], networks: [], images: [] }), running: running({ containers: [], volumes: [], networks: [] }) }],
  ];
  for (const [what, change] of none) it(`is none in ${what}`, () => expect(told(change)).to.deep.equal([]));

  it("is none in a live bot without a promotion, started or not", () => {
    const live = { mode: "live", promotion: { mayRun: false, reason: "live has no promotion" } } as const;
    expect(told({ ...live, running: botIs(stopped) })).to.deep.equal([]);
    expect(told(live)[0]).to.match(/^container bot-refstrat01 state: stopped \(live has no promotion/);
  });

  it("says what it could not look at", () => {
    const { notLookedAt, compared } = driftOf(factsOf({ ...withFile({ problem: "cannot be read: x" }) }));
    expect([notLookedAt, compared.files]).to.deep.equal([[`volume ${secretsVolume}: file a.csv: cannot be read: x`], 0]);
    const text = driftText(driftOf(factsOf({ deployed: deployed({ unknown: ["content of 9 volumes with secrets, which is encrypted in Pulumi's state"] }) })));
    expect(text).to.match(/^Not looked at: content of 9 volumes with secrets, which is encrypted in Pulumi's state\n/);
  });

  it("is a table with one line that sums it up, and the page of the runbook", () => {
    expect(driftText(driftOf(factsOf({ running: running({ volumes: [], networks: [runningNetwork({ Internal: true, Attachable: true })] }) })))).to.equal(
      [
        "┌─────────────────────────────────────┬────────────┬──────────┬─────────┐",
        "│ object                              │ property   │ declared │ running │",
        "├─────────────────────────────────────┼────────────┼──────────┼─────────┤",
        "│ volume trading-paper-secrets-broker │ existence  │ there    │ -       │",
        "│ network trading-paper               │ attachable │ no       │ yes     │",
        "│ network trading-paper               │ internal   │ no       │ yes     │",
        "└─────────────────────────────────────┴────────────┴──────────┴─────────┘",
        "DRIFT: stack paper is not as it was deployed (2024-03-01 10:00 UTC): 3 differences in 2 objects.",
        "What to do: runbooks/Incident_Handling.md, 4.13 Det kørende er ikke det erklærede",
        "",
      ].join("\n"),
    );
  });

  const long = "x".repeat(100);
  for (const [what, declared, running, shown] of [
    ["short values whole", "a", "b", ["a", "b"]],
    ["nothing as nothing", null, "b", ["-", "b"]],
    ["the beginning of a long value that stands alone", null, long, ["-", `${"x".repeat(60)}…`]],
    ["long values around where they differ", `${long}one${long}`, `${long}two${long}`, [`…${"x".repeat(15)}one${"x".repeat(42)}…`, `…${"x".repeat(15)}two${"x".repeat(42)}…`]],
  ] as const) {
    it(`shows ${what}`, () => expect(excerpts({ declared, running })).to.deep.equal(shown));
  }
});
