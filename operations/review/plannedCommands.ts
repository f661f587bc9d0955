import * as grpc from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { madeUpId, madeUpOutput } from "./madeUpState";

/** What stands in for the plugin that runs commands, in previews of a base: it runs none, and answers what they would have said. */
export interface PlannedCommands {
  /** For PULUMI_DEBUG_PROVIDERS: Pulumi then talks to this instead of starting the plugin. */
  readonly attach: string;
  close(): void;
}

function unary<Request, Response>(answer: (request: Request) => Response): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => callback(null, answer(call.request));
}

/**
 * A preview does not know what a command says, and with it the id of any image that is to be built: what uses the image would
 * have to be asked for in a second preview. Here it is known at once, always the same for the same command. The official
 * plugin adds nothing to a command's arguments either, so that it can compare the head's with these.
 */
const HANDLERS = {
  getPluginInfo: unary(() => {
    const info = new PluginInfo();
    info.setVersion("0.0.0");
    return info;
  }),
  attach: unary(() => new Empty()),
  checkConfig: unary(checked),
  diffConfig: unary(() => new messages.DiffResponse()),
  configure: unary(() => {
    const response = new messages.ConfigureResponse();
    response.setSupportspreview(true);
    return response;
  }),
  check: unary(checked),
  diff: unary(() => {
    const response = new messages.DiffResponse();
    response.setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE);
    return response;
  }),
  create: unary((request: messages.CreateRequest) => {
    const urn = request.getUrn();
    const inputs = request.getProperties()?.toJavaScript() as Record<string, JavaScriptValue> | undefined;
    const response = new messages.CreateResponse();
    response.setId(madeUpId(urn));
    response.setProperties(Struct.fromJavaScript({ ...inputs, stdout: madeUpOutput(urn), stderr: "" }));
    return response;
  }),
  cancel: unary(() => new Empty()),
};

function checked(request: messages.CheckRequest): messages.CheckResponse {
  const response = new messages.CheckResponse();
  response.setInputs(request.getNews());
  return response;
}

export function plannedCommands(): Promise<PlannedCommands> {
  const unlimited = -1;
  const server = new grpc.Server({ "grpc.max_receive_message_length": unlimited, "grpc.max_send_message_length": unlimited });
  server.addService(ResourceProviderService as unknown as grpc.ServiceDefinition, HANDLERS as unknown as grpc.UntypedServiceImplementation);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve({ attach: `command:${port}`, close: () => server.forceShutdown() });
    });
  });
}
