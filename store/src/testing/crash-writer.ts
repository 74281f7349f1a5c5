// A process that is made to be killed: `node crash-writer.js <store URL> <first number>` inserts runs and ends half of them, bulk after bulk,
// and prints on stdout what was answered: `created <n> <count>`, `ended <n> <count>`.
import { writeSync } from 'node:fs'
import { openStore } from '../open-store.ts'
import { range } from './pages.ts'
import { aFinish, aRun, runId } from './records.ts'

const BULK = 200
const [url = '', first = '0'] = process.argv.slice(2)
const store = await openStore(url)
for (let n = Number(first); ; n += BULK) {
  await store.runs.insert(range(BULK, n).map((i) => aRun(i)))
  writeSync(1, `created ${n} ${BULK}\n`)
  await store.runs.update(range(BULK / 2, n).map((i) => aFinish(runId(i))))
  writeSync(1, `ended ${n} ${BULK / 2}\n`)
}
