import { describeRunbook } from "./describeRunbook";

describeRunbook("Paper_And_Live_Bots.md");
