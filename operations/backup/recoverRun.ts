import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { PassThrough } from "node:stream";
import { extract } from "tar-stream";
import { z } from "zod";
import { pgbackrestConfiguration } from "../../config/pgbackrestConfiguration";
import { SECOND_COPY_MOUNT } from "../../config/backupSecrets";
import { CLONE_FOLDER, derivePassword, readOwner, readStackKey } from "../../config/clone";
import { LABELS, stackNames } from "../../config/names";
import { pointIdAt } from "../../domain/backup/recoveryPoint";
import { ImageBuilder } from "../../images/build";
import type { Context } from "../context";
import { CommandError, failure } from "../errors";
import type { DeclaredStack } from "../stack";
import { readCatalog } from "./catalog";
import { docker, dockerCode, ensureVolume, removeVolume } from "./docker";
import { progressWriter } from "./progressText";
import { bringIn, demandMergeable, folderFacts, isThere, RECOVERED, setStateAside } from "./recoverFolder";
import { partsOf, type ToolCall } from "./restoreParts";
import { chooseTarget, type Target, type To } from "./restoreTarget";
import { backupImage } from "./site";
import { bindMount, recoverContainerName, workVolume, type SecondCopy, type ToolSite } from "./toolContainer";
import type { ToolResult } from "./toolMessages";
import type { Tools } from "./tools";
import { demandVerified, lostArtifacts } from "./verified";

/** User of PostgreSQL and of the backup in their images, and that of the services. */
const DATABASE_USER = "10002:10002";
const SERVICE_USER = "10001:10001";

/** What recovering begins with. */
export interface RecoverRequest {
  readonly secondCopy: SecondCopy;
  /** Where restic finds the second copy inside the container; holds the password of a server. */
  readonly address: string;
  readonly key: string;
  readonly to: To;
}

/** How far a recovery is, for the next run of the command. */
const journalSchema = z.strictObject({ format: z.literal(1), id: z.string(), phase: z.enum(["data", "done"]) });
type Journal = z.infer<typeof journalSchema>;

/** What came of it. */
export interface Recovered {
  readonly target: Target;
  /** Artifacts that MLflow's database refers to and that the copy does not have, in words. */
  readonly lost: readonly string[];
}

/** Brings a stack back from its second copy onto a machine that has nothing of it. */
export class RecoverRun {
  private readonly stack: string;

  constructor(
    private readonly context: Context,
    private readonly tools: Tools,
    private readonly declared: DeclaredStack,
    private readonly request: RecoverRequest,
  ) {
    this.stack = declared.stack;
  }

  /** @returns what was brought back; undefined when it was all there already */
  async run(): Promise<Recovered | undefined> {
    const { stack, context } = this;
    if (this.readJournal()?.phase === "done") return undefined;
    // Of a run that was killed: what it began works on the same volumes.
    await this.tools.endLeftOvers(stack);
    await this.demandNoContainers();
    const image = await backupImage(context);
    context.whenInterrupted("nothing is lost: run the command again");
    try {
      // Before the folder is there, its owner is not known: this volume lives as long as the command.
      await this.fillSecrets("recover", {});
      await this.bringFolder(image);
      return await this.bringData(image);
    } finally {
      await removeVolume(this.secretsVolume).catch(() => undefined);
      await removeVolume(workVolume(stack)).catch(() => undefined);
    }
  }

  /** A stack that has containers is one that runs, or did: what it holds is not written over. */
  private async demandNoContainers(): Promise<void> {
    const containers = (await this.context.engine().containers(this.stack)).filter(({ service }) => !service.startsWith("tool-"));
    if (containers.length === 0) return;
    throw failure(`stack ${this.stack} has containers on this machine (${containers.map(({ name }) => name).join(", ")}): this command is for a machine that has nothing of it; for a stack that is there: npx trading restore --stack ${this.stack}`);
  }

  private get secretsVolume(): string {
    return stackNames(this.stack).volume("recover-secrets");
  }

  private site(image: string, owner: string): ToolSite {
    const { stack, request, declared, secretsVolume } = this;
    return { stack, backupsOf: stack, owner, image, mode: declared.configuration.mode, secondCopy: request.secondCopy, secretsVolume };
  }

  /** The files that the tools need: what the owner gave, and what follows from the stack's key once that is there. */
  private async fillSecrets(owner: string, more: Readonly<Record<string, string>>): Promise<void> {
    const { context, request, secretsVolume, stack } = this;
    const base = await new ImageBuilder(context.root, (line) => this.say(line)).ensure("base").catch((error: Error) => {
      throw failure(error.message);
    });
    await removeVolume(secretsVolume);
    await ensureVolume(secretsVolume, { owner, stack, service: "backup" });
    const files = { "second-copy-password": request.key, "second-copy-address": request.address, ...more };
    const lines = Object.entries(files).map(([name, content]) => `${name}\t${Buffer.from(content).toString("base64")}\n`);
    await docker(["run", "--rm", "--interactive", "--network", "none", "--user", "0", "--volume", `${secretsVolume}:/target`, base, "write-files", DATABASE_USER], lines.join(""));
  }

