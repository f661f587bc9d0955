import * as grpc from "@grpc/grpc-js";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Change } from "./diff";
import { InitializationError, messageOf } from "./errors";
import { Context, Diff, Provider, Resource, Severity, Subject } from "./provider";
import { Properties } from "./schema";

type Handler<Request, Response> = (request: Request) => Promise<Response> | Response;

function properties(struct: Struct | undefined): Properties {
  return (struct?.toJavaScript() ?? {}) as Properties;
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, withoutUndefined(item)]));
}

function struct(values: Properties): Struct {
  return Struct.fromJavaScript(withoutUndefined(values) as Record<string, JavaScriptValue>);
}

/** Splits `urn:pulumi:stack::project::parent$type::name`; the name itself may hold `::`. */
function subjectOf(urn: string): Subject {
  const parts = urn.split("::");
  return { urn, type: (parts[2] ?? "").split("$").pop() ?? "", name: parts.slice(3).join("::") };
}

/** gRPC error; a resource that was made but failed travels in the details, with its state. */
function failure(error: unknown): grpc.ServiceError {
  const message = messageOf(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitializationError) {
    const detail = new messages.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(struct(error.properties));
    detail.setReasonsList([message]);
    const packed = new Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(packed);
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return Object.assign(new Error(message), { code: grpc.status.UNKNOWN, details: message, metadata });
}

function unary<Request, Response>(handler: Handler<Request, Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handler(call.request))
      .then((response) => callback(null, response), (error: unknown) => callback(failure(error)));
  };
}

function kindOf({ kind, replaces }: Change): messages.PropertyDiff.Kind {
  const { Kind } = messages.PropertyDiff;
  const plain = { add: Kind.ADD, delete: Kind.DELETE, update: Kind.UPDATE };
  const replacing = { add: Kind.ADD_REPLACE, delete: Kind.DELETE_REPLACE, update: Kind.UPDATE_REPLACE };
  return (replaces ? replacing : plain)[kind];
}

function diffResponse({ changes, deleteBeforeReplace, replaceReasons }: Diff): messages.DiffResponse {
  const response = new messages.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const top = (change: Change): string => change.path.split(/[.[]/)[0] ?? "";
  const replacing = changes.filter((change) => change.replaces);
  response.setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList([...new Set(changes.map(top))]);
  response.setReplacesList(replaceReasons ?? [...new Set(replacing.map(top))]);
  response.setDeletebeforereplace(deleteBeforeReplace && replacing.length > 0);
  response.setHasdetaileddiff(true);
  for (const change of changes) {
    const detail = new messages.PropertyDiff();
    detail.setKind(kindOf(change));
    response.getDetaileddiffMap().set(change.path, detail);
  }
  return response;
}

function logger(address: string | undefined): Context["log"] {
  if (address === undefined) return () => undefined;
  let client: EngineClient | undefined;
  const severities = { info: LogSeverity.INFO, warning: LogSeverity.WARNING, error: LogSeverity.ERROR };
  return (severity: Severity, message: string, urn = "") => {
    client ??= new EngineClient(address, grpc.credentials.createInsecure());
    const request = new LogRequest();
    request.setSeverity(severities[severity]);
    request.setMessage(message);
    request.setUrn(urn);
    client.log(request, () => undefined);
  };
}

function handlers(provider: Provider, context: Context, abort: AbortController): grpc.UntypedServiceImplementation {
  const resource = (urn: string): { subject: Subject; kind: Resource } => {
    const subject = subjectOf(urn);
    const kind = provider.resources[subject.type];
    if (!kind) throw new Error(`the stand-in plugin does not serve ${subject.type}; install the official plugin for it`);
    return { subject, kind };
  };
  const implementation = {
    getPluginInfo: unary(() => {
      const response = new plugin.PluginInfo();
      response.setVersion(provider.version);
      return response;
    }),
    configure: unary(async (request: messages.ConfigureRequest) => {
      await provider.configure(properties(request.getArgs()));
      const response = new messages.ConfigureResponse();
      response.setSupportspreview(true);
      return response;
    }),
    check: unary((request: messages.CheckRequest) => {
      const { subject, kind } = resource(request.getUrn());
      const checked = kind.check(subject, properties(request.getOlds()), properties(request.getNews()), request.getRandomseed_asU8());
      const response = new messages.CheckResponse();
      response.setInputs(struct(checked.inputs));
      for (const { reason } of checked.failures) {
        const problem = new messages.CheckFailure();
        problem.setReason(reason);
        response.addFailures(problem);
      }
      return response;
    }),
    diff: unary((request: messages.DiffRequest) => {
      const { subject, kind } = resource(request.getUrn());
      const found = kind.diff(subject, properties(request.getOlds()), properties(request.getOldInputs()), properties(request.getNews()));
      const ignored = request.getIgnorechangesList();
      return diffResponse({ ...found, changes: found.changes.filter((change) => !ignored.includes(change.path)) });
    }),
    create: unary(async (request: messages.CreateRequest) => {
      const { subject, kind } = resource(request.getUrn());
      const created = await kind.create(subject, properties(request.getProperties()), request.getPreview(), context);
      const response = new messages.CreateResponse();
      response.setId(created.id);
      response.setProperties(struct(created.state));
      return response;
    }),
    update: unary(async (request: messages.UpdateRequest) => {
      const { subject, kind } = resource(request.getUrn());
      const [state, oldInputs, inputs] = [request.getOlds(), request.getOldInputs(), request.getNews()].map(properties);
      const updated = await kind.update(subject, request.getId(), state ?? {}, oldInputs ?? {}, inputs ?? {}, request.getPreview(), context);
      const response = new messages.UpdateResponse();
      response.setProperties(struct(updated));
      return response;
    }),
    read: unary(async (request: messages.ReadRequest) => {
      const found = await resource(request.getUrn()).kind.read(request.getId(), properties(request.getProperties()), properties(request.getInputs()));
      const response = new messages.ReadResponse();
      if (!found) return response;
      response.setId(found.id);
      response.setProperties(struct(found.state));
      response.setInputs(struct(found.inputs));
      return response;
    }),
    delete: unary(async (request: messages.DeleteRequest) => {
      const { subject, kind } = resource(request.getUrn());
      await kind.delete(subject, request.getId(), properties(request.getProperties()), context);
      return new Empty();
    }),
    invoke: unary(async (request: messages.InvokeRequest) => {
      const run = provider.functions?.[request.getTok()];
      if (!run) throw new Error(`the stand-in plugin does not serve the function ${request.getTok()}`);
      const response = new messages.InvokeResponse();
      response.setReturn(struct(await run(properties(request.getArgs()), context)));
      return response;
    }),
    cancel: unary(() => {
      abort.abort();
      return new Empty();
    }),
    attach: unary(() => new Empty()),
  };
  return implementation as unknown as grpc.UntypedServiceImplementation;
}

/** Ends the plugin, and the commands it runs, when the engine that started it is gone (killed, for example). */
function endWithParent(abort: AbortController): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return;
    abort.abort();
    process.exit(1);
  }, 1000).unref();
}

/** Serves the plugin; the engine reads the port from standard output. The first argument is the engine's address. */
export function serve(provider: Provider): void {
  const abort = new AbortController();
  const address = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
  endWithParent(abort);
  const context: Context = { log: logger(address), signal: abort.signal };
  const unlimited = 400 * 1024 * 1024;
  const server = new grpc.Server({ "grpc.max_receive_message_length": unlimited, "grpc.max_send_message_length": unlimited });
  server.addService(ResourceProviderService as unknown as grpc.ServiceDefinition, handlers(provider, context, abort));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}
