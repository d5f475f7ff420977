import { readConfig, startProcess } from '@jinqiao/platform';
import { GatewayConfig } from './config.js';
import { gatewayAdapter, prepareGateway } from './gateway.js';
import { GatewayModule } from './gateway.module.js';

await startProcess({ module: GatewayModule, config: readConfig(GatewayConfig), adapter: gatewayAdapter(), prepare: prepareGateway });