  /** `.trading`: first aside, then, when it is known to be the right one, into its place. */
  private async bringFolder(image: string): Promise<void> {
    const { context, stack, request } = this;
    const folder = path.join(context.root, CLONE_FOLDER);
    const present = folderFacts(folder);
    if (isThere(stack, present, request.key)) {
      setStateAside(folder, stack);
      return this.say(`${CLONE_FOLDER} is there with the key of stack ${stack}: it stays as it is`);
    }
    const aside = path.join(folder, RECOVERED);
    fs.rmSync(aside, { recursive: true, force: true });
    fs.mkdirSync(aside, { recursive: true, mode: 0o700 });
    if (process.platform !== "win32") fs.chmodSync(folder, 0o700);
    try {
      this.say("fetching .trading from the second copy");
      await this.fetchFolder(image, aside);
      demandMergeable(stack, folderFacts(aside), present, request.key);
      bringIn(aside, folder, stack);
    } finally {
      fs.rmSync(aside, { recursive: true, force: true });
    }
    this.say(`${CLONE_FOLDER} is there: passphrase, owner and the key of stack ${stack}`);
  }

  private async fetchFolder(image: string, aside: string): Promise<void> {
    const { stack, tools } = this;
    // The tool has a mount for the backups of this machine, which are empty still.
    const scratch = workVolume(stack);
    await ensureVolume(scratch, { owner: "recover", stack, service: "backup" });
    const entries = extract();
    const archive = new PassThrough();
    const unpacked = unpackTrading(entries, aside);
    unpacked.catch(() => undefined);
    const point = this.request.to.kind === "point" ? this.request.to.id : null;
    const piped = pipeline(archive, entries);
    piped.catch(() => undefined);
    await tools.run({ ...this.site(image, "recover"), backupsVolume: scratch }, "dump-clone", { from: "second", point }, { second: true, output: archive, onProgress: this.progress() });
    await Promise.all([unpacked, piped]);
  }

  private async bringData(image: string): Promise<Recovered> {
    const { context, stack, tools, declared } = this;
    const owner = readOwner(context.root);
    const key = readStackKey(context.root, stack);
    const names = stackNames(stack);
    const begun = this.readJournal();
    await removeVolume(workVolume(stack));
    const volumes = [
      { name: names.volume("backups"), service: "backup", user: DATABASE_USER, mode: "0700" },
      { name: names.volume("timescaledb-data"), service: "timescaledb", user: DATABASE_USER, mode: "0700" },
      { name: names.volume("mlflow-artifacts"), service: "mlflow", user: SERVICE_USER, mode: "0750" },
      { name: names.volume("database-socket"), service: "timescaledb", user: DATABASE_USER, mode: "0700" },
    ];
    for (const { name, service, user, mode } of volumes) {
      await ensureVolume(name, { owner, stack, service });
      // The first container that mounts a new volume gives it its own folder's owner.
      const run = ["run", "--rm", "--network", "none", "--user", "0", "--volume", `${name}:/volume`, "--entrypoint"];
      await docker([...run, "chown", image, user, "/volume"]);
      await docker([...run, "chmod", image, mode, "/volume"]);
    }
    // A database that is there when nothing was begun is somebody's data.
    if (begun === undefined) await this.demandEmpty(image, names.volume("timescaledb-data"));
    const journal = begun ?? this.writeJournal({ format: 1, id: pointIdAt(context.now()), phase: "data" });
    await this.fillSecrets(owner, {
      "pgbackrest.conf": pgbackrestConfiguration({ cipherPass: derivePassword(key, "backup/database"), archiveQueueMegabytes: declared.configuration.backup.archiveQueueMegabytes }),
      "restic-password": derivePassword(key, "backup/files"),
    });

    const site = this.site(image, owner);
    this.say("fetching the database's backups from the second copy");
    await this.call({ ...site, workVolume: names.volume("backups") }, { tool: "fetch", request: { point: this.request.to.kind === "point" ? this.request.to.id : null }, second: true });
    const target = chooseTarget(this.request.to, await readCatalog(tools, site, "first"));
    const parts = partsOf({ kind: "all", id: journal.id, from: "first", to: target.to, artifacts: target.artifacts });
    const lost: string[] = [];
    for (const part of parts) {
      this.say(`restoring ${part.name} as of ${target.at}`);
      const artifacts = part.bring.tool === "restore-artifacts";
      const brought = await this.call(site, artifacts ? { ...part.bring, request: { ...part.bring.request, repository: "second" }, second: true } : part.bring);
      const checks = demandVerified(part, brought);
      if (checks.length > 0) this.say(`${part.name}: verified (${checks.join(", ")})`);
      lost.push(...lostArtifacts(brought));
      await this.call(site, part.swap);
      await this.call(site, part.discard);
    }
    await this.bringFiles(image);
    this.writeJournal({ ...journal, phase: "done" });
    return { target, lost };
  }

