/** What the contact of an organisation has to be told: somebody has to do something, and no machine will. */
export const NOTICE_REASONS = ['GONE', 'FAILING', 'GIVEN_UP', 'NOT_RECEIVED'] as const;
/**
 * GONE, FAILING: the platform's endpoint ended or was disabled. GIVEN_UP: the last retry of a webhook failed. NOT_RECEIVED: a platform
 * has not received what its clock starts with.
 */
export type NoticeReason = (typeof NOTICE_REASONS)[number];
