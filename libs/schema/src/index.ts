export { accessRules, grantRules, organisationRules, type AccessRule } from './access-rules.js';
export { asyncApi, type AsyncApiPlaces } from './async-api.js';
export { check, type Checked } from './check.js';
export { compare, isBreaking, type Difference, type Effect, type SchemaSet } from './compare.js';
export { componentSchemas } from './components.js';
export { canonicalForm, canonicalHash, contentHash } from './content-hash.js';
export { DomainError, FINDING_CODES, type Finding, type FindingCode } from './domain-error.js';
export { allSchemas, declaredEvents, schemaFile, schemaOf, schemaUri, type ObjectSchema } from './json-schema.js';
export { consumers, organisationStreams, organisationTopics, sharedTopics, topicSettings, type Topic } from './topics.js';
