import { describeRunbook } from "./describeRunbook";

describeRunbook("LiveFeed.md");
