export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export const ok = (body: unknown = {}): Answer => ({ status: 200, body });
export const refuse = (code: string, message: string): Answer => ({ status: code === "RESOURCE_DOES_NOT_EXIST" ? 404 : 400, body: { error_code: code, message } });

export interface FakeVersion {
  readonly name: string;
  readonly version: number;
  readonly source: string;
  readonly runId: string;
  readonly tags: Record<string, string>;
}

/** As much of MLflow 3's model registry as is used, in memory. */
export class FakeRegistry {
  readonly models = new Set<string>();
  readonly versions: FakeVersion[] = [];
  /** "model alias" -> version. */
  readonly aliases = new Map<string, number>();
  private made = 0;

  /** @returns undefined for what is no call of the registry */
  call(call: string, body: any, query: URLSearchParams): Answer | undefined {
    switch (call) {
      case "POST registered-models/create":
        if (this.models.has(body.name)) return refuse("RESOURCE_ALREADY_EXISTS", `Registered Model (name=${body.name}) already exists.`);
        this.models.add(body.name);
        return ok({ registered_model: { name: body.name } });
      case "POST model-versions/create": {
        if (!this.models.has(body.name)) return refuse("RESOURCE_DOES_NOT_EXIST", `no model ${body.name}`);
        const tags = Object.fromEntries(body.tags.map(({ key, value }: { key: string; value: string }) => [key, value])) as Record<string, string>;
        const version: FakeVersion = { ...{ name: body.name, version: ++this.made, source: body.source, runId: body.run_id, tags } };
        this.versions.push(version);
        return ok({ model_version: described(version) });
      }
      case "GET model-versions/search": {
        const filter = query.get("filter") ?? "";
        const wanted = [...filter.matchAll(/tags\."([^"]+)" = '([^']*)'/g)].map(([, key, value]) => [key!, value!] as const);
        const name = /name = '([^']*)'/.exec(filter)?.[1];
        const found = this.versions.filter((version) => version.name === name && wanted.every(([key, value]) => version.tags[key] === value));
        // The newest first, as MLflow orders them.
        return ok(found.length === 0 ? {} : { model_versions: [...found].reverse().map(described) });
      }
      case "DELETE model-versions/delete": {
        const index = this.versions.findIndex(({ name, version }) => name === body.name && String(version) === body.version);
        if (index < 0) return refuse("RESOURCE_DOES_NOT_EXIST", `no version ${body.version}`);
        this.versions.splice(index, 1);
        return ok();
      }
      case "POST model-versions/set-tag": {
        const version = this.find(body.name, body.version);
        if (version === undefined) return refuse("RESOURCE_DOES_NOT_EXIST", `no version ${body.version}`);
        version.tags[body.key] = body.value;
        return ok();
      }
      case "GET registered-models/alias": {
        const [name, alias] = [query.get("name") ?? "", query.get("alias") ?? ""];
        if (!this.models.has(name)) return refuse("RESOURCE_DOES_NOT_EXIST", `Registered Model with name=${name} not found`);
        const version = this.find(name, String(this.aliases.get(`${name} ${alias}`)));
        return version === undefined ? refuse("INVALID_PARAMETER_VALUE", `Registered model alias ${alias} not found.`) : ok({ model_version: described(version) });
      }
      case "POST registered-models/alias":
        if (this.find(body.name, body.version) === undefined) return refuse("RESOURCE_DOES_NOT_EXIST", `no version ${body.version}`);
        this.aliases.set(`${body.name} ${body.alias}`, Number(body.version));
        return ok();
      case "DELETE registered-models/alias":
        this.aliases.delete(`${body.name} ${body.alias}`);
        return ok();
      default:
        return undefined;
    }
  }

  private find(name: string, version: string): FakeVersion | undefined {
    return this.versions.find((each) => each.name === name && String(each.version) === version);
  }
}

function described({ name, version, source, runId, tags }: FakeVersion): unknown {
  return { name, version: String(version), source, run_id: runId, status: "READY", tags: Object.entries(tags).map(([key, value]) => ({ key, value })) };
}
