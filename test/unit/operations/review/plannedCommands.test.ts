import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { expect } from "chai";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { madeUpId, madeUpOutput } from "../../../../operations/review/madeUpState";
import { plannedCommands, type PlannedCommands } from "../../../../operations/review/plannedCommands";

const URN = "urn:pulumi:paper::trading::command:local:Command::image-bot";
const INPUTS = { create: "exit 1", triggers: ["1"] };

describe("what stands in for the plugin that runs commands", () => {
  let commands: PlannedCommands;
  let client: ResourceProviderClient;
  before(async () => {
    commands = await plannedCommands();
    client = new ResourceProviderClient(`127.0.0.1:${commands.attach.split(":")[1]}`, grpc.credentials.createInsecure());
  });
  after(() => {
    client.close();
    commands.close();
  });
  const answerTo = <Response>(ask: (done: (error: Error | null, response: Response) => void) => void) => new Promise<Response>((resolve, reject) => ask((error, response) => (error ? reject(error) : resolve(response))));

  it("is named as Pulumi looks for it", () => expect(commands.attach).to.match(/^command:\d+$/));

  it("takes a command's arguments as they are", async () => {
    const request = new messages.CheckRequest();
    request.setUrn(URN);
    request.setNews(Struct.fromJavaScript(INPUTS));
    const response = await answerTo<messages.CheckResponse>((done) => client.check(request, done));
    expect(response.getInputs()!.toJavaScript()).to.deep.equal(INPUTS);
  });

  it("runs nothing, and says what the state says that is made up of it", async () => {
    const request = new messages.CreateRequest();
    request.setUrn(URN);
    request.setProperties(Struct.fromJavaScript(INPUTS));
    request.setPreview(true);
    const response = await answerTo<messages.CreateResponse>((done) => client.create(request, done));
    expect(response.getProperties()!.toJavaScript()).to.deep.equal({ ...INPUTS, stdout: madeUpOutput(URN), stderr: "" });
    expect(response.getId()).to.equal(madeUpId(URN));
  });

  it("does nothing that a preview does not ask for", async () => {
    const code = await answerTo((done) => client.delete(new messages.DeleteRequest(), done)).catch((reason: grpc.ServiceError) => reason.code);
    expect(code).to.equal(grpc.status.UNIMPLEMENTED);
  });
});
