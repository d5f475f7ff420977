import { readFileSync } from 'node:fs';
import { Clock } from '@jinqiao/platform';

// Loaded into a service before its own code, as later-clock.js?file=F: whatever its business dates, it dates as many days later as F says at
// that moment. Tokens, connections and timers go by the machine's clock.
const file = new URL(import.meta.url).searchParams.get('file') ?? '';
Clock.prototype.now = () => new Date(Date.now() + Number(readFileSync(file, 'utf8')) * 86_400_000);
