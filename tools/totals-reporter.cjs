const { writeFileSync } = require('node:fs');

/** Ends a run with one plain line: `N passed, N failed, N skipped`. A file that could not run counts as failed. */
class TotalsReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    // At exit, because Jest prints its own summary after the last reporter.
    process.once('exit', () => {
      process.stdout.write(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
      // Tells tools/test.mjs that there were totals.
      if (process.env.TOTALS_PRINTED_FILE) writeFileSync(process.env.TOTALS_PRINTED_FILE, '');
    });
  }
}

module.exports = TotalsReporter;
