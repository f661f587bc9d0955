import * as path from "node:path";
import { expect } from "chai";
import { isDebianLike } from "../../../setup/common/debian.mjs";
import { dockerFix, engineDetail } from "../../../setup/steps/docker.mjs";
import { npmCommand, packagesStamp } from "../../../setup/steps/packages.mjs";
import { closingText } from "../../../setup/up.mjs";

describe("what set-up makes of a machine", () => {
  for (const [name, text, expected] of [
    ["Debian", 'PRETTY_NAME="Debian GNU/Linux 13"\nID=debian\n', true],
    ["Ubuntu", 'ID=ubuntu\nID_LIKE=debian\n', true],
    ["Linux Mint", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', true],
    ["Fedora", 'ID=fedora\nVARIANT_ID=debian\n', false],
    ["nothing", "", false],
  ] as const) {
    it(`${expected ? "installs" : "does not install"} Debian's packages on ${name}`, () => expect(isDebianLike(text)).to.equal(expected));
  }

  for (const [name, situation, expected] of [
    ["Windows without Docker", { platform: "win32", client: false, host: undefined }, "install Docker Desktop for Windows (docs.docker.com/desktop/setup/install/windows-install, or `winget install Docker.DockerDesktop`), start it, and open a new terminal"],
    ["Windows with Docker Desktop closed", { platform: "win32", client: true, host: undefined }, "start Docker Desktop from the Start menu and wait until its whale icon stands still"],
    ["macOS without Docker", { platform: "darwin", client: false, host: undefined }, "install Docker Desktop for Mac (docs.docker.com/desktop/setup/install/mac-install, or `brew install --cask docker`) and start it"],
    ["Linux without Docker", { platform: "linux", client: false, host: undefined }, "install Docker Engine (docs.docker.com/engine/install), or run `npm start` as root on Debian or Ubuntu, where it installs the engine itself"],
    ["Linux with the Engine stopped", { platform: "linux", client: true, host: undefined }, "start the Engine (`sudo systemctl start docker`), and let this user use it (`sudo usermod -aG docker $USER`, then log in again)"],
    ["an Engine elsewhere", { platform: "linux", client: true, host: "tcp://far:2376" }, "DOCKER_HOST is tcp://far:2376: start the Engine there, or unset DOCKER_HOST"],
  ] as const) {
    it(`says what to do about ${name}`, () => expect(dockerFix(situation)).to.equal(expected));
  }

  it("warns of an Engine that can lock up, and of no other", () => {
    expect(engineDetail("20.10.24+dfsg1")).to.equal("Engine 20.10.24+dfsg1 answers; it can stop answering for good when containers end at the same moment: have version 23.0 or newer before a stack trades live");
    for (const version of ["23.0.0", "26.1.5+dfsg1", "28.2.2"]) expect(engineDetail(version)).to.equal(`Engine ${version} answers`);
  });

  const beside = path.join("/node", "bin", "node");
  const bundled = path.join("/node", "lib", "node_modules", "npm", "bin", "npm-cli.js");
  for (const [name, npmExecPath, there, expected] of [
    ["the npm that started it", "/other/npm-cli.js", ["/other/npm-cli.js", bundled], { command: beside, args: ["/other/npm-cli.js"] }],
    ["the npm that came with Node", undefined, [bundled], { command: beside, args: [bundled] }],
    ["the npm that came with Node when another manager started it", "/other/pnpm.cjs", ["/other/pnpm.cjs", bundled], { command: beside, args: [bundled] }],
    ["the npm on the path", undefined, [], { command: "npm", args: [] }],
  ] as const) {
    it(`uses ${name}`, () => {
      const exists = (file: string) => (there as readonly string[]).includes(file);
      expect(npmCommand({ execPath: beside, npmExecPath, exists })).to.deep.equal(expected);
    });
  }

  it("installs packages again after a change of the lock file, the machine or Node, and not of line ends", () => {
    const machine = { platform: "linux", arch: "x64", modules: "115" };
    const stamp = packagesStamp("{}\n", machine);
    expect(packagesStamp("{}\r\n", machine)).to.equal(stamp);
    const others = [packagesStamp("{ }\n", machine), ...[{ platform: "win32" }, { arch: "arm64" }, { modules: "127" }].map((other) => packagesStamp("{}\n", { ...machine, ...other }))];
    expect(new Set([stamp, ...others]).size).to.equal(5);
  });
});

describe("the last words of npm start", () => {
  it("are the page and the next commands", () => {
    expect(closingText({ stack: "paper", page: "http://127.0.0.1:8400", uncommitted: false })).to.equal(
      [
        'Stack "paper" is up.',
        "",
        "  Page      http://127.0.0.1:8400",
        "  Status    npx trading status",
        "  Stop      npx trading stop bot",
        "  Change    edit Pulumi.paper.yaml, then: npm run pulumi -- up --stack paper",
        "  Check     npm start -- --check",
        "",
        "The folder .trading holds state, passphrase and keys: put it into your backup.",
      ].join("\n"),
    );
  });
  it("name the stack where it is another, and its salt until that is committed", () => {
    const text = closingText({ stack: "second", page: undefined, uncommitted: true });
    expect(text).to.contain("npx trading status --stack second\n").and.contain("npm start -- --check --stack second\n").and.not.contain("Page");
    expect(text).to.contain('Pulumi wrote an encryptionsalt into Pulumi.second.yaml. It is no secret, and it belongs to this stack: commit it once.\n  git add Pulumi.second.yaml\n  git commit -m "Salt of stack second"');
  });
});
