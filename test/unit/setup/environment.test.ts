import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { dockerEnvironment } from "../../../setup/context.mjs";
import { pulumiEnvironment } from "../../../setup/environment.mjs";

const root = path.resolve("/somewhere/clone");
const bin = path.join(root, ".tools", "bin");

describe("the environment of Pulumi", () => {
  it("points to the clone's own tools, state and passphrase", () => {
    expect(pulumiEnvironment({ root, base: { PATH: "/usr/bin", HOME: "/home/me" }, holdsPulumi: true })).to.deep.equal({
      HOME: "/home/me",
      PATH: `${bin}${path.delimiter}/usr/bin`,
      PULUMI_HOME: path.join(root, ".tools", "pulumi-home"),
      PULUMI_CONFIG_PASSPHRASE_FILE: path.join(root, ".trading", "passphrase"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });
  });

  it("leaves the path alone where the CLI is on it", () => {
    expect(pulumiEnvironment({ root, base: { PATH: "/usr/bin" }, holdsPulumi: false }).PATH).to.equal("/usr/bin");
  });

  it("keeps the name under which Windows holds the path", () => {
    const environment = pulumiEnvironment({ root, base: { Path: "C:\\Windows" }, holdsPulumi: true });
    expect(environment).to.not.have.property("PATH");
    expect(environment.Path).to.equal(`${bin}${path.delimiter}C:\\Windows`);
  });

  it("takes out what would lead Pulumi to another backend, stack or passphrase", () => {
    const base = { PULUMI_BACKEND_URL: "s3://other", PULUMI_STACK: "other", PULUMI_CONFIG_PASSPHRASE: "other" };
    expect(pulumiEnvironment({ root, base, holdsPulumi: false })).to.not.have.any.keys("PULUMI_BACKEND_URL", "PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE");
    expect(base.PULUMI_STACK).to.equal("other");
  });
});

describe("the address of the Docker Engine", () => {
  let home: string;
  const context = (name: string, host: string) => {
    const folder = path.join(home, ".docker", "contexts", "meta", createHash("sha256").update(name).digest("hex"));
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "meta.json"), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
    fs.writeFileSync(path.join(home, ".docker", "config.json"), JSON.stringify({ currentContext: name }));
  };
  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), "setup-home-"));
  });
  afterEach(() => fs.rmSync(home, { recursive: true }));

  it("is left to the default where no context is selected", () => expect(dockerEnvironment({}, home)).to.deep.equal({}));
  it("is that of the selected context", () => {
    context("desktop-linux", "unix:///home/me/.docker/desktop/docker.sock");
    expect(dockerEnvironment({}, home)).to.deep.equal({ DOCKER_HOST: "unix:///home/me/.docker/desktop/docker.sock" });
  });
  it("is DOCKER_HOST where that is set", () => {
    context("desktop-linux", "unix:///home/me/.docker/desktop/docker.sock");
    expect(dockerEnvironment({ DOCKER_HOST: "tcp://far:2376" }, home)).to.deep.equal({});
  });
  it("is left alone for a remote context, which needs more than an address", () => {
    context("far", "ssh://me@far");
    expect(dockerEnvironment({}, home)).to.deep.equal({});
  });
});
