import { setSourceMapsSupport } from 'node:module';

// Preloaded by `node --import`: traces show our own sources. The maps of dependencies are left alone, as `--enable-source-maps` does not:
// they cost a service a second of its start and 40 MB.
setSourceMapsSupport(true, { nodeModules: false });