  /** The first copy of artifacts, clones, dumps and images, so that their history goes on where it ended. */
  private async bringFiles(image: string): Promise<void> {
    const { stack, request, secretsVolume } = this;
    this.say("fetching the history of artifacts, clones, dumps and images from the second copy");
    const container = [
      ...["run", "--rm", "--name", recoverContainerName(stack), "--label", `${LABELS.stack}=${stack}`, "--label", `${LABELS.service}=tool-recover`],
      ...["--user", "0", "--cap-drop", "ALL", "--cap-add", "DAC_OVERRIDE", "--cap-add", "CHOWN", "--security-opt", "no-new-privileges"],
      ...["--network", request.secondCopy.kind === "rest" ? "bridge" : "none", "--env", `RESTIC_HOST=trading-${stack}`],
      ...["--volume", `${secretsVolume}:/secrets:ro`, "--volume", `${stackNames(stack).volume("backups")}:/backups`],
      ...(request.secondCopy.kind === "path" ? bindMount(request.secondCopy.path, SECOND_COPY_MOUNT, true) : []),
    ];
    const program = (name: string, ...words: string[]) => [...container, "--entrypoint", name, image, ...words];
    const first = ["--no-cache", "--quiet", "--repo", "/backups/files", "--password-file", "/secrets/restic-password"];
    const second = ["--from-repository-file", "/secrets/second-copy-address", "--from-password-file", "/secrets/second-copy-password"];
    const made = await dockerCode(program("test", "-e", "/backups/files/config"));
    if (made.code !== 0) await docker(program("restic", "init", ...first, ...second, "--copy-chunker-params"));
    // What was copied already is not copied again. The second copy is mounted to be read, and nobody else uses it here.
    await docker(program("restic", "copy", "--no-lock", ...first, ...second, ...["artifacts", "clone", "dump", "image"].flatMap((kind) => ["--tag", `kind:${kind}`])));
    await docker(program("chown", "--recursive", DATABASE_USER, "/backups/files"));
  }

  private async demandEmpty(image: string, volume: string): Promise<void> {
    const { code } = await dockerCode(["run", "--rm", "--network", "none", "--user", "0", "--volume", `${volume}:/volume:ro`, "--entrypoint", "test", image, "-e", "/volume/17/PG_VERSION"]);
    if (code !== 0) return;
    throw failure(`volume ${volume} holds a database already: it was left as it is; npm start -- --stack ${this.stack} uses it, npx trading delete-data --stack ${this.stack} removes it`);
  }

  private call(site: ToolSite, { tool, request, second }: ToolCall): Promise<ToolResult> {
    return this.tools.run(site, tool, request, { second, onProgress: this.progress() });
  }

  private progress() {
    return progressWriter((text) => this.context.writeError(text));
  }

  private say(text: string): void {
    this.context.writeError(`- ${text}\n`);
  }

  private get journalFile(): string {
    return path.join(this.context.root, CLONE_FOLDER, "stacks", this.stack, "recover.json");
  }

  private readJournal(): Journal | undefined {
    try {
      return journalSchema.parse(JSON.parse(fs.readFileSync(this.journalFile, "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw failure(`${this.journalFile} is not understood: ${(error as Error).message}`);
    }
  }

  private writeJournal(journal: Journal): Journal {
    const temporary = `${this.journalFile}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, `${JSON.stringify(journal)}\n`, { mode: 0o600 });
    fs.renameSync(temporary, this.journalFile);
    return journal;
  }
}

/** Writes the files of `.trading` out of the archive; what else is in it comes from Git on this machine. */
async function unpackTrading(entries: ReturnType<typeof extract>, folder: string): Promise<void> {
  for await (const entry of entries) {
    const { name, type } = entry.header;
    const relative = name.startsWith(`${CLONE_FOLDER}/`) ? name.slice(CLONE_FOLDER.length + 1) : undefined;
    if (relative === undefined || type !== "file") {
      entry.resume();
      continue;
    }
    const target = path.join(folder, ...relative.split("/"));
    if (!target.startsWith(folder + path.sep)) throw new CommandError(`the second copy names a file outside of ${CLONE_FOLDER}: ${name}`, 1);
    fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    await pipeline(entry, fs.createWriteStream(target, { mode: 0o600 }));
  }
}
