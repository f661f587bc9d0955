export { FeedQuality } from "./FeedQuality";
export { findingKinds, type FeedFinding, type FindingKind } from "./findings";
export type { FeedQualityOptions, JudgedCandle } from "./options";
export { defaultFeedQuality, feedQualitySettings, type FeedQualitySettings } from "./settings";
