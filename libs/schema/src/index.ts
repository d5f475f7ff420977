// Before any class of the contracts: class-transformer reads design types while it decorates.
import 'reflect-metadata';

export { check, type Checked } from './check.js';
export { canonicalHash, contentHash } from './content-hash.js';
export { DomainError, FINDING_CODES, type Finding, type FindingCode } from './domain-error.js';
export { allSchemas, declaredEvents, schemaOf, schemaPath, schemaUri, type ObjectSchema } from './json-schema.js';
