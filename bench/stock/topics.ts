export const RESULTS_TOPIC = 'stock.sampling-result';
export const feedbackTopic = (platform: string): string => `stock.feedback.${platform}`;
