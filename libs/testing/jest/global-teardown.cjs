module.exports = () => globalThis.testRun.end();
