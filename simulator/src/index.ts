export { type Behaviour, type ChannelName } from './channel.js';
export { type Access, Refused } from './exchange.js';
export { Memory } from './memory.js';
export { type Held, type Stance } from './platform.js';
export { Simulator, type SimulatorOptions } from './simulator.js';
