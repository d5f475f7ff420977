export {
  aCreditRecord,
  aCreditStatus,
  aFeedback,
  aMarketEntity,
  aMerchant,
  anOrganisation,
  aPermit,
  aRecall,
  aReport,
  aSamplingResult,
  type Changes,
} from './builders.js';
export { eventually } from './eventually.js';
export { type Answer, Http } from './http.js';
export { Outside, type OutsideMessage, type OutsideRecord } from './outside.js';
export { Place, type PublishOptions, type TokenOptions } from './place.js';
export { clockOfTheRecording, newest, type RecordedEvent, recordedEvents, replay, stuck } from './recorded.js';
export { type PlaceOptions, type RealServers, realServers } from './real-servers.js';
export { StandingClock, startTestService, type TestService, type TestServiceOptions } from './test-service.js';
export { testUscc } from './uscc.js';
