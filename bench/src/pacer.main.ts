import { parentPort, workerData } from 'node:worker_threads';

/*
 * A thread that says each number of an even series when it is due, to the tenth of a millisecond. Node's timers know whole milliseconds:
 * half of one would be measured with every request.
 */
const { count, perSecond, began } = workerData as { count: number; perSecond: number; began: bigint };
const forever = new Int32Array(new SharedArrayBuffer(4));
for (let nth = 0; nth < count; nth += 1) {
  const early = (nth * 1000) / perSecond - Number(process.hrtime.bigint() - began) / 1e6;
  if (early > 0) Atomics.wait(forever, 0, 0, early);
  parentPort?.postMessage(nth);
}
