/** KafkaJS 2.2.4 reckons a pause that is negative, and Node 24 says so. */
export function quietKafkaJs(): void {
  const print = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') for (const listener of print) listener(warning);
  });
}
