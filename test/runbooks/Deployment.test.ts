import { describeRunbook } from "./describeRunbook";

describeRunbook("Deployment.md");
