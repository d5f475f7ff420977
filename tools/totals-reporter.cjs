/** Ends a run with one plain line: `N passed, N failed, N skipped`. A file that could not run counts as failed. */
class TotalsReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    // At exit, because Jest prints its own summary after the last reporter.
    process.once('exit', () => process.stdout.write(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`));
  }
}

module.exports = TotalsReporter;
