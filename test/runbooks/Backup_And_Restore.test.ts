import { describeRunbook } from "./describeRunbook";

describeRunbook("Backup_And_Restore.md");
