import { Clock } from '@jinqiao/platform';

// Loaded into a service before its own code, as later-clock.js?days=N: whatever its business dates, it dates N days later. Tokens,
// connections and timers go by the machine's clock.
const days = Number(new URL(import.meta.url).searchParams.get('days'));
Clock.prototype.now = () => new Date(Date.now() + days * 86_400_000);
