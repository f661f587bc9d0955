import { describeRunbook } from "./describeRunbook";

describeRunbook("Incident_Handling.md");
