import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { LANGUAGE_HOST_VERSION, MINIMUM_NODE, PLUGINS, PULUMI_VERSION } from "../../../setup/pinned.mjs";
import { goFlags, goToolchain, releaseAddress } from "../../../setup/steps/pulumi.mjs";
import { isAtLeast, isExactly, parseVersion } from "../../../setup/versions.mjs";

const ROOT = path.resolve(__dirname, "..", "..", "..");
const read = (...segments: string[]) => fs.readFileSync(path.join(ROOT, ...segments), "utf8");

describe("versions", () => {
  for (const [text, expected] of [
    ["v3.259.0", [3, 259, 0]],
    ["go version go1.25.11 linux/amd64", [1, 25, 11]],
    ["go 1.25", [1, 25, 0]],
    ["Docker version 28.2.2, build e6534b4", [28, 2, 2]],
    ["none", undefined],
  ] as const) {
    it(`reads ${text}`, () => expect(parseVersion(text)).to.deep.equal(expected));
  }

  for (const [text, minimum, expected] of [
    ["20.19.0", "20.19.0", true],
    ["20.18.3", "20.19.0", false],
    ["20.20.2", "20.19.0", true],
    ["22.0.0", "20.19.0", true],
    ["9.99.99", "20.19.0", false],
    ["", "20.19.0", false],
  ] as const) {
    it(`${text || "nothing"} is ${expected ? "" : "not "}at least ${minimum}`, () => expect(isAtLeast(text, minimum)).to.equal(expected));
  }

  for (const [text, expected] of [
    ["v3.259.0\n", true],
    ["3.259.0", true],
    ["v3.259.0-dev.0", false],
    ["v3.259.1", false],
    ["\n", false],
  ] as const) {
    it(`${JSON.stringify(text)} is ${expected ? "" : "not "}exactly 3.259.0`, () => expect(isExactly(text, "3.259.0")).to.equal(expected));
  }

  it("are the same in package.json, the Go modules and set-up", () => {
    const { dependencies, engines } = JSON.parse(read("package.json")) as { dependencies: Record<string, string>; engines: { node: string } };
    expect(engines.node).to.equal(`>=${MINIMUM_NODE}`);
    expect(dependencies["@pulumi/pulumi"]).to.equal(PULUMI_VERSION);
    for (const { name, version } of PLUGINS) expect(dependencies[`@pulumi/${name}`]).to.equal(version);
    expect(read("setup", "cli", "go.mod")).to.contain(`github.com/pulumi/pulumi/pkg/v3 v${PULUMI_VERSION} `);
    expect(read("setup", "language", "go.mod")).to.contain(`github.com/pulumi/pulumi/sdk/v3 v${LANGUAGE_HOST_VERSION} `);
  });
});

describe("the Pulumi CLI", () => {
  for (const [platform, arch, expected] of [
    ["linux", "x64", "https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-linux-x64.tar.gz"],
    ["darwin", "arm64", "https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-darwin-arm64.tar.gz"],
    ["win32", "x64", "https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-windows-x64.zip"],
    ["linux", "riscv64", undefined],
    ["freebsd", "x64", undefined],
  ] as const) {
    it(`is released at ${expected ?? "no address"} for ${platform} ${arch}`, () => expect(releaseAddress(platform, arch)).to.equal(expected));
  }

  for (const [version, module, expected] of [
    ["go version go1.26.8 linux/amd64", "module x\n\ngo 1.25.11\n", "local"],
    ["go version go1.25.11 linux/amd64", "module x\n\ngo 1.25.11\n", "local"],
    ["go version go1.24.4 linux/amd64", "module x\n\ngo 1.25.11\n", "auto"],
  ] as const) {
    it(`is built with the ${expected} toolchain by ${version}`, () => expect(goToolchain(version, module)).to.equal(expected));
  }

  it("is built with its version in it, by which set-up knows it again", () => {
    expect(goFlags({ version: PULUMI_VERSION })).to.deep.include("-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0");
  });
});
