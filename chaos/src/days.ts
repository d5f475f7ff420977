export const DAY_MS = 86_400_000;
const CHINA_MS = 8 * 3_600_000;

/** The day in China so many days after an instant. */
export const dayAt = (instant: number, daysLater: number): string =>
  new Date(instant + CHINA_MS + daysLater * DAY_MS).toISOString().slice(0, 10);

/** So many days after a day. */
export const daysAfter = (day: string, days: number): string => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
