import { expect } from "chai";
import { fileLines } from "../../../components/FilledVolume";
import { TYPES, UNKNOWN, violationText, type DeclaredResource, type Properties, type StackRule } from "../../../policy/rule";
import { dataVolumes } from "../../../policy/rules/dataVolumes";
import { ownPorts } from "../../../policy/rules/ownPorts";
import { secretContents } from "../../../policy/rules/secretContents";
import { container, resource } from "./declared";

const said = (rule: StackRule, resources: readonly DeclaredResource[]) => rule.check(resources).map((violation) => violationText(violation.resource, violation));

const kept = { parents: `${TYPES.tradingStack}$${TYPES.dataVolume}$`, ignoreChanges: ["labels", "driver", "driverOpts"] };
const trading = (stack: string, mode: string, changed: Properties = {}) => resource(TYPES.tradingStack, "trading", { mode, portBase: 8400, ...changed }, { stack });
const component = (stack: string, properties: Properties = { retained: true }) => resource(TYPES.dataVolume, "timescaledb-data", properties, { stack });
const volume = (stack: string, purpose: string, options = {}) => resource(TYPES.volume, `${purpose}-volume`, { name: `trading-${stack}-${purpose}` }, { stack, ...kept, ...options });
const stackOf = (stack: string, mode: string, options = {}) => [trading(stack, mode), component(stack), ...["timescaledb-data", "mlflow-artifacts", "backups"].map((purpose) => volume(stack, purpose, options))];

describe("data volumes", () => {
  it("pass when they are retained, and in live protected", () => {
    expect(said(dataVolumes, stackOf("paper", "paper"))).to.deep.equal([]);
    expect(said(dataVolumes, stackOf("live", "live", { protect: true }))).to.deep.equal([]);
    expect(said(dataVolumes, [...stackOf("paper", "paper"), volume("paper", "secrets-gui", { parents: "", ignoreChanges: [] })])).to.deep.equal([]);
  });

  it("are protected in live, whatever the stack is called", () => {
    expect(said(dataVolumes, stackOf("real", "live"))).to.deep.equal(["timescaledb-data", "mlflow-artifacts", "backups"].map((purpose) => `${purpose}-volume: options.protect = false; allowed: true, in live`));
  });

  it("are not replaced for a label or a driver", () => {
    const [first] = said(dataVolumes, stackOf("paper", "paper", { ignoreChanges: ["labels"] }));
    expect(first).to.equal('timescaledb-data-volume: options.ignoreChanges = ["labels"]; allowed: driver, driverOpts among them');
  });

  it("outlive a destroy, as their component says", () => {
    for (const properties of [{ retained: false }, {}]) {
      const lines = said(dataVolumes, [...stackOf("paper", "paper").filter(({ type }) => type !== TYPES.dataVolume), component("paper", properties)]);
      expect(lines, JSON.stringify(properties)).to.have.length(1);
      expect(lines[0]).to.match(/^timescaledb-data: options\.retainOnDelete .*; allowed: true$/);
    }
    const [bare] = said(dataVolumes, [...stackOf("paper", "paper").slice(0, -1), volume("paper", "backups", { parents: "" })]);
    expect(bare).to.equal(`backups-volume: parent = "${TYPES.volume}"; allowed: a ${TYPES.dataVolume}, which retains it`);
  });

  it("are all there", () => {
    const without = stackOf("paper", "paper").filter(({ name }) => name !== "mlflow-artifacts-volume");
    expect(said(dataVolumes, without)).to.deep.equal(['trading: volumes = ["trading-paper-timescaledb-data","trading-paper-backups"]; allowed: trading-paper-mlflow-artifacts among them: the stack\'s data']);
  });

  it("cannot be judged where the program does not say of what stack they are, and then do not pass", () => {
    expect(said(dataVolumes, stackOf("live", "live").slice(1))).to.have.length(1);
    expect(said(dataVolumes, [trading("live", "demo"), ...stackOf("live", "live").slice(1)])).to.deep.equal(['trading: outputs mode, portBase = ["demo",8400]; allowed: "paper" or "live", and a number']);
    expect(said(dataVolumes, [resource("pulumi:pulumi:Stack", "trading-paper", {})])).to.deep.equal([]);
  });
});

