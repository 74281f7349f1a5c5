/** `npm run bench`: measures; see bench/src/main.ts for the options, bench/README.md for `--peers`. A MongoDB engine is found as the tests find theirs, when its turn comes: even an idle one takes part of a small machine. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { findMongodb, type Mongodb } from './mongodb.ts'

let mongodb: Mongodb | undefined
const given = process.argv.slice(2)
const bench = fork(given.includes('--peers') ? 'bench/dist/peers/main.js' : 'bench/dist/main.js', given)
bench.on('message', async () => {
  const found = await findMongodb({ say: (line) => console.error(`bench: ${line}`) })
  if (!('skipped' in found)) mongodb = found
  bench.send({ url: mongodb?.url })
})
const [status] = await once(bench, 'exit')
await mongodb?.stop()
process.exit(status ?? 1)
