export { accessToken, kafkaOf, registerClient } from './access.js';
export { CannotStart } from './cannot-start.js';
export { createDatabase } from './postgres.js';
export { type Client, organisations, services, STACK_PRINCIPAL } from './principals.js';
export { clientSecret, rolePassword, signingKey } from './secrets.js';
export { AUDIENCE, type RunningServers, type ServerAddresses, startServers, type StartServersOptions } from './servers.js';
export { serviceEnvironment, type ServicePlace } from './service-environment.js';
export { asStack, ensureTopics } from './topics.js';