describe("ports of a stack", () => {
  const published = (external: unknown) => container({ ports: [{ internal: 8080, external, ip: "127.0.0.1" }] });
  const files = [{ stack: "paper", portBase: 8400 }, { stack: "live", portBase: 8500 }];

  it("are those that its port base gives it", () => {
    for (const external of [8400, 8401, UNKNOWN]) expect(said(ownPorts(files), [trading("paper", "paper"), published(external)]), String(external)).to.deep.equal([]);
    for (const external of [8500, 8402, undefined]) expect(said(ownPorts(files), [trading("paper", "paper"), published(external)]), String(external)).to.have.length(1);
    expect(said(ownPorts(files), [trading("paper", "paper"), published(8500)])).to.deep.equal(["gui: ports[0].external = 8500; allowed: 8400, 8401, from trading:portBase 8400"]);
  });

  it("are in no other stack's file", () => {
    for (const portBase of [8399, 8400, 8401]) {
      const [line] = said(ownPorts([...files, { stack: "second", portBase }]), [trading("paper", "paper"), published(8400)]);
      expect(line, String(portBase)).to.equal(`trading: portBase = 8400; allowed: ports of its own: Pulumi.second.yaml has ${portBase}, ${portBase + 1}`);
    }
    expect(said(ownPorts([...files, { stack: "second", portBase: 8402 }]), [trading("paper", "paper"), published(8400)])).to.deep.equal([]);
  });
});

describe("contents of secret files", () => {
  const password = "Zk3v-Pq9_Lw2xT7uJr5dNc8bHs1mGa4fYe6oXi0kRzQ";
  const filling = (files: Record<string, string>) => resource(TYPES.command, "gui-secrets-files", { create: "docker run", stdin: fileLines(files) });
  const files = filling({ "database-password": password, "pgbackrest.conf": "[global]\nrepo1-cipher-pass=CipherPassOfTheTest\nrepo1-path=/backups/database\n" });

  it("are on the standard input of the command that writes them, and nowhere else", () => {
    expect(said(secretContents, [files, container()])).to.deep.equal([]);
    expect(said(secretContents, [files, container({ envs: ["BACKUPS=/backups/database"] })])).to.deep.equal([]);
    expect(said(secretContents, [resource(TYPES.command, "x", { stdin: UNKNOWN }), container()])).to.deep.equal([]);
  });

  for (const [what, place] of [
    ["environment", container({ envs: [`HARMLESS=${password}`] })],
    ["environment, in base64", container({ envs: [`HARMLESS=${Buffer.from(password).toString("base64")}`] })],
    ["settings", container({ envs: [`SETTINGS=${JSON.stringify({ a: [{ b: password }] })}`] })],
    ["label", resource(TYPES.volume, "v", { labels: [{ label: "a", value: password }] })],
    ["command line", container({ command: ["serve", password] })],
    ["line of a configuration file", container({ envs: ["HARMLESS=CipherPassOfTheTest"] })],
    ["standard output", resource(TYPES.command, "x", { stdout: `connected with ${password}` })],
    ["output of a component", resource(TYPES.tradingStack, "trading", { health: password })],
  ] as const) {
    it(`are found in ${what}, and not shown`, () => {
      const lines = said(secretContents, [place, files]);
      expect(lines).to.have.length(1);
      expect(lines[0]).to.match(new RegExp(`^${place.name}: \\w+ = "\\(the content of gui-secrets-files: (database-password|pgbackrest\\.conf)\\)"; allowed: no secret`)).and.not.include(password);
    });
  }

  it("are no place at which something is mounted", () => {
    const path = "/second-copy";
    const backup = container({}, { volumes: [{ hostPath: "/media/disk", path, readOnly: false }] });
    expect(said(secretContents, [filling({ "second-copy-address": path }), backup])).to.deep.equal([]);
    expect(said(secretContents, [filling({ "second-copy-address": path }), container({ envs: [`A=${path}`] })])).to.have.length(1);
  });

  it("are no recordings, and nothing so short that it is found by chance", () => {
    const data = filling({ "candles.csv": "1,2,3,4,5,6\n".repeat(1000), pin: "8400" });
    expect(said(secretContents, [data, container({ envs: ["A=1,2,3,4,5,6", "B=8400"] })])).to.deep.equal([]);
  });
});
