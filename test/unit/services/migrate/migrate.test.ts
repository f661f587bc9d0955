import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scramVerifier } from "../../../../services/migrate/scram";
import { loadMigrateOptions } from "../../../../services/migrate/settings";

describe("SCRAM verifier", () => {
  it("is the one of RFC 7677's example", () => {
    // Password "pencil", salt and iterations of RFC 7677 section 3; the stored and server keys follow from RFC 5802.
    const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
    expect(scramVerifier("pencil", salt, 4096)).to.equal(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });

  it("has another salt each time", () => {
    expect(scramVerifier("pencil")).to.not.equal(scramVerifier("pencil"));
  });

  for (const password of ["", "pæncil", "a\tb"]) {
    it(`refuses ${JSON.stringify(password)}`, () => {
      expect(() => scramVerifier(password)).to.throw("a password may have printable ASCII characters only");
    });
  }
});

describe("settings of the migrator", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "migrate-"));
    for (const name of ["superuser", "broker", "bot_refstrat01"]) writeFileSync(join(folder, `${name}-password`), `word of ${name}`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const load = (roles: unknown) => loadMigrateOptions({ SETTINGS: JSON.stringify({ roles }) }, folder);

  it("join each role with its password", () => {
    const roles = [{ name: "broker", kind: "broker" }, { name: "bot_refstrat01", kind: "bot" }];
    expect(load(roles)).to.deep.equal({
      host: "timescaledb",
      port: 5432,
      superuserPassword: "word of superuser",
      roles: [
        { name: "broker", kind: "broker", password: "word of broker" },
        { name: "bot_refstrat01", kind: "bot", password: "word of bot_refstrat01" },
      ],
    });
  });

  const wrongName = "bot_<bot name> for a bot, the kind itself for every other role";
  const cases: { title: string; roles: unknown; problem: string }[] = [
    { title: "a bot's role under another name", roles: [{ name: "postgres", kind: "bot" }], problem: `SETTINGS.roles[0]: {"name":"postgres","kind":"bot"} - allowed: ${wrongName}` },
    { title: "a service's role under another name", roles: [{ name: "boss", kind: "broker" }], problem: `SETTINGS.roles[0]: {"name":"boss","kind":"broker"} - allowed: ${wrongName}` },
    { title: "an unknown kind", roles: [{ name: "broker", kind: "owner" }], problem: 'SETTINGS.roles[0].kind: "owner" - allowed: "bot", "livefeed", "broker", "performance", "guard", "gui", "mlflow"' },
    { title: "a name twice", roles: [{ name: "broker", kind: "broker" }, { name: "broker", kind: "broker" }], problem: "- allowed: each name once" },
    { title: "a role without a secret", roles: [{ name: "gui", kind: "gui" }], problem: "gui-password cannot be read: ENOENT" },
  ];
  for (const { title, roles, problem } of cases) {
    it(`refuse ${title}`, () => expect(() => load(roles)).to.throw(problem));
  }
});
