import { describeRunbook } from "./describeRunbook";

describeRunbook("LiveFeed_Runbook.md");
